//! The people of the demo, and the groups that the demo identity provider says they are in.

/// Someone with an account at the demo identity provider.
#[derive(Debug)]
pub(super) struct Person {
    /// What they are called in addresses.
    pub(super) name: &'static str,
    /// Their `groups`.
    pub(super) groups: &'static [&'static str],
    /// Which key signs their tokens.
    pub(super) key: SigningKey,
}

/// A key of the demo identity provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SigningKey {
    Es256,
    Rs256,
}

/// Everyone there is.
pub(super) const PEOPLE: &[Person] = &[
    Person { name: "ada", groups: &["chat-admins", "staff", "power-users"], key: SigningKey::Rs256 },
    Person { name: "ben", groups: &["staff"], key: SigningKey::Es256 },
    Person { name: "cleo", groups: &["contractors"], key: SigningKey::Rs256 },
    Person { name: "dan", groups: &["staff", "power-users"], key: SigningKey::Rs256 },
    Person { name: "eve", groups: &["staff"], key: SigningKey::Es256 },
];

impl Person {
    /// The person of this name.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        PEOPLE.iter().find(|person| person.name == name)
    }

    /// Their email.
    pub(super) fn email(&self) -> String {
        format!("{}@acme.example", self.name)
    }
}
