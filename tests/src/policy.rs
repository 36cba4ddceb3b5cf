//! The policies of the project's own scenarios, by name.

use std::path::Path;

use anyhow::Result;
use serde_json::Value;
use usher_scenario::read;

/// A policy of `scenarios/policies/` with changes, written as in a scenario file.
///
/// # Errors
/// There is none of this name, or the changes are none.
pub fn changed(name: &str, changes: &str) -> Result<Value> {
    let mut policy = base(name)?;
    read::changes(changes)?.apply(&mut policy)?;
    Ok(policy)
}

/// A policy of `scenarios/policies/`.
///
/// # Errors
/// There is none of this name.
pub fn base(name: &str) -> Result<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join("policies");
    Ok(read::policy(&folder.join(format!("{name}.yaml")))?)
}
