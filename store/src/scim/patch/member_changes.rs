//! What a PATCH does to a group's members: additions and removals, however many members there are.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Verb;
use crate::scim::error::ScimError;
use crate::scim::filter::{Filter, members_selected};
use crate::scim::resource::members;

/// One operation on members, by the ids of users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MemberChange {
    Add(BTreeSet<String>),
    /// All go.
    Clear,
    Remove(BTreeSet<String>),
    Replace(BTreeSet<String>),
}

/// What is to be written: first everyone out, if `clear`; then these out, then these in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MemberDelta {
    pub(crate) clear: bool,
    pub(crate) remove: BTreeSet<String>,
    pub(crate) add: BTreeSet<String>,
}

impl MemberChange {
    /// These and no others; an empty list says that there are none.
    pub(crate) fn replacing(members: BTreeSet<String>) -> Self {
        if members.is_empty() { Self::Clear } else { Self::Replace(members) }
    }

    /// Reads an operation on `members`; `None` where there is nothing to do.
    pub(super) fn read(verb: Verb, filter: Option<&Filter>, value: Option<&Value>) -> Result<Option<Self>, ScimError> {
        if let Some(filter) = filter {
            // `members[value eq "x"]` has no value of its own to change: it can only go.
            return match verb {
                Verb::Add | Verb::Replace => {
                    Err(ScimError::no_target("a member cannot be changed, only added or removed"))
                }
                Verb::Remove => Ok(Some(Self::Remove(members_selected(filter)?))),
            };
        }
        match (verb, value) {
            (Verb::Add | Verb::Replace, None) => Err(ScimError::invalid_value("the operation has no value")),
            (Verb::Add, Some(value)) => Ok(Some(Self::Add(members(value)?))),
            (Verb::Replace, Some(value)) => Ok(Some(Self::replacing(members(value)?))),
            (Verb::Remove, None | Some(Value::Null)) => Ok(Some(Self::Clear)),
            // Entra names whom to remove in the value; an empty list is nobody, not everybody.
            (Verb::Remove, Some(value)) => {
                let members = members(value)?;
                Ok((!members.is_empty()).then_some(Self::Remove(members)))
            }
        }
    }
}

/// Everyone whom the changes name.
pub(crate) fn named(changes: &[MemberChange]) -> BTreeSet<&str> {
    let all = changes.iter().flat_map(|change| match change {
        MemberChange::Add(members) | MemberChange::Remove(members) | MemberChange::Replace(members) => Some(members),
        MemberChange::Clear => None,
    });
    all.flatten().map(String::as_str).collect()
}

/// The changes, one after the other, as one. Users that the directory does not know are passed over: one of them must
/// not make a whole push fail. But who replaces all members by unknown ones alone has changed nothing.
pub(crate) fn fold(changes: Vec<MemberChange>, is_known: impl Fn(&str) -> bool) -> MemberDelta {
    let known = |members: BTreeSet<String>| members.into_iter().filter(|member| is_known(member));
    let mut delta = MemberDelta::default();
    // Whoever is named is looked up: an operation on one costs the same however many those before it named.
    for change in changes {
        match change {
            MemberChange::Add(members) => {
                for member in known(members) {
                    delta.remove.remove(&member);
                    delta.add.insert(member);
                }
            }
            MemberChange::Clear => delta = MemberDelta { clear: true, ..MemberDelta::default() },
            MemberChange::Remove(members) => {
                for member in known(members) {
                    delta.add.remove(&member);
                    if !delta.clear {
                        delta.remove.insert(member);
                    }
                }
            }
            MemberChange::Replace(members) => {
                let add: BTreeSet<_> = known(members).collect();
                if !add.is_empty() {
                    delta = MemberDelta { clear: true, remove: BTreeSet::new(), add };
                }
            }
        }
    }
    delta
}
