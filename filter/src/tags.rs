//! What an admitted request is tagged with. Only a `Permit` can be made into tags, and only `policy` makes a `Permit`.

use usher_policy::model::HeaderNames;
use usher_policy::rules::conclude::Permit;

use crate::headers;

/// One thing that is told about who was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fact {
    Organization,
    Member,
    Subject,
    Email,
    Role,
    SeatTier,
}

impl Fact {
    /// All of them, in the order in which they are told.
    const ALL: [Self; 6] = [Self::Organization, Self::Member, Self::Subject, Self::Email, Self::Role, Self::SeatTier];

    /// The name of its filter state.
    pub(crate) fn state(self) -> &'static str {
        match self {
            Self::Organization => "usher.organization",
            Self::Member => "usher.member",
            Self::Subject => "usher.subject",
            Self::Email => "usher.email",
            Self::Role => "usher.role",
            Self::SeatTier => "usher.seat_tier",
        }
    }

    /// The name of its request header.
    pub(crate) fn header(self, names: &HeaderNames) -> &str {
        match self {
            Self::Organization => &names.organization,
            Self::Member => &names.member,
            Self::Subject => &names.subject,
            Self::Email => &names.email,
            Self::Role => &names.role,
            Self::SeatTier => &names.seat_tier,
        }
    }
}

/// Everything that the upstream and the access log learn about an admitted request: visible ASCII, ready to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tags {
    /// One value after the other.
    text: Box<str>,
    /// Where each ends; the last is absent where there is no seat tier.
    ends: [Option<u32>; 6],
}

impl Tags {
    /// The tags of a permit.
    pub(crate) fn of(permit: Permit<'_>) -> Self {
        let mut text = String::new();
        let ends = Fact::ALL.map(|fact| {
            let value = match fact {
                Fact::Organization => permit.organization().as_str(),
                Fact::Member => permit.member().as_str(),
                Fact::Subject => permit.subject().as_str(),
                Fact::Email => permit.email().as_str(),
                Fact::Role => permit.role().as_str(),
                Fact::SeatTier => permit.seat_tier()?.as_str(),
            };
            headers::encode(value, &mut text);
            u32::try_from(text.len()).ok()
        });
        Self { text: text.into_boxed_str(), ends }
    }

    /// The tags, in a fixed order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Fact, &str)> {
        let mut start = 0;
        Fact::ALL.into_iter().zip(self.ends).filter_map(move |(fact, end)| {
            let end = usize::try_from(end?).ok()?;
            let value = self.text.get(start..end)?;
            start = end;
            Some((fact, value))
        })
    }

    /// One value, for logs.
    pub(crate) fn value(&self, fact: Fact) -> Option<&str> {
        self.iter().find(|(known, _)| *known == fact).map(|(_, value)| value)
    }
}
