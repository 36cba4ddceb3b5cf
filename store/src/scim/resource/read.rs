//! A whole resource as a request brings it, in POST and PUT.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Document, ResourceType, members};
use crate::scim::attribute_path::{AttributePath, Named};
use crate::scim::error::ScimError;

/// What a request wants a resource to be.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) document: Document,
    /// A group's members, where the request lists them.
    pub(crate) members: Option<BTreeSet<String>>,
}

impl Input {
    /// Reads a resource. What is read-only or unknown is ignored (RFC 7644, 3.3: "the provider … SHALL ignore").
    ///
    /// # Errors
    /// `invalidSyntax` and `invalidValue`.
    pub(crate) fn read(kind: ResourceType, body: &Value) -> Result<Self, ScimError> {
        let Value::Object(body) = body else { return Err(ScimError::invalid_syntax("the body is not an object")) };
        names_schema(kind, body)?;
        let mut input = Self { document: Document::default(), members: None };
        let mut seen = BTreeSet::new();
        for (name, value) in body {
            if !seen.insert(name.to_ascii_lowercase()) {
                return Err(ScimError::invalid_syntax("the body has an attribute twice"));
            }
            match AttributePath::resolve(kind, name) {
                Some(Named::Attribute(AttributePath { extension, attribute, sub: None }))
                    if attribute.is_writable() =>
                {
                    if (kind, attribute.name) == (ResourceType::Group, "members") {
                        input.members = Some(members(value)?);
                    } else {
                        input.document.set(extension, attribute, value)?;
                    }
                }
                Some(Named::Extension(extension)) => match value {
                    Value::Object(attributes) => {
                        for (name, value) in attributes {
                            if let Some(attribute) = extension.attribute(name) {
                                input.document.set(Some(extension), attribute, value)?;
                            }
                        }
                    }
                    Value::Null => {}
                    _ => return Err(ScimError::invalid_value("an extension is not an object")),
                },
                _ => {}
            }
        }
        input.document = input.document.checked(kind)?;
        Ok(input)
    }
}

/// "The 'schemas' attribute is a REQUIRED attribute" (RFC 7643, 3).
fn names_schema(kind: ResourceType, body: &Map<String, Value>) -> Result<(), ScimError> {
    let mut schemas = body.iter().filter(|(name, _)| name.eq_ignore_ascii_case("schemas")).map(|(_, value)| value);
    let Some(Value::Array(schemas)) = schemas.next() else {
        return Err(ScimError::invalid_syntax("`schemas` is required, and a list"));
    };
    let is_core = |schema: &Value| schema.as_str().is_some_and(|id| id.eq_ignore_ascii_case(kind.schema().id));
    if schemas.iter().any(is_core) {
        Ok(())
    } else {
        Err(ScimError::invalid_syntax(format!("`schemas` does not have `{}`", kind.schema().id)))
    }
}
