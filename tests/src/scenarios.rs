//! The project's own scenarios.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use usher_scenario::{Scenario, read};

/// Every scenario of the project, in the order of the files.
///
/// # Errors
/// A file cannot be read, or is no scenario file.
pub fn all() -> Result<Vec<Scenario>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files: Vec<PathBuf> = folder.read_dir()?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    files.retain(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    files.sort();
    let mut scenarios = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(&path)?;
        let found = read::scenarios_of(&path, &text).with_context(|| path.display().to_string())?;
        scenarios.extend(found);
    }
    Ok(scenarios)
}
