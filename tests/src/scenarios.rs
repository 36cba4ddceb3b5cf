//! The project's own scenarios.

use std::path::{Path, PathBuf};

use anyhow::Result;
use usher_scenario::{Scenario, read};

/// Every scenario of the project, in the order of the files; `policies` holds bases.
///
/// # Errors
/// A file cannot be read, or has faults.
pub fn all() -> Result<Vec<Scenario>> {
    let mut scenarios = Vec::new();
    for path in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios"))? {
        scenarios.extend(read::file(&path, None)?);
    }
    Ok(scenarios)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in folder.read_dir()? {
        let path = entry?.path();
        if path.is_dir() {
            if !path.ends_with("policies") {
                found.extend(files(&path)?);
            }
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
