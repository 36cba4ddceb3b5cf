//! Which line of the text a field stands on.

use super::super::field_path::{FieldPath, Segment};

/// The line of a value and of everything below it.
#[derive(Default)]
pub(crate) struct Lines {
    /// The value's own line, from 1; 0 where it is not known.
    pub(super) line: usize,
    /// What stands below.
    pub(super) below: Below,
}

/// What stands below a value.
#[derive(Default)]
pub(super) enum Below {
    /// A list's items.
    Items(Vec<Lines>),
    /// An object's members, by name: a file has hundreds of thousands of small objects, and few are ever looked into.
    Members(Vec<(String, Lines)>),
    /// Nothing: a scalar.
    #[default]
    Nothing,
}

impl Lines {
    /// The line of a field; of what it would stand in where it is missing.
    pub(crate) fn of(&self, path: &FieldPath<'_>) -> Option<usize> {
        let mut at = self;
        for segment in path.segments() {
            let below = match (&at.below, segment) {
                (Below::Items(items), Segment::Item(index)) => items.get(index),
                (Below::Members(members), Segment::Member(name)) => member(members, name),
                _ => None,
            };
            match below {
                Some(below) => at = below,
                None => break,
            }
        }
        (at.line > 0).then_some(at.line)
    }
}

/// What stands below an object with these members.
pub(super) fn members(mut members: Vec<(String, Lines)>) -> Below {
    members.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    Below::Members(members)
}

fn member<'a>(members: &'a [(String, Lines)], name: &str) -> Option<&'a Lines> {
    let index = members.binary_search_by(|(known, _)| known.as_str().cmp(name)).ok()?;
    members.get(index).map(|(_, lines)| lines)
}
