//! Names of attributes as requests write them: `userName`, `name.givenName`, `urn:…:User:manager.value`.

use serde_json::{Map, Value};

use super::resource::ResourceType;
use super::schema::{Attribute, COMMON, Kind, Schema};

/// An attribute of a type of resource, perhaps a part of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AttributePath {
    /// The extension that defines it; `None` is the core schema, or common to all.
    pub(crate) extension: Option<&'static Schema>,
    pub(crate) attribute: &'static Attribute,
    pub(crate) sub: Option<&'static Attribute>,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Named {
    Attribute(AttributePath),
    /// A whole extension, by its URN.
    Extension(&'static Schema),
    /// Well formed, but of a schema that this type of resource does not have.
    Foreign,
}

impl AttributePath {
    /// What the name stands for, in any case (RFC 7644, 3.10). `None` is a name that is none, or of no known attribute.
    pub(crate) fn resolve(kind: ResourceType, name: &str) -> Option<Named> {
        if !name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:")) {
            return Self::in_core(kind, name).map(Named::Attribute);
        }
        if let Some(rest) = after_urn(name, kind.schema()) {
            return Self::in_core(kind, rest?).map(Named::Attribute);
        }
        for extension in kind.extensions() {
            match after_urn(name, extension) {
                Some(None) => return Some(Named::Extension(extension)),
                Some(Some(rest)) => {
                    return Self::within(Some(extension), rest, |name| extension.attribute(name)).map(Named::Attribute);
                }
                None => {}
            }
        }
        // At least `urn:namespace:name`.
        (name.split(':').count() >= 3 && name.split(':').all(|part| !part.is_empty())).then_some(Named::Foreign)
    }

    /// The values at this path in a whole resource, each on its own.
    pub(crate) fn values<'a>(&self, resource: &'a Map<String, Value>) -> Vec<&'a Value> {
        let home = match self.extension {
            Some(extension) => resource.get(extension.id).and_then(Value::as_object),
            None => Some(resource),
        };
        let Some(value) = home.and_then(|home| home.get(self.attribute.name)) else { return Vec::new() };
        let values = match value {
            Value::Array(values) => values.iter().collect(),
            value => vec![value],
        };
        match self.sub {
            Some(sub) => values.into_iter().filter_map(|value| value.get(sub.name)).collect(),
            None => values,
        }
    }

    /// What is compared at this path: a complex attribute by its `value`, where it has one.
    pub(crate) fn leaf(&self) -> Option<Self> {
        match (self.sub, self.attribute.kind) {
            (None, Kind::Complex) => Some(Self { sub: Some(self.attribute.sub_attribute("value")?), ..*self }),
            _ => Some(*self),
        }
    }

    /// The attribute that holds the values at this path.
    pub(crate) fn last(&self) -> &'static Attribute {
        self.sub.unwrap_or(self.attribute)
    }

    /// Whether it is this attribute of the core schema, or of none.
    pub(crate) fn is_core(&self, name: &str) -> bool {
        self.extension.is_none() && self.attribute.name == name
    }

    fn in_core(kind: ResourceType, name: &str) -> Option<Self> {
        Self::within(None, name, |name| {
            let common = COMMON.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name));
            common.or_else(|| kind.schema().attribute(name))
        })
    }

    fn within(
        extension: Option<&'static Schema>,
        name: &str,
        find: impl Fn(&str) -> Option<&'static Attribute>,
    ) -> Option<Self> {
        match name.split_once('.') {
            None => Some(Self { extension, attribute: find(name)?, sub: None }),
            Some((name, sub)) => {
                let attribute = find(name)?;
                Some(Self { extension, attribute, sub: Some(attribute.sub_attribute(sub)?) })
            }
        }
    }
}

/// What follows a schema's URN: `None` is another URN, `Some(None)` the URN alone.
fn after_urn<'a>(name: &'a str, schema: &Schema) -> Option<Option<&'a str>> {
    let (start, rest) = name.split_at_checked(schema.id.len())?;
    if !start.eq_ignore_ascii_case(schema.id) {
        return None;
    }
    if rest.is_empty() { Some(None) } else { rest.strip_prefix(':').map(Some) }
}

#[cfg(test)]
mod tests {
    use super::{AttributePath, Named};
    use crate::scim::resource::ResourceType::{Group, User};
    use proptest::prelude::*;
    use serde_json::json;

    fn shown(name: &str) -> String {
        match AttributePath::resolve(User, name) {
            Some(Named::Attribute(path)) => {
                let home = path.extension.map_or("core", |extension| extension.name);
                format!("{home} {} {}", path.attribute.name, path.sub.map_or("-", |sub| sub.name))
            }
            Some(Named::Extension(extension)) => format!("whole {}", extension.name),
            Some(Named::Foreign) => "foreign".to_owned(),
            None => "unknown".to_owned(),
        }
    }

    #[test]
    fn names_are_found_in_any_case_with_and_without_their_schema() {
        for (name, expected) in [
            ("username", "core userName -"),
            ("NAME.GIVENNAME", "core name givenName"),
            ("meta.lastModified", "core meta lastModified"),
            ("externalId", "core externalId -"),
            ("urn:ietf:params:scim:schemas:core:2.0:User:userName", "core userName -"),
            ("urn:ietf:params:scim:schemas:core:2.0:User", "unknown"),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", "whole EnterpriseUser"),
            (
                "URN:ietf:params:scim:schemas:extension:enterprise:2.0:user:Manager.Value",
                "EnterpriseUser manager value",
            ),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "EnterpriseUser department -"),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:", "unknown"),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:Users:department", "foreign"),
            ("urn:ietf:params:scim:schemas:extension:custom:2.0:User:tag", "foreign"),
            ("urn:", "unknown"),
            ("urn:x::y", "unknown"),
            ("department", "unknown"),
            ("name.givenName.x", "unknown"),
            ("userName.value", "unknown"),
            ("password", "unknown"),
            ("", "unknown"),
            (".", "unknown"),
        ] {
            assert_eq!(shown(name), expected, "{name}");
        }
        assert!(matches!(AttributePath::resolve(Group, "members"), Some(Named::Attribute(_))));
        assert!(AttributePath::resolve(Group, "userName").is_none());
    }

    #[test]
    fn values_are_gathered_from_every_element() {
        let resource = json!({
            "emails": [{"value": "a", "type": "work"}, {"type": "home"}, {"value": "b"}],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"manager": {"value": "m"}},
        });
        let resource = resource.as_object().unwrap();
        for (name, expected) in [
            ("emails.value", json!(["a", "b"])),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value", json!(["m"])),
            ("roles.value", json!([])),
        ] {
            let Some(Named::Attribute(path)) = AttributePath::resolve(User, name) else { panic!("{name}") };
            assert_eq!(json!(path.values(resource)), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_name_panics(name in "(urn:)?[\\PC:.]{0,60}") {
            let _ = AttributePath::resolve(User, &name);
            let _ = AttributePath::resolve(Group, &name);
        }
    }
}
