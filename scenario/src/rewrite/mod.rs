//! Rewrites a scenario file's expectations to what was seen; all other text stays byte for byte.

mod edit;
mod spans;

use serde_json::{Map, Value};

use self::edit::Edits;
use self::spans::Span;
use crate::expect::OUTCOMES;
use crate::play::Failed;

/// What failed of one scenario of the file.
#[derive(Clone, Copy, Debug)]
pub struct FailedScenario<'a> {
    /// Its place in the file, from 0.
    pub index: usize,
    /// The steps that failed, or the refusal of its policy.
    pub steps: &'a [Failed],
}

/// Why a file is left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RewriteError {
    /// The step is not written in a way that can be edited in place.
    #[error("line {0}: the step cannot be rewritten in place; write its expectation by hand")]
    Layout(usize),
    /// The text is no YAML.
    #[error("the file is not YAML")]
    NoYaml,
}

/// The text of the file with expectations that hold.
///
/// # Errors
/// Nothing can be written without touching more than expectations.
pub fn rewrite(text: &str, failed: &[FailedScenario<'_>]) -> Result<String, RewriteError> {
    let root = spans::parse(text).ok_or(RewriteError::NoYaml)?;
    let mut edits = Edits::new(text);
    let mut intended = usher_policy_file::yaml_to_json(text).map_err(|_| RewriteError::NoYaml)?;
    for scenario in failed {
        for step in scenario.steps {
            let unwritable = RewriteError::Layout(step.line);
            let span = span_of(&root, scenario.index, step.step).ok_or(unwritable)?;
            let story = format!("/scenarios/{}", scenario.index);
            let pointer = step.step.map_or(story.clone(), |step| format!("{story}/steps/{step}"));
            let value = intended.pointer_mut(&pointer).and_then(Value::as_object_mut).ok_or(unwritable)?;
            change_step(&mut edits, span, value, step).ok_or(unwritable)?;
        }
    }
    let first_line = failed.iter().flat_map(|scenario| scenario.steps).map(|step| step.line).next().unwrap_or_default();
    let rewritten = edits.apply().ok_or(RewriteError::Layout(first_line))?;
    // Whatever the layout was: what is written says what was meant, or nothing is written.
    if usher_policy_file::yaml_to_json(&rewritten).as_ref() != Ok(&intended) {
        return Err(RewriteError::Layout(first_line));
    }
    Ok(rewritten)
}

/// A step; without one the scenario itself, which says for what its policy is refused.
fn span_of(root: &Span, scenario: usize, step: Option<usize>) -> Option<&Span> {
    let scenario = root.member("scenarios")?.item(scenario)?;
    match step {
        Some(step) => scenario.member("steps")?.item(step),
        None => Some(scenario),
    }
}

fn change_step(edits: &mut Edits<'_>, span: &Span, value: &mut Map<String, Value>, step: &Failed) -> Option<()> {
    let outcome = |fields: &Map<String, Value>| OUTCOMES.into_iter().find(|name| fields.contains_key(*name));
    let (mut expected, mut seen) = (step.expected.clone(), step.seen.clone());
    // Another outcome stands where the old one stood.
    if let (Some(old), Some(new)) = (outcome(&expected), outcome(&seen))
        && old != new
    {
        let outcome = seen.remove(new)?;
        expected.remove(old);
        edits.replace_member(span, old, new, &outcome)?;
        value.remove(old);
        value.insert(new.to_owned(), outcome);
    }
    change_map(edits, span, value, &expected, &seen)
}

/// Makes the difference between two maps in the text of the one that holds them, and in its value.
fn change_map(
    edits: &mut Edits<'_>,
    span: &Span,
    value: &mut Map<String, Value>,
    expected: &Map<String, Value>,
    seen: &Map<String, Value>,
) -> Option<()> {
    let gone: Vec<&str> = expected.keys().filter(|name| !seen.contains_key(*name)).map(String::as_str).collect();
    let mut added = Vec::new();
    for (name, new) in seen {
        match (expected.get(name), new) {
            (Some(old), new) if old == new => {}
            (Some(Value::Object(old)), Value::Object(new)) if !old.is_empty() => {
                change_map(edits, span.member(name)?, value.get_mut(name)?.as_object_mut()?, old, new)?;
            }
            (Some(Value::Array(old)), Value::Array(new)) if new.iter().all(Value::is_object) && !new.is_empty() => {
                change_list(edits, span.member(name)?, old, new)?;
                value.insert(name.clone(), seen.get(name)?.clone());
            }
            (Some(_), new) => {
                edits.replace(span.member(name)?, new);
                value.insert(name.clone(), new.clone());
            }
            (None, new) => {
                added.push((name.as_str(), new));
                value.insert(name.clone(), new.clone());
            }
        }
    }
    for name in &gone {
        value.remove(*name);
    }
    edits.change_members(span, &gone, &added)
}

/// Item by item where as many were seen as were written; else the list is written anew.
fn change_list(edits: &mut Edits<'_>, span: &Span, expected: &[Value], seen: &[Value]) -> Option<()> {
    if expected.len() != seen.len() {
        return edits.replace_items(span, seen);
    }
    for (index, (old, new)) in expected.iter().zip(seen).enumerate() {
        let (Value::Object(old), Value::Object(new)) = (old, new) else { return None };
        let mut written = old.clone();
        change_map(edits, span.item(index)?, &mut written, old, new)?;
    }
    Some(())
}

#[cfg(test)]
mod tests;
