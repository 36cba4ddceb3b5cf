//! The policies of the project's own scenarios, by name.

use std::path::Path;

use anyhow::Result;
use serde_json::Value;
use usher_scenario::policy::{Changes, read};
use usher_scenario::read::yaml;

/// A policy of `scenarios/policies/` with changes, written as in a scenario file.
///
/// # Errors
/// There is none of this name, or the changes are none.
pub fn changed(name: &str, changes: &str) -> Result<Value> {
    let mut policy = base(name)?;
    serde_json::from_value::<Changes>(yaml(changes)?)?.apply(&mut policy)?;
    Ok(policy)
}

/// A policy of `scenarios/policies/`.
///
/// # Errors
/// There is none of this name.
pub fn base(name: &str) -> Result<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join("policies");
    read(&folder.join(format!("{name}.yaml")))
}
