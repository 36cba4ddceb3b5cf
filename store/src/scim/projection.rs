//! Which attributes an answer shows: `attributes` and `excludedAttributes` (RFC 7644, 3.4.2.5 and 3.9).

use serde_json::{Map, Value};

use super::attribute_path::{AttributePath, Named};
use super::error::ScimError;
use super::resource::ResourceType;
use super::schema::{Attribute, COMMON, Returned, Schema};

/// The most names in one request.
const MAX_NAMES: usize = 200;

/// What of a resource is shown.
#[derive(Clone, Debug, Default)]
pub(crate) enum Projection {
    /// All.
    #[default]
    Default,
    /// All but these.
    Except(Vec<Named>),
    /// These alone, and what is always shown.
    Only(Vec<Named>),
}

impl Projection {
    /// Reads the two parameters: names with commas between. Unknown names are of nothing that could be shown.
    ///
    /// # Errors
    /// `invalidValue` where both are there: "mutually exclusive".
    pub(crate) fn parse(kind: ResourceType, only: Option<&str>, except: Option<&str>) -> Result<Self, ScimError> {
        let names = |list: &str| {
            let mut names: Vec<_> = list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
            if names.len() > MAX_NAMES {
                return Err(ScimError::invalid_value(format!("more than {MAX_NAMES} attributes are named")));
            }
            names.dedup();
            Ok(names.into_iter().filter_map(|name| AttributePath::resolve(kind, name)).collect())
        };
        match (only.filter(|list| !list.trim().is_empty()), except.filter(|list| !list.trim().is_empty())) {
            (Some(_), Some(_)) => {
                Err(ScimError::invalid_value("`attributes` and `excludedAttributes` exclude each other"))
            }
            (Some(only), None) => Ok(Self::Only(names(only)?)),
            (None, Some(except)) => Ok(Self::Except(names(except)?)),
            (None, None) => Ok(Self::Default),
        }
    }

    /// Whether a core attribute may be shown at all: what is not need not even be read.
    pub(crate) fn shows(&self, name: &str) -> bool {
        match self {
            Self::Default => true,
            Self::Except(named) => !named
                .iter()
                .any(|named| matches!(named, Named::Attribute(path) if path.is_core(name) && path.sub.is_none())),
            Self::Only(named) => {
                named.iter().any(|named| matches!(named, Named::Attribute(path) if path.is_core(name)))
            }
        }
    }

    /// What is shown of a resource.
    pub(crate) fn apply(&self, kind: ResourceType, mut resource: Map<String, Value>) -> Map<String, Value> {
        match self {
            Self::Default => resource,
            Self::Except(named) => {
                for named in named {
                    hide(&mut resource, named);
                }
                resource.retain(|_, value| value.as_object().is_none_or(|members| !members.is_empty()));
                resource
            }
            Self::Only(named) => {
                let mut shown = Map::new();
                for attribute in COMMON.iter().chain(kind.schema().attributes) {
                    if attribute.returned == Returned::Always
                        && let Some(value) = resource.get(attribute.name)
                    {
                        shown.insert(attribute.name.to_owned(), value.clone());
                    }
                }
                for named in named {
                    show(&resource, &mut shown, named);
                }
                shown
            }
        }
    }
}

fn hide(resource: &mut Map<String, Value>, named: &Named) {
    match named {
        Named::Attribute(path) if path.attribute.returned == Returned::Always => {}
        Named::Attribute(path) => {
            let home = match path.extension {
                None => Some(resource),
                Some(extension) => resource.get_mut(extension.id).and_then(Value::as_object_mut),
            };
            let Some(home) = home else { return };
            match path.sub {
                None => drop(home.remove(path.attribute.name)),
                Some(sub) => {
                    for value in each_mut(home.get_mut(path.attribute.name)) {
                        if let Value::Object(parts) = value {
                            parts.remove(sub.name);
                        }
                    }
                }
            }
        }
        Named::Extension(extension) => drop(resource.remove(extension.id)),
        Named::Foreign => {}
    }
}

fn show(resource: &Map<String, Value>, shown: &mut Map<String, Value>, named: &Named) {
    match named {
        Named::Attribute(path) => {
            let Some(value) = home(resource, path.extension).and_then(|home| home.get(path.attribute.name)) else {
                return;
            };
            let home = match path.extension {
                None => Some(shown),
                Some(extension) => {
                    let home = shown.entry(extension.id).or_insert_with(|| Value::Object(Map::new()));
                    home.as_object_mut()
                }
            };
            if let Some(home) = home {
                show_in(home, path.attribute, path.sub, value);
            }
        }
        Named::Extension(extension) => {
            if let Some(value) = resource.get(extension.id) {
                shown.insert(extension.id.to_owned(), value.clone());
            }
        }
        Named::Foreign => {}
    }
}

/// Shows a whole attribute, or one more part of it.
fn show_in(home: &mut Map<String, Value>, attribute: &Attribute, sub: Option<&Attribute>, value: &Value) {
    let Some(sub) = sub else {
        home.insert(attribute.name.to_owned(), value.clone());
        return;
    };
    let empty = || match value {
        Value::Array(values) => Value::Array(vec![Value::Object(Map::new()); values.len()]),
        _ => Value::Object(Map::new()),
    };
    let target = home.entry(attribute.name).or_insert_with(empty);
    let sources = match value {
        Value::Array(values) => values.as_slice(),
        value => std::slice::from_ref(value),
    };
    for (target, source) in each_mut(Some(target)).into_iter().zip(sources) {
        if let (Value::Object(parts), Some(part)) = (target, source.get(sub.name)) {
            parts.insert(sub.name.to_owned(), part.clone());
        }
    }
}

fn home<'a>(resource: &'a Map<String, Value>, extension: Option<&Schema>) -> Option<&'a Map<String, Value>> {
    match extension {
        None => Some(resource),
        Some(extension) => resource.get(extension.id).and_then(Value::as_object),
    }
}

fn each_mut(value: Option<&mut Value>) -> Vec<&mut Value> {
    match value {
        None => Vec::new(),
        Some(Value::Array(values)) => values.iter_mut().collect(),
        Some(value) => vec![value],
    }
}

#[cfg(test)]
mod tests {
    use super::Projection;
    use crate::scim::resource::ResourceType::{Group, User};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    fn user() -> Value {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "1", "userName": "ada",
            "name": {"givenName": "Ada", "familyName": "L"},
            "emails": [{"value": "a", "type": "work"}, {"value": "b"}],
            ENTERPRISE: {"department": "x", "division": "y"},
        })
    }

    fn shown(only: Option<&str>, except: Option<&str>) -> Value {
        let projection = Projection::parse(User, only, except).unwrap();
        Value::Object(projection.apply(User, user().as_object().unwrap().clone()))
    }

    #[test]
    fn what_is_named_is_shown_with_what_is_always_shown() {
        let always = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "1"});
        let with = |more: Value| {
            let mut all = always.clone();
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            all
        };
        for (only, expected) in [
            ("userName", json!({"userName": "ada"})),
            ("USERNAME, nothing,urn:x:y:z", json!({"userName": "ada"})),
            ("name.givenName", json!({"name": {"givenName": "Ada"}})),
            ("name.givenName,name.familyName", json!({"name": {"givenName": "Ada", "familyName": "L"}})),
            ("emails.value", json!({"emails": [{"value": "a"}, {"value": "b"}]})),
            (&format!("{ENTERPRISE}:department"), json!({ENTERPRISE: {"department": "x"}})),
            (ENTERPRISE, json!({ENTERPRISE: {"department": "x", "division": "y"}})),
            ("nickName", json!({})),
            ("nothing", json!({})),
        ] {
            assert_eq!(shown(Some(only), None), with(expected), "{only}");
        }
        assert_eq!(shown(None, None), user());
        assert_eq!(shown(Some(" "), Some("")), user());
    }

    #[test]
    fn what_is_excluded_is_hidden_but_never_what_is_always_shown() {
        let except = format!("id,schemas,emails.type,name,{ENTERPRISE}:division,nothing");
        let expected = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "1", "userName": "ada",
            "emails": [{"value": "a"}, {"value": "b"}],
            ENTERPRISE: {"department": "x"},
        });
        assert_eq!(shown(None, Some(&except)), expected);
        assert!(Projection::parse(User, Some("userName"), Some("emails")).is_err());
    }

    #[test]
    fn what_is_not_shown_need_not_be_read() {
        let shows = |only, except| Projection::parse(Group, only, except).unwrap().shows("members");
        assert!(shows(None, None) && shows(Some("members.value"), None) && shows(None, Some("members.type")));
        assert!(!shows(None, Some("Members")) && !shows(Some("displayName"), None));
    }

    proptest! {
        #[test]
        fn no_list_panics(only in "[\\PC,.:]{0,60}", except in prop::option::of("[a-zA-Z,.:]{0,60}")) {
            for list in [(Some(only.as_str()), except.as_deref()), (None, Some(only.as_str()))] {
                if let Ok(projection) = Projection::parse(User, list.0, list.1) {
                    projection.apply(User, user().as_object().unwrap().clone());
                }
            }
        }
    }
}
