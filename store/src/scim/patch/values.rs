//! The values of a multi-valued attribute: added without doubles, removed by what they say, one of them primary.

use serde_json::{Map, Value};

use crate::scim::filter::{Filter, Literal, Operator};
use crate::scim::resource::{bare, is_primary};

/// Puts the parts of `new` into `old`, or puts it in its place where they have no parts.
pub(super) fn merge(old: &mut Value, new: Value) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => old.extend(new),
        (old, new) => *old = new,
    }
}

/// Adds values; one that is there already is completed instead (same `value` and `type`).
pub(super) fn add_values(values: &mut Vec<Value>, new: Vec<Value>) {
    let mut touched = Vec::new();
    for new in new {
        let known = values
            .iter()
            .position(|old| old == &new || (old.get("value").is_some() && same(old, &new, &["value", "type"])));
        match known.and_then(|index| Some((index, values.get_mut(index)?))) {
            Some((index, old)) => {
                merge(old, new);
                touched.push(index);
            }
            None => {
                touched.push(values.len());
                values.push(new);
            }
        }
    }
    keep_one_primary(values, &touched);
}

/// "… the server SHALL set the value of the existing attribute to 'false'" (RFC 7644, 3.5.2): among those that were
/// not touched, where one that was is primary.
pub(super) fn keep_one_primary(values: &mut [Value], touched: &[usize]) {
    if !touched.iter().any(|index| values.get(*index).is_some_and(is_primary)) {
        return;
    }
    for (index, value) in values.iter_mut().enumerate() {
        if let (false, true, Value::Object(parts)) = (touched.contains(&index), is_primary(value), value) {
            parts.insert("primary".to_owned(), Value::Bool(false));
        }
    }
}

/// Removes what any of these describes: the same `value`, or all the same parts where there is no `value`.
pub(super) fn remove_values(values: &mut Vec<Value>, given: &[Value]) {
    values.retain(|value| {
        !given.iter().any(|given| match given {
            Value::Object(parts) if parts.contains_key("value") => same(value, given, &["value"]),
            Value::Object(parts) => parts.iter().all(|(name, part)| value.get(name) == Some(part)),
            given => value == given,
        })
    });
}

/// The value that a filter of equations describes: `type eq "work"` is `{"type": "work"}`. `None` for other filters.
pub(super) fn seeded(filter: &Filter) -> Option<Value> {
    match filter {
        Filter::And(filters) => {
            let mut parts = Map::new();
            for filter in filters {
                match seeded(filter)? {
                    Value::Object(more) => parts.extend(more),
                    _ => return None,
                }
            }
            Some(Value::Object(parts))
        }
        Filter::Compare(comparison) if comparison.operator == Operator::Eq => {
            let value = match &comparison.literal {
                Literal::Boolean(value) => Value::Bool(*value),
                Literal::Text(text) if !text.contains('\0') => Value::String(text.clone()),
                Literal::Text(_) | Literal::Moment(_) | Literal::Null => return None,
            };
            Some(bare(comparison.path.sub?, value))
        }
        _ => None,
    }
}

/// A single value that came as a list of one, perhaps as `[{"value": …}]`: early Entra did so.
pub(super) fn single(value: &Value) -> &Value {
    match value {
        Value::Array(values) => match values.as_slice() {
            [Value::Object(parts)] => parts.get("value").unwrap_or(value),
            [only] => only,
            _ => value,
        },
        value => value,
    }
}

fn same(one: &Value, other: &Value, parts: &[&str]) -> bool {
    parts.iter().all(|part| one.get(part) == other.get(part))
}
