//! Versions of resources as weak entity tags (RFC 7644, 3.14; RFC 9110, 8.8.3 and 13.1).

use std::fmt;

/// How often a resource has changed, the creation included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(pub(crate) u64);

impl Version {
    /// Whether `If-Match` or `If-None-Match` names this version: `*`, or a list of tags. Tags are compared weakly:
    /// SCIM's own are weak, and its `If-Match` is meant to work with them. What is no tag names nothing.
    pub(crate) fn is_named_by(self, header: &str) -> bool {
        let mine = self.opaque();
        header.split(',').map(str::trim).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == mine)
    }

    fn opaque(self) -> String {
        format!("\"{}\"", self.0)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "W/{}", self.opaque())
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn a_header_names_its_own_version_alone() {
        assert_eq!(Version(7).to_string(), "W/\"7\"");
        for header in ["*", "W/\"7\"", "\"7\"", "\"1\", W/\"7\"", " W/\"7\" "] {
            assert!(Version(7).is_named_by(header), "{header}");
        }
        for header in ["", "7", "W/\"8\"", "W/7", "w/\"7\"", "\"77\"", "W/\"7", ","] {
            assert!(!Version(7).is_named_by(header), "{header}");
        }
    }
}
