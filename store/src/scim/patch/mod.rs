//! PATCH (RFC 7644, 3.5.2): operations on a document, and on a group's members without reading them.

mod apply;
mod member_changes;
mod path;
mod request;
mod values;

#[cfg(test)]
mod tests;

pub(crate) use member_changes::{MemberChange, MemberDelta, fold, named};
pub(crate) use request::Patch;

use serde_json::Value;

/// One operation as the request has it.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) verb: Verb,
    /// `None`: the value names the attributes.
    pub(crate) path: Option<String>,
    /// `None`: absent. An explicit null stays one.
    pub(crate) value: Option<Value>,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Add,
    Remove,
    Replace,
}
