//! The enterprise extension of a User (RFC 7643, 4.3 and 8.7.1).

use super::{Attribute, Schema};

/// The enterprise extension.
pub(crate) const ENTERPRISE_USER: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    name: "EnterpriseUser",
    description: "Enterprise User",
    attributes: &[
        Attribute::text("employeeNumber", "The number that the organization gave the user"),
        Attribute::text("costCenter", "The cost center"),
        Attribute::text("organization", "The organization"),
        Attribute::text("division", "The division"),
        Attribute::text("department", "The department"),
        Attribute::complex(
            "manager",
            "The user's manager",
            &[
                Attribute::text("value", "The manager's id").exact(),
                Attribute::reference("$ref", &["User"], "Where the manager is"),
                Attribute::text("displayName", "The manager's name"),
            ],
        ),
    ],
};
