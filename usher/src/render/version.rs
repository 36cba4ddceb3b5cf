//! The Envoy that is rendered for, and what older ones do not have.

use std::fmt;
use std::str::FromStr;

use super::RenderError;

/// A version of Envoy, as far as it decides what is rendered: `1.40` and `1.40.2` are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EnvoyVersion {
    major: u32,
    minor: u32,
}

/// The text is no version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a version of Envoy, as in 1.40")]
pub(crate) struct EnvoyVersionError;

impl EnvoyVersion {
    /// The version that is rendered for unless another is named.
    pub(crate) const LATEST: Self = Self { major: 1, minor: 40 };
    const FIRST_TESTED: Self = Self { major: 1, minor: 36 };
    const FIRST_WITH_HEADER_STOP: Self = Self { major: 1, minor: 35 };
    const FIRST_WITH_RELOAD: Self = Self { major: 1, minor: 33 };
    const FIRST_KNOWN: Self = Self { major: 1, minor: 30 };

    /// Whether a filter that dies can be made again: `failure_policy: FAIL_RELOAD`.
    pub(super) fn reloads(self) -> bool {
        self >= Self::FIRST_WITH_RELOAD
    }

    /// Whether it asks what a pause at the headers means for the body; older ones always withhold it, as is wanted here.
    pub(super) fn asks_about_bodies(self) -> bool {
        self >= Self::FIRST_WITH_HEADER_STOP
    }

    /// What follows from its age; nothing for a version that usher is tested on.
    ///
    /// # Errors
    /// It is older than anything that is rendered for.
    pub(super) fn warnings(self) -> Result<Vec<String>, RenderError> {
        if self < Self::FIRST_KNOWN {
            return Err(RenderError::Version(self));
        }
        let mut warnings = Vec::new();
        if !self.reloads() {
            warnings.push(format!(
                "Envoy {self} has no `FAIL_RELOAD`, which came with 1.33: a filter that dies stays dead, and every request is \
                 refused from then on until that Envoy is restarted"
            ));
        }
        if self < Self::FIRST_TESTED {
            warnings.push(format!("usher is tested on Envoy 1.36 to 1.40, and not on {self}"));
        }
        Ok(warnings)
    }
}

impl FromStr for EnvoyVersion {
    type Err = EnvoyVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers: Option<Vec<u32>> = text.split('.').map(number).collect();
        match numbers.as_deref() {
            Some([major, minor] | [major, minor, _]) => Ok(Self { major: *major, minor: *minor }),
            _ => Err(EnvoyVersionError),
        }
    }
}

impl fmt::Display for EnvoyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

#[cfg(test)]
mod tests {
    use super::EnvoyVersion;

    fn version(text: &str) -> EnvoyVersion {
        text.parse().unwrap()
    }

    #[test]
    fn a_version_has_two_or_three_numbers() {
        assert_eq!(version("1.40.2"), EnvoyVersion::LATEST);
        assert_eq!(version("1.40").to_string(), "1.40");
        for text in ["", "1", "1.", "v1.40", "1.40.0.1", "1.+4", "1.40-dev"] {
            assert!(text.parse::<EnvoyVersion>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_an_envoy_lacks_is_told() {
        for (text, reloads, asks, warnings) in [
            ("1.40", true, true, 0),
            ("1.36.2", true, true, 0),
            ("1.35", true, true, 1),
            ("1.33", true, false, 1),
            ("1.32", false, false, 2),
        ] {
            let version = version(text);
            assert_eq!((version.reloads(), version.asks_about_bodies()), (reloads, asks), "{text}");
            assert_eq!(version.warnings().unwrap().len(), warnings, "{text}");
        }
        assert!(version("1.29").warnings().is_err());
    }
}
