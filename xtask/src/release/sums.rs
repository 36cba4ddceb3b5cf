//! `SHA256SUMS`: every file below a folder, as `sha256sum -c` reads it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::oci::hex;

/// Its name.
const NAME: &str = "SHA256SUMS";

/// Writes it for all that is there.
pub(crate) fn write(folder: &Path) -> Result<()> {
    let mut files = Vec::new();
    gather(folder, &mut files)?;
    files.sort();
    let mut text = String::new();
    for file in files {
        let sum = hex(&std::fs::read(&file)?);
        let name = file.strip_prefix(folder)?.to_str().context("a name that is not UTF-8")?;
        text.push_str(&format!("{sum}  {name}\n"));
    }
    std::fs::write(folder.join(NAME), text).with_context(|| format!("cannot write {NAME}"))
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            gather(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{NAME, write};

    #[test]
    fn sha256sum_agrees_until_a_file_is_another() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("a/b")).unwrap();
        for (name, text) in [("a/b/one", "1"), ("a/two", "2"), ("three", "3")] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        write(folder.path()).unwrap();
        let agrees = || {
            let mut check = Command::new("sha256sum");
            check.args(["--check", "--strict", NAME]).current_dir(folder.path()).output().unwrap()
        };
        let told = agrees();
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        assert_eq!(String::from_utf8_lossy(&told.stdout), "a/b/one: OK\na/two: OK\nthree: OK\n");
        std::fs::write(folder.path().join("a/two"), "another").unwrap();
        assert!(!agrees().status.success());
    }
}
