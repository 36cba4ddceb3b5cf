//! Writes what was seen into a file's expectations; a file with faults is never touched.

use std::io::Write as _;
use std::path::Path;

use tempfile::NamedTempFile;
use usher_scenario::rewrite::{FailedScenario, rewrite};

use super::played::{Outcome, PlayedFile};

/// How many scenarios were rewritten.
///
/// # Errors
/// Why the file is left as it is; in words.
pub(super) fn overwrite(file: &PlayedFile, policy: Option<&Path>) -> Result<usize, String> {
    let Ok(played) = &file.outcome else { return Ok(0) };
    let failed: Vec<FailedScenario<'_>> = played
        .iter()
        .filter_map(|one| match &one.result {
            Outcome::Failed(steps) => Some(FailedScenario { index: one.scenario.index, steps }),
            _ => None,
        })
        .collect();
    if failed.is_empty() {
        return Ok(0);
    }
    let text = rewrite(&file.text, &failed).map_err(|error| error.to_string())?;
    // Before a byte is written: what shall stand there can be read.
    usher_scenario::read::scenarios(&file.path, &text, policy).map_err(|faulty| faulty.to_string())?;
    write(&file.path, &file.text, &text).map_err(|error| error.to_string())?;
    Ok(failed.len())
}

/// The new text at once, or none of it.
fn write(path: &Path, old: &str, new: &str) -> std::io::Result<()> {
    // A link goes on pointing to what it pointed to.
    let path = path.canonicalize()?;
    if std::fs::read_to_string(&path)? != old {
        return Err(std::io::Error::other("the file was changed meanwhile"));
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(new.as_bytes())?;
    file.as_file().set_permissions(std::fs::metadata(&path)?.permissions())?;
    file.as_file().sync_all()?;
    file.persist(&path)?;
    Ok(())
}
