//! Scenario files, read strictly: a fault names the file, the scenario and the step.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;
use serde_json::Value;

use crate::Scenario;
use crate::policy::{self, Changes};
use crate::step::Step;

/// A file as it is written: one rule, several scenarios.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The rule that is shown.
    #[serde(rename = "about")]
    _about: String,
    /// The policy, relative to this file.
    base: String,
    /// What this file's policy has other than the base.
    #[serde(default)]
    policy: Changes,
    scenarios: Vec<Story>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Story {
    name: String,
    only_envoy: Option<String>,
    /// What this scenario's policy has other than the file's.
    #[serde(default)]
    policy: Changes,
    steps: Vec<Value>,
}

/// The scenarios of one file's text.
///
/// # Errors
/// It is no scenario file.
pub fn scenarios_of(path: &Path, text: &str) -> Result<Vec<Scenario>> {
    let file: File = serde_json::from_value(yaml(text)?)?;
    let base = policy::read(&path.parent().unwrap_or(Path::new("")).join(&file.base))?;
    let mut scenarios = Vec::new();
    for story in file.scenarios {
        let mut policy = base.clone();
        file.policy.apply(&mut policy)?;
        story.policy.apply(&mut policy).with_context(|| format!("scenario `{}`", story.name))?;
        let mut steps = Vec::new();
        for (index, step) in story.steps.iter().enumerate() {
            let at = || format!("scenario `{}`: step {}", story.name, index + 1);
            steps.push(Step::read(step).with_context(at)?);
        }
        if steps.is_empty() {
            bail!("scenario `{}` has no steps", story.name);
        }
        let file = path.to_owned();
        scenarios.push(Scenario { file, name: story.name, only_envoy: story.only_envoy, policy, steps });
    }
    Ok(scenarios)
}

/// Steps alone, as they stand in a scenario.
///
/// # Errors
/// They are none.
pub fn steps(text: &str) -> Result<Vec<Step>> {
    let steps: Vec<Value> = serde_json::from_value(yaml(text)?)?;
    steps.iter().map(Step::read).collect()
}

/// YAML as JSON, by the reader that policy files are read with.
///
/// # Errors
/// Every fault, with its line.
pub fn yaml(text: &str) -> Result<Value> {
    usher_policy::file::yaml_to_json(text).map_err(|faults| {
        let faults: Vec<String> = faults
            .iter()
            .map(|fault| match fault.line {
                Some(line) => format!("line {line}: {fault}"),
                None => fault.to_string(),
            })
            .collect();
        anyhow!("{}", faults.join("\n"))
    })
}
