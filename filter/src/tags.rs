//! What an admitted request is tagged with. Only a `Permit` has tags, and only `policy` makes a `Permit`.

use std::borrow::Cow;

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

/// Everything that the upstream and the access log learn about an admitted request, as it is written: visible ASCII. Without
/// a seat tier there is no tag for it.
pub(crate) fn of(permit: &Permit) -> impl Iterator<Item = (Fact, Cow<'_, str>)> {
    Fact::ALL.into_iter().filter_map(|fact| Some((fact, value(permit, fact)?)))
}

/// One of them.
pub(crate) fn value(permit: &Permit, fact: Fact) -> Option<Cow<'_, str>> {
    let value = match fact {
        Fact::Organization => permit.organization().as_str(),
        Fact::Member => permit.member(),
        Fact::Subject => permit.subject(),
        Fact::Email => permit.email(),
        Fact::Role => permit.role().as_str(),
        Fact::SeatTier => permit.seat_tier()?.as_str(),
    };
    // Nearly nobody's values have anything to encode, which is known of each since the login.
    Some(if permit.is_tag() { Cow::Borrowed(value) } else { headers::encode(value) })
}
