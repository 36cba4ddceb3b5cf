//! Operations applied to a document, one after the other; the first that cannot be done undoes them all.

use serde_json::{Map, Value};

use super::member_changes::MemberChange;
use super::path::Target;
use super::values::{add_values, keep_one_primary, merge, remove_values, seeded, single};
use super::{Patch, Verb};
use crate::scim::attribute_path::AttributePath;
use crate::scim::error::ScimError;
use crate::scim::filter::Filter;
use crate::scim::resource::{Document, MAX_MEMBERS, ResourceType, bare, few_enough, normalized};
use crate::scim::schema::{Attribute, Kind, Schema};

/// Most changes of anything but a group's members in one request: each may ask much of every value that an attribute has.
const MAX_OTHERS: usize = 200;

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
        let (mut changes, mut others) = (Vec::new(), 0);
        let mut done = |target: &Target, verb, value| {
            match apply(&mut document, kind, target, verb, value)? {
                Some(change) => changes.push(change),
                None => others += usize::from(!matches!(target, Target::Foreign)),
            }
            match others {
                0..=MAX_OTHERS => Ok(()),
                _ => Err(ScimError::invalid_value(format!(
                    "a request makes at most {MAX_OTHERS} changes of anything but members"
                ))),
            }
        };
        for operation in &self.operations {
            match (&operation.path, operation.verb, &operation.value) {
                (Some(path), verb, value) => done(&Target::parse(kind, path)?, verb, value.as_ref())?,
                // "If 'path' is unspecified, the operation fails with … 'noTarget'." (RFC 7644, 3.5.2.2)
                (None, Verb::Remove, _) => return Err(ScimError::no_target("`remove` needs a `path`")),
                (None, verb, Some(Value::Object(members))) => {
                    for (key, value) in members {
                        done(&Target::of_key(kind, key)?, verb, Some(value))?;
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
    if verb == Verb::Remove {
        return remove(document, path, value);
    }
    let value = value.ok_or_else(|| ScimError::invalid_value("the operation has no value"))?;
    match path.sub {
        Some(sub) => set_parts(document, path, sub, value),
        None if path.attribute.multi_valued => set_values(document, path, verb, value),
        None if path.attribute.kind == Kind::Complex => set_complex(document, path, value),
        None => document.set(path.extension, path.attribute, single(value)),
    }
}

/// Sets a part of an attribute: "… applied to all values of the attribute" where no filter picks some.
fn set_parts(document: &mut Document, path: &AttributePath, sub: &Attribute, value: &Value) -> Result<(), ScimError> {
    let part = normalized(sub, single(value))?;
    let name = path.attribute.name;
    let home = document.home(path.extension);
    if part.is_some() && !home.contains_key(name) {
        let empty = Value::Object(Map::new());
        home.insert(name.to_owned(), if path.attribute.multi_valued { Value::Array(vec![empty]) } else { empty });
    }
    each(home.get_mut(name)).iter_mut().for_each(|value| set_part(value, sub.name, part.clone()));
    Ok(())
}

/// Adds values to those of an attribute, or puts them in their place.
fn set_values(document: &mut Document, path: &AttributePath, verb: Verb, value: &Value) -> Result<(), ScimError> {
    let (attribute, name) = (path.attribute, path.attribute.name);
    let new = match normalized(attribute, value)? {
        Some(Value::Array(new)) => new,
        _ => Vec::new(),
    };
    let home = document.home(path.extension);
    match (verb, home.get_mut(name)) {
        (Verb::Add, Some(Value::Array(values))) => {
            add_values(values, new);
            few_enough(name, values)
        }
        _ => {
            home.insert(name.to_owned(), Value::Array(new));
            Ok(())
        }
    }
}

/// "Sub-attributes that are not specified … SHALL be left unchanged" (RFC 7644, 3.5.2.3).
fn set_complex(document: &mut Document, path: &AttributePath, value: &Value) -> Result<(), ScimError> {
    let new = normalized(path.attribute, single(value))?;
    let name = path.attribute.name;
    let home = document.home(path.extension);
    match (home.get_mut(name), new) {
        (_, None) => drop(home.remove(name)),
        (Some(old), Some(new)) => merge(old, new),
        (None, Some(new)) => drop(home.insert(name.to_owned(), new)),
    }
    Ok(())
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
            each(home.get_mut(name)).iter_mut().for_each(|value| set_part(value, sub.name, None));
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
    let matches = |(_, value): &(usize, &Value)| filter.matches_value(value);
    let matching: Vec<_> = values.iter().enumerate().filter(matches).map(|(index, _)| index).collect();
    match new {
        Some(new) => {
            put(values, matching, filter, &new)?;
            few_enough(name, values)?;
        }
        None if matching.is_empty() => return Err(no_match()),
        None => take(values, &matching, path.sub),
    }
    prune(home, name);
    Ok(())
}

/// Puts `new` into the matching values. Where there is none, Entra expects the value that the filter describes to be made.
fn put(values: &mut Vec<Value>, mut matching: Vec<usize>, filter: &Filter, new: &Value) -> Result<(), ScimError> {
    if matching.is_empty() {
        matching.push(values.len());
        values.push(seeded(filter).ok_or_else(no_match)?);
    }
    for index in &matching {
        if let Some(value) = values.get_mut(*index) {
            merge(value, new.clone());
        }
    }
    keep_one_primary(values, &matching);
    Ok(())
}

/// Takes the matching values away, or a part of each.
fn take(values: &mut Vec<Value>, matching: &[usize], part: Option<&Attribute>) {
    match part {
        Some(part) => {
            for index in matching {
                if let Some(value) = values.get_mut(*index) {
                    set_part(value, part.name, None);
                }
            }
        }
        None => {
            let mut index = 0..;
            values.retain(|_| index.next().is_none_or(|index| !matching.contains(&index)));
        }
    }
}

fn no_match() -> ScimError {
    ScimError::no_target("the filter matches no value")
}

/// All values of an attribute, of which it may have one or several.
fn each(value: Option<&mut Value>) -> &mut [Value] {
    match value {
        Some(Value::Array(values)) => values,
        Some(value) => std::slice::from_mut(value),
        None => &mut [],
    }
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
fn prune(home: &mut Map<String, Value>, name: &str) {
    if let Some(Value::Array(values)) = home.get_mut(name) {
        values.retain(|value| value.as_object().is_none_or(|parts| !parts.is_empty()));
    }
}
