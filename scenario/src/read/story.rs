//! A scenario file: what it is about, its policy, its stories.

use std::collections::HashSet;
use std::path::Path;

use serde_json::{Map, Value};
use usher_policy::Policy;
use usher_policy_file::{Fields, Node, Recorded};

use super::known::Known;
use super::{beginning, refuse, step, text};
use crate::Scenario;
use crate::policy::{Changes, fill_in_keys};
use crate::refusal::Refused;

/// Reads the scenarios of a file that stands at `path`; `policy` is the one where no `base` is named.
pub(super) fn read(root: &Node<'_>, path: &Path, policy: Option<&Path>) -> Result<Vec<Scenario>, Recorded> {
    root.object(|fields| {
        let about = fields.optional("about", text::any);
        let base = base(fields, path, policy);
        let changes = fields.or("policy", Changes::default(), changes);
        // Without a policy nothing is known, and everything would be a fault.
        let policy = base.and_then(|base| changed(root, base, &changes?));
        let scenarios = fields.required("scenarios", "[{name: …, steps: […]}]", |node| {
            let mut index = 0;
            node.list(1..=10_000, |item| {
                index += 1;
                story(item, path, index - 1, policy.as_ref().ok())
            })
        });
        about?;
        policy?;
        Ok(scenarios?.into_iter().flatten().collect())
    })
}

/// The file's policy as JSON, and finished.
type Finished = (Value, Policy);

fn base(fields: &mut Fields<'_>, path: &Path, policy: Option<&Path>) -> Result<Value, Recorded> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let named = fields.optional("base", |node| {
        let name = text::name(node)?;
        if Path::new(&name).is_absolute() {
            return refuse(node, "write a path that begins at this file's folder");
        }
        super::policy(&folder.join(name)).map_err(|faulty| node.fault(faulty.to_string()))
    })?;
    match (named, policy) {
        (Some(base), _) => Ok(base),
        (None, Some(policy)) => {
            super::policy(policy).map_err(|faulty| fields.fault("base", format!("not given; {faulty}")))
        }
        (None, None) => {
            Err(fields.fault("base", "missing. Write the path of the policy, or name one with `--policy FILE`"))
        }
    }
}

/// Changes to a policy; what is in them is the policy's reader's to judge.
pub(super) fn changes(node: &Node<'_>) -> Result<Changes, Recorded> {
    let any_object = |node: &Node<'_>| -> Result<Map<String, Value>, Recorded> {
        node.members(0..=1000)?;
        Ok(node.value().as_object().cloned().unwrap_or_default())
    };
    node.object(|fields| {
        let options = fields.or("options", Map::new(), any_object);
        let parent = fields.or("parent", Map::new(), any_object);
        let connection = fields.or("connection", Map::new(), any_object);
        let organization = fields.or("organization", Map::new(), any_object);
        Ok(Changes { options: options?, parent: parent?, connection: connection?, organization: organization? })
    })
}

/// The policy after its changes; its faults stand at `node`.
fn changed(node: &Node<'_>, mut policy: Value, changes: &Changes) -> Result<Finished, Recorded> {
    changes.apply(&mut policy).map_err(|error| node.fault(error.to_string()))?;
    let filled = fill_in_keys(&policy, None).map_err(|error| node.fault(error.to_string()))?;
    match usher_policy_file::from_json(filled.to_string().as_bytes()) {
        Ok(finished) if finished.organizations.is_empty() => refuse(node, "the policy has no organization"),
        Ok(finished) => Ok((policy, finished)),
        Err(faults) => {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            refuse(node, format!("the policy has faults: {}", faults.join("; ")))
        }
    }
}

/// One story; `None` where there is no policy to read it under.
fn story(node: &Node<'_>, path: &Path, index: usize, file: Option<&Finished>) -> Result<Option<Scenario>, Recorded> {
    node.object(|fields| {
        let name = fields.required("name", "who was not provisioned is turned away", |node| node.text(1000));
        let only_envoy = fields.optional("only_envoy", text::any);
        let changes = fields.or("policy", Changes::default(), changes);
        let (before, steps) = (fields.field("before"), fields.field("steps"));
        let refused = fields.optional("refused", |node| node.list(1..=1000, refused))?;
        let Some((json, finished)) = file else { return Ok(None) };
        let changes = changes?;
        let scenario = |policy: Value| {
            Ok(Scenario {
                file: path.to_owned(),
                index,
                line: node.line().unwrap_or_default(),
                name: name?.to_owned(),
                only_envoy: only_envoy?,
                policy,
                before: Vec::new(),
                steps: Vec::new(),
                refused: Vec::new(),
            })
        };
        if let Some(refused) = refused {
            if let Some(node) = before.or(steps) {
                return refuse(&node, "where the policy is refused, nothing happens. Leave it out");
            }
            let mut policy = json.clone();
            changes.apply(&mut policy).map_err(|error| node.fault(error.to_string()))?;
            return Ok(Some(Scenario { refused, ..scenario(policy)? }));
        }
        let own = if changes.is_empty() { None } else { Some(changed(node, json.clone(), &changes)?) };
        let (json, finished) = own.as_ref().map_or((json, finished), |(json, finished)| (json, finished));
        let known = Known::new(finished, Some(HashSet::new()));
        let before = before.map_or(Ok(Vec::new()), |node| beginning::read(&node, &known));
        let steps = match steps {
            Some(node) => node.list(1..=10_000, |item| step::read(item, &known)),
            None => Err(fields.fault("steps", "missing. Write a list of what happens")),
        };
        Ok(Some(Scenario { before: before?, steps: steps?, ..scenario(json.clone())? }))
    })
}

/// One fault that the policy must have.
fn refused(node: &Node<'_>) -> Result<Refused, Recorded> {
    node.object(|fields| {
        let field = fields.required("field", "parents[0].plan", text::any);
        let says = fields.required("says", "unknown plan `gold`", text::name);
        Ok(Refused { field: field?, says: says? })
    })
}
