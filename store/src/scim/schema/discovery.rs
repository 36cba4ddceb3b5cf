//! The schemas of what describes the service itself (RFC 7643, 8.7.2).

use super::{Attribute, Kind, Schema};

/// What `/ServiceProviderConfig` answers.
pub(super) const SERVICE_PROVIDER_CONFIG: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig",
    name: "Service Provider Configuration",
    description: "What the service provider supports",
    attributes: &[
        Attribute::reference("documentationUri", &["external"], "Where the documentation is").read_only(),
        Attribute::complex("patch", "PATCH", &[SUPPORTED]).read_only().required(),
        Attribute::complex(
            "bulk",
            "Bulk requests",
            &[
                SUPPORTED,
                Attribute::new("maxOperations", Kind::Integer, "Most operations").read_only().required(),
                Attribute::new("maxPayloadSize", Kind::Integer, "Largest body in bytes").read_only().required(),
            ],
        )
        .read_only()
        .required(),
        Attribute::complex(
            "filter",
            "Filters",
            &[SUPPORTED, Attribute::new("maxResults", Kind::Integer, "Most resources at once").read_only().required()],
        )
        .read_only()
        .required(),
        Attribute::complex("changePassword", "Changing a password", &[SUPPORTED]).read_only().required(),
        Attribute::complex("sort", "Sorting", &[SUPPORTED]).read_only().required(),
        Attribute::complex("etag", "Entity tags", &[SUPPORTED]).read_only().required(),
        Attribute::complex(
            "authenticationSchemes",
            "How to authenticate",
            &[
                Attribute::text("type", "The scheme")
                    .canonical(&["oauth", "oauth2", "oauthbearertoken", "httpbasic", "httpdigest"])
                    .read_only()
                    .required(),
                Attribute::text("name", "The scheme's name").read_only().required(),
                Attribute::text("description", "What it is").read_only().required(),
                Attribute::reference("specUri", &["external"], "Its specification").read_only(),
                Attribute::reference("documentationUri", &["external"], "Its documentation").read_only(),
                Attribute::boolean("primary", "Whether it is the preferred one").read_only(),
            ],
        )
        .many()
        .read_only()
        .required(),
    ],
};

/// What `/ResourceTypes` answers.
pub(super) const RESOURCE_TYPE: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:ResourceType",
    name: "ResourceType",
    description: "A type of resource",
    attributes: &[
        Attribute::text("name", "The type's name").read_only().required(),
        Attribute::text("description", "What it is").read_only(),
        Attribute::reference("endpoint", &["uri"], "Where its resources are, below the base").read_only().required(),
        Attribute::reference("schema", &["uri"], "Its schema").read_only().required(),
        Attribute::complex(
            "schemaExtensions",
            "Extensions of its schema",
            &[
                Attribute::reference("schema", &["uri"], "The extension").read_only().required(),
                Attribute::boolean("required", "Whether every resource has it").read_only().required(),
            ],
        )
        .many()
        .read_only()
        .required(),
    ],
};

/// What `/Schemas` answers.
pub(super) const SCHEMA: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:Schema",
    name: "Schema",
    description: "A schema",
    attributes: &[
        Attribute::text("name", "The schema's name").read_only(),
        Attribute::text("description", "What it is for").read_only(),
        Attribute::complex(
            "attributes",
            "Its attributes",
            &[
                NAME,
                TYPE,
                MULTI_VALUED,
                DESCRIPTION,
                REQUIRED,
                CANONICAL_VALUES,
                CASE_EXACT,
                MUTABILITY,
                RETURNED,
                UNIQUENESS,
                REFERENCE_TYPES,
                Attribute::complex(
                    "subAttributes",
                    "The parts of a complex attribute",
                    &[
                        NAME,
                        TYPE,
                        MULTI_VALUED,
                        DESCRIPTION,
                        REQUIRED,
                        CANONICAL_VALUES,
                        CASE_EXACT,
                        MUTABILITY,
                        RETURNED,
                        UNIQUENESS,
                        REFERENCE_TYPES,
                    ],
                )
                .many()
                .read_only(),
            ],
        )
        .many()
        .read_only()
        .required(),
    ],
};

const SUPPORTED: Attribute = Attribute::boolean("supported", "Whether it is supported").read_only().required();
const NAME: Attribute = Attribute::text("name", "The attribute's name").exact().read_only().required();
const TYPE: Attribute = Attribute::text("type", "The type of its values")
    .canonical(&["string", "complex", "boolean", "decimal", "integer", "dateTime", "reference", "binary"])
    .read_only()
    .required();
const MULTI_VALUED: Attribute =
    Attribute::boolean("multiValued", "Whether it has several values").read_only().required();
const DESCRIPTION: Attribute = Attribute::text("description", "What it is").exact().read_only();
const REQUIRED: Attribute = Attribute::boolean("required", "Whether a resource must have it").read_only();
const CANONICAL_VALUES: Attribute = Attribute::text("canonicalValues", "Usual values").many().exact().read_only();
const CASE_EXACT: Attribute = Attribute::boolean("caseExact", "Whether the case of its values matters").read_only();
const MUTABILITY: Attribute = Attribute::text("mutability", "Who may change it")
    .canonical(&["readOnly", "readWrite", "immutable", "writeOnly"])
    .exact()
    .read_only();
const RETURNED: Attribute = Attribute::text("returned", "When it is returned")
    .canonical(&["always", "never", "default", "request"])
    .exact()
    .read_only();
const UNIQUENESS: Attribute = Attribute::text("uniqueness", "Among what a value is unique")
    .canonical(&["none", "server", "global"])
    .exact()
    .read_only();
const REFERENCE_TYPES: Attribute =
    Attribute::text("referenceTypes", "What a reference may point to").many().exact().read_only();
