//! Users and Groups: what of a request becomes the stored document, and how a document becomes an answer.

mod document;
mod members;
mod read;
mod value;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use document::{Document, is_primary};
pub(crate) use members::{MAX_MEMBERS, members};
pub(crate) use read::Input;
#[cfg(test)]
pub(crate) use tests::any_json;
pub(crate) use value::{bare, few_enough, normalized};
pub(crate) use write::{GroupOfUser, Stored};

use super::schema::{ENTERPRISE_USER, GROUP, Schema, USER};

/// A type of resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResourceType {
    Group,
    User,
}

impl ResourceType {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::User, Self::Group];

    /// The name, as `meta.resourceType` has it.
    pub(crate) fn name(self) -> &'static str {
        self.schema().name
    }

    /// Where its resources are, below the base.
    pub(crate) fn endpoint(self) -> &'static str {
        match self {
            Self::Group => "/Groups",
            Self::User => "/Users",
        }
    }

    /// The core schema.
    pub(crate) fn schema(self) -> &'static Schema {
        match self {
            Self::Group => &GROUP,
            Self::User => &USER,
        }
    }

    /// The extensions that are understood.
    pub(crate) fn extensions(self) -> &'static [&'static Schema] {
        match self {
            Self::Group => &[],
            Self::User => &[&ENTERPRISE_USER],
        }
    }

    /// The attribute that a resource cannot be without.
    pub(crate) fn required(self) -> &'static str {
        match self {
            Self::Group => "displayName",
            Self::User => "userName",
        }
    }
}
