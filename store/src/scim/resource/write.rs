//! A stored resource as an answer: what the directory adds, and in which order.

use serde_json::{Map, Value, json};

use super::{Document, ResourceType};
use crate::clock::rfc3339;
use crate::scim::etag::Version;

/// A resource as the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) kind: ResourceType,
    pub(crate) id: String,
    pub(crate) document: Document,
    /// Unix seconds.
    pub(crate) created_at: u64,
    /// Unix seconds.
    pub(crate) updated_at: u64,
    pub(crate) version: Version,
    /// How many members a group has.
    pub(crate) members: u64,
}

/// A group that a user is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupOfUser {
    pub(crate) id: String,
    pub(crate) display_name: String,
    pub(crate) external_id: Option<String>,
}

impl Stored {
    /// A resource that comes into being at `now` (Unix seconds).
    pub(crate) fn new(kind: ResourceType, id: String, document: Document, now: u64) -> Self {
        Self { kind, id, document, created_at: now, updated_at: now, version: Version(1), members: 0 }
    }

    /// The resource after a change at `now` (Unix seconds).
    pub(crate) fn changed(&self, document: Document, members: u64, now: u64) -> Self {
        let version = Version(self.version.0.saturating_add(1));
        Self { document, members, updated_at: now.max(self.updated_at), version, ..self.clone() }
    }

    /// Where it is, below the base of its directory.
    pub(crate) fn location(&self, base: &str) -> String {
        format!("{base}{}/{}", self.kind.endpoint(), self.id)
    }

    /// The whole resource, without members and groups.
    pub(crate) fn resource(&self, base: &str) -> Map<String, Value> {
        let mut resource = self.document.to_map();
        let schemas: Vec<_> = std::iter::once(self.kind.schema().id).chain(self.document.extensions()).collect();
        resource.insert("schemas".to_owned(), json!(schemas));
        resource.insert("id".to_owned(), json!(self.id));
        let meta = json!({
            "resourceType": self.kind.name(),
            "created": rfc3339(self.created_at),
            "lastModified": rfc3339(self.updated_at),
            "location": self.location(base),
            "version": self.version.to_string(),
        });
        resource.insert("meta".to_owned(), meta);
        resource
    }

    /// Adds a group's members, by the ids of the users.
    pub(crate) fn add_members(resource: &mut Map<String, Value>, members: &[String], base: &str) {
        let users = ResourceType::User.endpoint();
        let members =
            members.iter().map(|id| json!({"value": id, "$ref": format!("{base}{users}/{id}"), "type": "User"}));
        let members: Vec<_> = members.collect();
        // "Unassigned" is absent, not empty: clients take the two for the same (RFC 7643, 2.5).
        if !members.is_empty() {
            resource.insert("members".to_owned(), Value::Array(members));
        }
    }

    /// Adds the groups that a user is in.
    pub(crate) fn add_groups(resource: &mut Map<String, Value>, groups: &[GroupOfUser], base: &str) {
        let endpoint = ResourceType::Group.endpoint();
        let groups = groups.iter().map(|group| {
            json!({
                "value": group.id,
                "$ref": format!("{base}{endpoint}/{}", group.id),
                "display": group.display_name,
                "type": "direct",
            })
        });
        let groups: Vec<_> = groups.collect();
        if !groups.is_empty() {
            resource.insert("groups".to_owned(), Value::Array(groups));
        }
    }
}
