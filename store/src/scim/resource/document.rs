//! The stored part of a resource: a JSON object of canonical names, without what the directory adds by itself.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::ResourceType;
use super::value::{few_enough, normalized};
use crate::scim::error::ScimError;
use crate::scim::filter::folded;
use crate::scim::schema::{Attribute, Schema};

/// The largest document, in bytes.
const MAX_DOCUMENT: usize = 64 * 1024;

/// A resource without `id`, `meta`, `schemas`, `members` and `groups`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Document {
    core: Map<String, Value>,
    /// By URN.
    extensions: BTreeMap<&'static str, Map<String, Value>>,
}

impl Document {
    /// What the database holds.
    pub(crate) fn from_stored(kind: ResourceType, mut core: Map<String, Value>) -> Self {
        let mut extensions = BTreeMap::new();
        for extension in kind.extensions() {
            if let Some(Value::Object(members)) = core.remove(extension.id) {
                extensions.insert(extension.id, members);
            }
        }
        Self { core, extensions }
    }

    /// As one object, extensions by their URNs.
    pub(crate) fn to_map(&self) -> Map<String, Value> {
        let mut map = self.core.clone();
        let extensions = self.extensions.iter();
        map.extend(extensions.map(|(id, members)| ((*id).to_owned(), Value::Object(members.clone()))));
        map
    }

    /// The URNs of the extensions that it has attributes of.
    pub(crate) fn extensions(&self) -> impl Iterator<Item = &'static str> {
        self.extensions.keys().copied()
    }

    /// A text of the core schema.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.core.get(name).and_then(Value::as_str)
    }

    /// Whether the user is active. Who is neither active nor inactive is not.
    pub(crate) fn is_active(&self) -> bool {
        self.core.get("active").and_then(Value::as_bool).unwrap_or(false)
    }

    /// Gives `active` this value, where it has none.
    pub(crate) fn default_active(&mut self, active: Option<bool>) {
        if let (false, Some(active)) = (self.core.contains_key("active"), active) {
            self.core.insert("active".to_owned(), Value::Bool(active));
        }
    }

    /// The stored `active`, if there is one.
    pub(crate) fn active(&self) -> Option<bool> {
        self.core.get("active").and_then(Value::as_bool)
    }

    /// The addresses among the emails: the primary one first, then those for work.
    pub(crate) fn emails(&self) -> Vec<&str> {
        let mut emails: Vec<_> = self.core.get("emails").and_then(Value::as_array).into_iter().flatten().collect();
        emails.sort_by_key(|email| {
            let is_for_work =
                email.get("type").and_then(Value::as_str).is_some_and(|of| of.eq_ignore_ascii_case("work"));
            (!is_primary(email), !is_for_work)
        });
        emails.into_iter().filter_map(|email| email.get("value").and_then(Value::as_str)).collect()
    }

    /// Some name to show: `displayName`, else `name.formatted`, else given and family name.
    pub(crate) fn shown_name(&self) -> Option<String> {
        let name = |part: &str| self.core.get("name").and_then(|name| name.get(part)).and_then(Value::as_str);
        let whole = self.text("displayName").or_else(|| name("formatted")).map(str::to_owned);
        whole.or_else(|| {
            let parts: Vec<_> = [name("givenName"), name("familyName")].into_iter().flatten().collect();
            (!parts.is_empty()).then(|| parts.join(" "))
        })
    }

    /// A text for comparing without case.
    pub(crate) fn folded(&self, name: &str) -> Option<String> {
        self.text(name).map(folded)
    }

    /// The object that holds the attributes of an extension, or of the core schema.
    pub(crate) fn home(&mut self, extension: Option<&'static Schema>) -> &mut Map<String, Value> {
        match extension {
            None => &mut self.core,
            Some(extension) => self.extensions.entry(extension.id).or_default(),
        }
    }

    /// Takes a whole extension away.
    pub(crate) fn remove_extension(&mut self, extension: &Schema) {
        self.extensions.remove(extension.id);
    }

    /// Puts an attribute's value in place of the one before; unassigned takes it away.
    ///
    /// # Errors
    /// `invalidValue` where it does not fit the schema.
    pub(crate) fn set(
        &mut self,
        extension: Option<&'static Schema>,
        attribute: &Attribute,
        value: &Value,
    ) -> Result<(), ScimError> {
        let value = normalized(attribute, value)?;
        let home = self.home(extension);
        match value {
            Some(value) => home.insert(attribute.name.to_owned(), value),
            None => home.remove(attribute.name),
        };
        Ok(())
    }

    /// Makes it what may be stored: no empty object, every required attribute, at most one primary value, bounded.
    ///
    /// # Errors
    /// `invalidValue` where it cannot be made so.
    pub(crate) fn checked(mut self, kind: ResourceType) -> Result<Self, ScimError> {
        let is_empty = |value: &Value| match value {
            Value::Array(values) => values.is_empty(),
            Value::Object(members) => members.is_empty(),
            _ => false,
        };
        for members in self.extensions.values_mut().chain([&mut self.core]) {
            members.retain(|_, value| !is_empty(value));
        }
        self.extensions.retain(|_, members| !members.is_empty());

        if self.text(kind.required()).is_none_or(|text| text.trim().is_empty()) {
            return Err(ScimError::invalid_value(format!("`{}` is required", kind.required())));
        }
        for (name, value) in &self.core {
            let Value::Array(values) = value else { continue };
            few_enough(name, values)?;
            // "The primary attribute value 'true' MUST appear no more than once." (RFC 7643, 2.4)
            if values.iter().filter(|value| is_primary(value)).count() > 1 {
                return Err(ScimError::invalid_value(format!("`{name}` has more than one primary value")));
            }
        }
        let length = serde_json::to_string(&self.to_map()).map_or(usize::MAX, |text| text.len());
        if length > MAX_DOCUMENT {
            return Err(ScimError::invalid_value(format!("the resource is larger than {MAX_DOCUMENT} bytes")));
        }
        Ok(self)
    }
}

/// Whether a value is the primary one.
pub(crate) fn is_primary(value: &Value) -> bool {
    value.get("primary").and_then(Value::as_bool) == Some(true)
}
