//! The core schema of a Group (RFC 7643, 4.2 and 8.7.1). Members are users: groups in groups are not followed.

use super::{Attribute, Schema};

/// The core Group.
pub(crate) const GROUP: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:Group",
    name: "Group",
    description: "Group",
    attributes: &[
        Attribute::text("displayName", "The group's name; group mappings are compared with it").required(),
        Attribute::complex(
            "members",
            "The users in the group",
            &[
                Attribute::text("value", "The user's id").exact().immutable(),
                Attribute::reference("$ref", &["User"], "Where the user is").immutable(),
                Attribute::text("type", "What the member is").canonical(&["User"]).immutable(),
            ],
        )
        .many(),
    ],
};
