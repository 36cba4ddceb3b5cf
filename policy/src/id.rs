//! Names of things as types, so that a role is never passed where a tier is meant. A clone shares the text: every session
//! of an organization has the same few.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::scan::{self, Sought};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                // Most are clones of one.
                Arc::ptr_eq(&self.0, &other.0) || scan::is_same(self.0.as_bytes(), other.0.as_bytes())
            }
        }

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.0.hash(state);
            }
        }

        impl $name {
            /// Wraps a value that its source (policy file, verified token, store) vouches for.
            pub fn new(value: impl AsRef<str>) -> Self {
                Self(value.as_ref().into())
            }

            /// The value as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name!(
    /// The id of a parent (a customer) in the policy file.
    ParentId
);
name!(
    /// The id of a connection (one trusted identity provider) in the policy file.
    ConnectionId
);
name!(
    /// The id of an organization (one product instance of a parent) in the policy file.
    OrganizationId
);
name!(
    /// The id that the store gave a member; a member made again gets a new one.
    MemberId
);
name!(
    /// The id that the store gave a directory's user: the SCIM `id` (RFC 7643, 3.1).
    DirectoryUserId
);
name!(
    /// A role of a product's catalog. Roles are data: no role has a meaning in the code.
    Role
);
name!(
    /// A seat tier of a product's catalog. Tiers are data like roles.
    Tier
);
name!(
    /// The `iss` of an assertion (RFC 7519, 4.1.1), compared byte by byte.
    Issuer
);
name!(
    /// The `sub` of an assertion (RFC 7519, 4.1.2): 1 to 255 bytes, no control characters.
    Subject
);
name!(
    /// A group's value as the identity provider sends it: an id or a full path, case-sensitive.
    Group
);

/// An email address; equality ignores ASCII case (design §2, "Email"), the spelling is kept for display.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Email(Arc<str>);

impl Email {
    /// The longest address that is accepted, in bytes (RFC 5321, 4.5.3.1: 64 + 1 + 255).
    pub const MAX_LEN: usize = 320;

    /// An address with exactly one `@`, a local part and a domain, and no control characters or spaces; else `None`.
    pub fn parse(value: &str) -> Option<Self> {
        let at = scan::position(value.as_bytes(), Sought::byte(b'@'))?;
        let domain = value.as_bytes().get(at + 1..)?;
        let is_visible = || scan::position(value.as_bytes(), Sought { below: b'!', ..Sought::UNPRINTABLE }).is_none();
        let well_formed = at > 0
            && !domain.is_empty()
            && scan::position(domain, Sought::byte(b'@')).is_none()
            && value.len() <= Self::MAX_LEN
            // Only what is not ASCII throughout has to be looked at by characters.
            && (is_visible() || !value.chars().any(|c| c.is_control() || c.is_whitespace()));
        well_formed.then(|| Self(value.into()))
    }

    /// The address as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The lowercased form: the key under which the store keeps the address.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// Whether the label after the `@` is this domain, which is lowercased.
    pub fn is_of(&self, domain: &str) -> bool {
        self.0.rsplit_once('@').is_some_and(|(_, own)| own.eq_ignore_ascii_case(domain))
    }

    /// The exact label after the `@`, lowercased.
    pub fn domain(&self) -> String {
        match self.0.rsplit_once('@') {
            Some((_, domain)) => domain.to_ascii_lowercase(),
            None => String::new(),
        }
    }
}

impl PartialEq for Email {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Email {}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Email;

    #[test]
    fn an_email_has_one_at_sign_and_both_parts() {
        for good in ["a@b", "Ada.L@Acme.example", "ü@acme.example"] {
            assert!(Email::parse(good).is_some(), "{good}");
        }
        for bad in ["", "@", "a", "a@", "@b", "a@b@c", "a@@b", "a b@c", "a@b\n", "a\0@b", "a\u{a0}@b", "a@b\u{85}"] {
            assert!(Email::parse(bad).is_none(), "{bad:?}");
        }
        let long = format!("{}@b", "a".repeat(Email::MAX_LEN));
        assert!(Email::parse(&long).is_none());
    }

    #[test]
    fn emails_compare_without_ascii_case_and_keep_their_spelling() {
        let ada = Email::parse("Ada@Acme.Example").unwrap();
        assert_eq!(ada, Email::parse("ada@acme.example").unwrap());
        assert_ne!(ada, Email::parse("adb@acme.example").unwrap());
        assert_eq!(ada.as_str(), "Ada@Acme.Example");
        assert_eq!(ada.key(), "ada@acme.example");
        assert_eq!(ada.domain(), "acme.example");
        assert!(ada.is_of("acme.example") && !ada.is_of("cme.example") && !ada.is_of("globex.example"));
    }
}
