//! Which files are scenario files, and which policy is theirs.

use std::path::{Path, PathBuf};

/// Deeper folders are not looked into.
const MOST_DEEP: usize = 32;
/// More files are not taken.
const MOST_FILES: usize = 10_000;

/// The scenario files of a folder and all below it, in order; or the one file that is named.
///
/// # Errors
/// There is none, or a folder cannot be read; in words.
pub(super) fn scenario_files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    if folder.is_file() {
        return Ok(vec![folder.to_owned()]);
    }
    let mut files = Vec::new();
    search(folder, 0, &mut files)?;
    if files.is_empty() {
        return Err(format!("error: {}: no scenario file (*.yaml, *.yml)", folder.display()));
    }
    files.sort();
    Ok(files)
}

/// The policy of a folder's scenarios that name none: `usher.yaml` in it, or in the folder above it.
pub(super) fn policy_of(folder: &Path) -> Option<PathBuf> {
    let folder = if folder.is_file() { folder.parent()? } else { folder };
    let above = folder.canonicalize().ok().and_then(|folder| folder.parent().map(Path::to_owned));
    let candidates = [Some(folder.to_owned()), above];
    candidates.into_iter().flatten().map(|folder| folder.join("usher.yaml")).find(|file| file.is_file())
}

/// Links to folders are not followed, so that none is seen twice.
fn search(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let unreadable = |error: std::io::Error| format!("error: {}: cannot be read: {error}", folder.display());
    if depth > MOST_DEEP {
        return Err(format!("error: {}: deeper than {MOST_DEEP} folders", folder.display()));
    }
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if entry.file_type().map_err(unreadable)?.is_dir() {
            if name != "policies" && !name.starts_with('.') {
                search(&path, depth + 1, files)?;
            }
        } else if is_scenario_file(&name) && !path.is_dir() {
            files.push(path);
        }
        if files.len() > MOST_FILES {
            return Err(format!("error: {}: more than {MOST_FILES} scenario files", folder.display()));
        }
    }
    Ok(())
}

fn is_scenario_file(name: &str) -> bool {
    let stem = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml"));
    stem.is_some_and(|stem| !stem.is_empty() && stem != "usher" && !stem.starts_with('.'))
}
