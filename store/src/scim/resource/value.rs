//! Values as the schema has them: canonical names, right types, bounded; what providers write loosely is put right.

use serde_json::{Map, Value};

use crate::scim::error::ScimError;
use crate::scim::schema::{Attribute, Kind};

/// The longest text, in bytes: what an index can hold, and more than any name.
pub(crate) const MAX_TEXT: usize = 1024;

/// The longest certificate or reference, in bytes.
const MAX_LONG_TEXT: usize = 8 * 1024;

/// Most values of a multi-valued attribute; a group's members are no such attribute here.
const MAX_VALUES: usize = 100;

/// A value of the attribute, whole: all of its values where it has several. `None` is unassigned (RFC 7643, 2.5).
///
/// # Errors
/// `invalidValue` where it is of another type, too long or too many.
pub(crate) fn normalized(attribute: &Attribute, value: &Value) -> Result<Option<Value>, ScimError> {
    if !attribute.multi_valued {
        return single(attribute, value);
    }
    let values = match value {
        Value::Array(values) => values.as_slice(),
        // One value is sent without brackets now and then.
        value => std::slice::from_ref(value),
    };
    few_enough(attribute.name, values)?;
    let mut all = Vec::with_capacity(values.len());
    for value in values {
        all.extend(single(attribute, value)?);
    }
    Ok(if all.is_empty() { None } else { Some(Value::Array(all)) })
}

/// Whether an attribute may have so many values. Asked as they become more: each of them is compared with all others.
///
/// # Errors
/// `invalidValue`
pub(crate) fn few_enough(name: &str, values: &[Value]) -> Result<(), ScimError> {
    match values.len() {
        0..=MAX_VALUES => Ok(()),
        _ => Err(ScimError::invalid_value(format!("`{name}` has more than {MAX_VALUES} values"))),
    }
}

/// One value of the attribute.
fn single(attribute: &Attribute, value: &Value) -> Result<Option<Value>, ScimError> {
    match (attribute.kind, value) {
        (_, Value::Null) => Ok(None),
        (Kind::Boolean, Value::Bool(value)) => Ok(Some(Value::Bool(*value))),
        // Entra writes "True" and "False".
        (Kind::Boolean, Value::String(text)) => match text.to_ascii_lowercase().as_str() {
            "true" => Ok(Some(Value::Bool(true))),
            "false" => Ok(Some(Value::Bool(false))),
            _ => Err(fault(attribute, "is neither true nor false")),
        },
        (Kind::Complex, Value::Object(members)) => complex(attribute, members),
        (Kind::Complex, Value::String(text)) if text.is_empty() => Ok(None),
        // A manager is sent as an id alone, an email as an address alone.
        (Kind::Complex, Value::String(_)) => match attribute.sub_attribute("value") {
            Some(part) => Ok(single(part, value)?.map(|value| bare(part, value))),
            None => Err(fault(attribute, "is not an object")),
        },
        (Kind::String, Value::String(text)) => bounded(attribute, text, MAX_TEXT),
        (Kind::Binary | Kind::Reference, Value::String(text)) => bounded(attribute, text, MAX_LONG_TEXT),
        _ => Err(fault(attribute, "is of another type than its schema has")),
    }
}

/// A value of a complex attribute that says nothing but this part.
pub(crate) fn bare(part: &Attribute, value: Value) -> Value {
    Value::Object(Map::from_iter([(part.name.to_owned(), value)]))
}

/// The parts that the schema has, by their canonical names; others are ignored.
fn complex(attribute: &Attribute, members: &Map<String, Value>) -> Result<Option<Value>, ScimError> {
    let mut parts = Map::new();
    for (name, value) in members {
        let Some(part) = attribute.sub_attribute(name) else { continue };
        if parts.contains_key(part.name) {
            return Err(fault(attribute, "has a part twice"));
        }
        if let Some(value) = normalized(part, value)? {
            parts.insert(part.name.to_owned(), value);
        }
    }
    Ok(if parts.is_empty() { None } else { Some(Value::Object(parts)) })
}

fn bounded(attribute: &Attribute, text: &str, limit: usize) -> Result<Option<Value>, ScimError> {
    if text.len() > limit {
        return Err(fault(attribute, &format!("is longer than {limit} bytes")));
    }
    // No name has it, and PostgreSQL cannot store it.
    if text.contains('\0') {
        return Err(fault(attribute, "has a NUL character"));
    }
    Ok(Some(Value::String(text.to_owned())))
}

fn fault(attribute: &Attribute, what: &str) -> ScimError {
    ScimError::invalid_value(format!("`{}` {what}", attribute.name))
}
