//! What an admitted request is tagged with. Only a `Permit` can be made into tags, and only `policy` makes a `Permit`.

use usher_policy::model::HeaderNames;
use usher_policy::rules::conclude::Permit;

use crate::headers;

/// One fact about who was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    /// The request header.
    pub(crate) header: String,
    /// The filter state.
    pub(crate) state: &'static str,
    /// The value, visible ASCII.
    pub(crate) value: String,
}

/// Everything that the upstream and the access log learn about an admitted request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tags(Vec<Tag>);

impl Tags {
    /// The tags of a permit.
    pub(crate) fn of(permit: Permit<'_>, names: &HeaderNames) -> Self {
        let tag =
            |header: &String, state, value: &str| Tag { header: header.clone(), state, value: headers::encode(value) };
        let mut tags = vec![
            tag(&names.organization, "usher.organization", permit.organization().as_str()),
            tag(&names.member, "usher.member", permit.member().as_str()),
            tag(&names.subject, "usher.subject", permit.subject().as_str()),
            tag(&names.email, "usher.email", permit.email().as_str()),
            tag(&names.role, "usher.role", permit.role().as_str()),
        ];
        tags.extend(permit.seat_tier().map(|tier| tag(&names.seat_tier, "usher.seat_tier", tier.as_str())));
        Self(tags)
    }

    /// The tags, in a fixed order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Tag> {
        self.0.iter()
    }

    /// The value under a filter state's name, for logs.
    pub(crate) fn value(&self, state: &str) -> Option<&str> {
        self.0.iter().find(|tag| tag.state == state).map(|tag| tag.value.as_str())
    }
}
