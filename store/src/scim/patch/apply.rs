//! Operations applied to a document, one after the other; the first that cannot be done undoes them all.

use serde_json::Value;

use super::member_changes::MemberChange;
use super::path::Target;
use super::values::{add_values, keep_one_primary, merge, remove_values, seeded, single};
use super::{Patch, Verb};
use crate::scim::attribute_path::AttributePath;
use crate::scim::error::ScimError;
use crate::scim::filter::Filter;
use crate::scim::resource::{Document, MAX_MEMBERS, ResourceType, bare, normalized};
use crate::scim::schema::{Kind, Schema};

impl Patch {
    /// The document after the operations, and what they do to a group's members.
    ///
    /// # Errors
    /// The error of the first operation that cannot be done.
    pub(crate) fn apply(
        &self,
        kind: ResourceType,
        mut document: Document,
    ) -> Result<(Document, Vec<MemberChange>), ScimError> {
        let mut changes = Vec::new();
        for operation in &self.operations {
            match (&operation.path, operation.verb, &operation.value) {
                (Some(path), verb, value) => {
                    let target = Target::parse(kind, path)?;
                    changes.extend(apply(&mut document, kind, &target, verb, value.as_ref())?);
                }
                // "If 'path' is unspecified, the operation fails with … 'noTarget'." (RFC 7644, 3.5.2.2)
                (None, Verb::Remove, _) => return Err(ScimError::no_target("`remove` needs a `path`")),
                (None, verb, Some(Value::Object(members))) => {
                    for (key, value) in members {
                        let target = Target::of_key(kind, key)?;
                        changes.extend(apply(&mut document, kind, &target, verb, Some(value))?);
                    }
                }
                (None, ..) => return Err(ScimError::invalid_value("without a `path`, the value is an object")),
            }
        }
        if super::named(&changes).len() > MAX_MEMBERS {
            return Err(ScimError::invalid_value(format!("a request may name at most {MAX_MEMBERS} members")));
        }
        Ok((document.checked(kind)?, changes))
    }
}

fn apply(
    document: &mut Document,
    kind: ResourceType,
    target: &Target,
    verb: Verb,
    value: Option<&Value>,
) -> Result<Option<MemberChange>, ScimError> {
    match target {
        Target::Foreign => {}
        Target::Extension(extension) => whole_extension(document, extension, verb, value)?,
        Target::Attribute(path, _) if !path.attribute.is_writable() => {
            return Err(ScimError::mutability(format!("`{}` cannot be changed", path.attribute.name)));
        }
        Target::Attribute(path, filter) if kind == ResourceType::Group && path.is_core("members") => {
            return match path.sub {
                None => MemberChange::read(verb, filter.as_ref(), value),
                Some(_) => Err(ScimError::mutability("a member cannot be changed, only added or removed")),
            };
        }
        Target::Attribute(path, Some(filter)) => selected(document, path, filter, verb, value)?,
        Target::Attribute(path, None) => attribute(document, path, verb, value)?,
    }
    Ok(None)
}

/// The path is an extension's URN, the value its attributes.
fn whole_extension(
    document: &mut Document,
    extension: &'static Schema,
    verb: Verb,
    value: Option<&Value>,
) -> Result<(), ScimError> {
    match (verb, value) {
        (Verb::Remove, _) => document.remove_extension(extension),
        (_, Some(Value::Object(attributes))) => {
            for (name, value) in attributes {
                if let Some(found) = extension.attribute(name) {
                    let path = AttributePath { extension: Some(extension), attribute: found, sub: None };
                    attribute(document, &path, verb, Some(value))?;
                }
            }
        }
        _ => return Err(ScimError::invalid_value("the value of an extension is an object")),
    }
    Ok(())
}

/// The path is an attribute or a part of it, without a filter.
fn attribute(
    document: &mut Document,
    path: &AttributePath,
    verb: Verb,
    value: Option<&Value>,
) -> Result<(), ScimError> {
    let (attribute, name) = (path.attribute, path.attribute.name);
    if verb == Verb::Remove {
        return remove(document, path, value);
    }
    let value = value.ok_or_else(|| ScimError::invalid_value("the operation has no value"))?;
    if let Some(sub) = path.sub {
        let part = normalized(sub, single(value))?;
        let home = document.home(path.extension);
        let target = match (home.get_mut(name), &part) {
            (Some(target), _) => target,
            (None, None) => return Ok(()),
            (None, Some(_)) => {
                let empty = Value::Object(serde_json::Map::new());
                let empty = if attribute.multi_valued { Value::Array(vec![empty]) } else { empty };
                home.entry(name).or_insert(empty)
            }
        };
        // "… applied to all values of the attribute" where no filter picks some.
        let values = match target {
            Value::Array(values) => values.as_mut_slice(),
            value => std::slice::from_mut(value),
        };
        for target in values {
            set_part(target, sub.name, part.clone());
        }
        return Ok(());
    }
    if attribute.multi_valued {
        let new = match normalized(attribute, value)? {
            Some(Value::Array(new)) => new,
            _ => Vec::new(),
        };
        let home = document.home(path.extension);
        match (verb, home.get_mut(name)) {
            (Verb::Add, Some(Value::Array(values))) => add_values(values, new),
            _ => drop(home.insert(name.to_owned(), Value::Array(new))),
        }
        return Ok(());
    }
    if attribute.kind == Kind::Complex {
        // "Sub-attributes that are not specified … SHALL be left unchanged" (RFC 7644, 3.5.2.3).
        let Some(new) = normalized(attribute, single(value))? else {
            document.home(path.extension).remove(name);
            return Ok(());
        };
        let home = document.home(path.extension);
        match home.get_mut(name) {
            Some(old) => merge(old, new),
            None => drop(home.insert(name.to_owned(), new)),
        }
        return Ok(());
    }
    document.set(path.extension, attribute, single(value))
}

/// Takes an attribute, a part of it, or those of its values that are named away.
fn remove(document: &mut Document, path: &AttributePath, value: Option<&Value>) -> Result<(), ScimError> {
    let (attribute, name) = (path.attribute, path.attribute.name);
    if attribute.required {
        return Err(ScimError::mutability(format!("`{name}` is required")));
    }
    let home = document.home(path.extension);
    match (path.sub, value) {
        (Some(sub), _) => {
            let values = match home.get_mut(name) {
                Some(Value::Array(values)) => values.as_mut_slice(),
                Some(value) => std::slice::from_mut(value),
                None => &mut [],
            };
            values.iter_mut().for_each(|value| set_part(value, sub.name, None));
            prune(home, name);
        }
        (None, Some(given)) if attribute.multi_valued && !given.is_null() => {
            if let (Some(Value::Array(given)), Some(Value::Array(values))) =
                (normalized(attribute, given)?, home.get_mut(name))
            {
                remove_values(values, &given);
            }
        }
        (None, _) => drop(home.remove(name)),
    }
    Ok(())
}

/// The path has a filter: `emails[type eq "work"]`, perhaps with a part.
fn selected(
    document: &mut Document,
    path: &AttributePath,
    filter: &Filter,
    verb: Verb,
    value: Option<&Value>,
) -> Result<(), ScimError> {
    let (attribute, name) = (path.attribute, path.attribute.name);
    let new = match (verb, value) {
        (Verb::Remove, _) => None,
        (_, None) => return Err(ScimError::invalid_value("the operation has no value")),
        (_, Some(value)) => match path.sub {
            Some(sub) => normalized(sub, single(value))?.map(|value| bare(sub, value)),
            None => match normalized(attribute, value)? {
                Some(Value::Array(mut values)) if values.len() == 1 => values.pop(),
                None => None,
                Some(_) => return Err(ScimError::invalid_value("one value is expected, not several")),
            },
        },
    };
    let home = document.home(path.extension);
    let values = match home.entry(name).or_insert_with(|| Value::Array(Vec::new())) {
        Value::Array(values) => values,
        _ => return Err(ScimError::no_target("the attribute has no values")),
    };
    let mut touched: Vec<_> =
        values.iter().enumerate().filter(|(_, value)| filter.matches_value(value)).map(|(index, _)| index).collect();
    match new {
        Some(new) => {
            if touched.is_empty() {
                // Entra expects the value it describes to be made.
                let seed = seeded(filter).ok_or_else(|| ScimError::no_target("the filter matches no value"))?;
                touched.push(values.len());
                values.push(seed);
            }
            for index in &touched {
                if let Some(value) = values.get_mut(*index) {
                    merge(value, new.clone());
                }
            }
            keep_one_primary(values, &touched);
        }
        None if touched.is_empty() => return Err(ScimError::no_target("the filter matches no value")),
        None => match path.sub {
            Some(sub) => {
                touched.iter().for_each(|index| {
                    if let Some(value) = values.get_mut(*index) {
                        set_part(value, sub.name, None);
                    }
                });
            }
            None => {
                let mut index = 0..;
                values.retain(|_| index.next().is_none_or(|index| !touched.contains(&index)));
            }
        },
    }
    prune(home, name);
    Ok(())
}

/// Sets a part of a complex value, or takes it away.
fn set_part(value: &mut Value, name: &str, part: Option<Value>) {
    if let Value::Object(parts) = value {
        match part {
            Some(part) => drop(parts.insert(name.to_owned(), part)),
            None => drop(parts.remove(name)),
        }
    }
}

/// Takes away values that say nothing any more.
fn prune(home: &mut serde_json::Map<String, Value>, name: &str) {
    if let Some(Value::Array(values)) = home.get_mut(name) {
        values.retain(|value| value.as_object().is_none_or(|parts| !parts.is_empty()));
    }
}
