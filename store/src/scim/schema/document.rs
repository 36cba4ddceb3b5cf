//! The documents of `/Schemas`, `/ResourceTypes` and `/ServiceProviderConfig` (RFC 7643, sections 5 to 7).

use serde_json::{Map, Value, json};

use super::{Attribute, Kind, Mutability, Returned, SCHEMAS, Schema, Uniqueness};
use crate::scim::list::MAX_COUNT;
use crate::scim::resource::ResourceType;

const SCHEMA_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";
const RESOURCE_TYPE_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const SERVICE_PROVIDER_CONFIG_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";

/// Every schema, below this base.
pub(crate) fn schemas(base: &str) -> Vec<Value> {
    SCHEMAS.iter().map(|schema| schema_document(schema, base)).collect()
}

/// The schema with this URN (compared without case, as URNs of schemas are).
pub(crate) fn schema(id: &str, base: &str) -> Option<Value> {
    SCHEMAS.iter().find(|schema| schema.id.eq_ignore_ascii_case(id)).map(|schema| schema_document(schema, base))
}

/// Every type of resource, below this base.
pub(crate) fn resource_types(base: &str) -> Vec<Value> {
    ResourceType::ALL.iter().map(|kind| resource_type_document(*kind, base)).collect()
}

/// The type of resource with this name.
pub(crate) fn resource_type(name: &str, base: &str) -> Option<Value> {
    ResourceType::ALL.iter().find(|kind| kind.name() == name).map(|kind| resource_type_document(*kind, base))
}

/// What the service supports.
pub(crate) fn service_provider_config(base: &str) -> Value {
    json!({
        "schemas": [SERVICE_PROVIDER_CONFIG_URN],
        "patch": {"supported": true},
        "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": true, "maxResults": MAX_COUNT},
        "changePassword": {"supported": false},
        "sort": {"supported": false},
        "etag": {"supported": true},
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "OAuth Bearer Token",
            "description": "The directory's bearer token",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": true,
        }],
        "meta": {"resourceType": "ServiceProviderConfig", "location": format!("{base}/ServiceProviderConfig")},
    })
}

fn schema_document(schema: &Schema, base: &str) -> Value {
    json!({
        "schemas": [SCHEMA_URN],
        "id": schema.id,
        "name": schema.name,
        "description": schema.description,
        "attributes": schema.attributes.iter().map(attribute_document).collect::<Vec<_>>(),
        "meta": {"resourceType": "Schema", "location": format!("{base}/Schemas/{}", schema.id)},
    })
}

fn resource_type_document(kind: ResourceType, base: &str) -> Value {
    let extensions: Vec<_> =
        kind.extensions().iter().map(|extension| json!({"schema": extension.id, "required": false})).collect();
    json!({
        "schemas": [RESOURCE_TYPE_URN],
        "id": kind.name(),
        "name": kind.name(),
        "description": kind.schema().description,
        "endpoint": kind.endpoint(),
        "schema": kind.schema().id,
        "schemaExtensions": extensions,
        "meta": {"resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/{}", kind.name())},
    })
}

fn attribute_document(attribute: &Attribute) -> Value {
    let mut document = Map::new();
    document.insert("name".to_owned(), json!(attribute.name));
    document.insert("type".to_owned(), json!(kind(attribute.kind)));
    document.insert("multiValued".to_owned(), json!(attribute.multi_valued));
    document.insert("description".to_owned(), json!(attribute.description));
    document.insert("required".to_owned(), json!(attribute.required));
    document.insert("mutability".to_owned(), json!(mutability(attribute.mutability)));
    document.insert("returned".to_owned(), json!(returned(attribute.returned)));
    if !matches!(attribute.kind, Kind::Boolean | Kind::Complex) {
        document.insert("caseExact".to_owned(), json!(attribute.case_exact));
        document.insert("uniqueness".to_owned(), json!(uniqueness(attribute.uniqueness)));
    }
    if !attribute.canonical_values.is_empty() {
        document.insert("canonicalValues".to_owned(), json!(attribute.canonical_values));
    }
    if !attribute.reference_types.is_empty() {
        document.insert("referenceTypes".to_owned(), json!(attribute.reference_types));
    }
    if !attribute.sub_attributes.is_empty() {
        let parts: Vec<_> = attribute.sub_attributes.iter().map(attribute_document).collect();
        document.insert("subAttributes".to_owned(), Value::Array(parts));
    }
    Value::Object(document)
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Binary => "binary",
        Kind::Boolean => "boolean",
        Kind::Complex => "complex",
        Kind::DateTime => "dateTime",
        Kind::Integer => "integer",
        Kind::Reference => "reference",
        Kind::String => "string",
    }
}

fn mutability(mutability: Mutability) -> &'static str {
    match mutability {
        Mutability::Immutable => "immutable",
        Mutability::ReadOnly => "readOnly",
        Mutability::ReadWrite => "readWrite",
    }
}

fn returned(returned: Returned) -> &'static str {
    match returned {
        Returned::Always => "always",
        Returned::Default => "default",
    }
}

fn uniqueness(uniqueness: Uniqueness) -> &'static str {
    match uniqueness {
        Uniqueness::None => "none",
        Uniqueness::Server => "server",
    }
}

#[cfg(test)]
mod tests {
    use super::{resource_type, resource_types, schema, schemas, service_provider_config};
    use serde_json::json;

    #[test]
    fn every_schema_and_type_is_found_by_its_id() {
        let base = "https://store/scim/v2/acme";
        for document in schemas(base) {
            let id = document["id"].as_str().unwrap();
            assert_eq!(schema(id, base), Some(document.clone()));
            assert_eq!(schema(&id.to_uppercase(), base), Some(document.clone()));
            assert_eq!(document["meta"]["location"], json!(format!("{base}/Schemas/{id}")));
        }
        for document in resource_types(base) {
            assert_eq!(resource_type(document["id"].as_str().unwrap(), base), Some(document.clone()));
            assert!(schema(document["schema"].as_str().unwrap(), base).is_some());
        }
        assert_eq!(resource_type("Device", base), None);
        assert_eq!(schema("urn:ietf:params:scim:schemas:core:2.0:Device", base), None);
    }

    #[test]
    fn a_user_has_no_password_and_bulk_is_not_supported() {
        let user = schema("urn:ietf:params:scim:schemas:core:2.0:User", "").unwrap();
        let names: Vec<_> = user["attributes"].as_array().unwrap().iter().map(|found| &found["name"]).collect();
        assert!(names.contains(&&json!("userName")) && !names.contains(&&json!("password")));
        assert_eq!(service_provider_config("")["bulk"]["supported"], json!(false));
    }
}
