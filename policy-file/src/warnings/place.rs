//! A place in the document that a finished policy was read from.

use serde_json::Value;

use super::super::field_path::{FieldPath, Segment};

/// A field, be it written or not.
#[derive(Clone)]
pub(super) struct Place<'d> {
    path: FieldPath<'d>,
    value: Option<&'d Value>,
}

impl<'d> Place<'d> {
    /// The whole document.
    pub(super) fn root(document: &'d Value) -> Self {
        Self { path: FieldPath::default(), value: Some(document) }
    }

    /// A field of it.
    pub(super) fn member(&self, name: &'d str) -> Self {
        Self { path: self.path.below(Segment::Member(name)), value: self.value.and_then(|value| value.get(name)) }
    }

    /// An item of it.
    pub(super) fn item(&self, index: usize) -> Self {
        Self { path: self.path.below(Segment::Item(index)), value: self.value.and_then(|value| value.get(index)) }
    }

    /// Whether the document says something here.
    pub(super) fn is_written(&self) -> bool {
        self.value.is_some()
    }

    /// Whether the document says something in a field of it, whose name need not live as long.
    pub(super) fn member_is_written(&self, name: &str) -> bool {
        self.value.is_some_and(|value| value.get(name).is_some())
    }

    /// Where it stands.
    pub(super) fn path(&self) -> &FieldPath<'d> {
        &self.path
    }
}
