//! The copy of the workspace in which protections are taken out; what was built there is built on.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::Edit;
use crate::{paths, peer, shell};

/// What is built anew in the copy; everything else of `target/usher` is that of the workspace.
const OWN: [&str; 3] = ["usher", "usher.wasm", "usher-trap.wasm"];

/// The copy.
pub(super) struct Tree {
    root: PathBuf,
}

impl Tree {
    /// Copies every file that git knows or would know, where it is another than the last time.
    pub(super) fn copy() -> Result<Self> {
        let from = paths::root()?;
        let root = from.join("target").join("protections");
        let listed = shell::capture(
            Command::new("git").arg("-C").arg(&from).args([
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ]),
            "apt install git",
        )?;
        for name in listed.split('\0').filter(|name| !name.is_empty()) {
            let (source, copy) = (from.join(name), root.join(name));
            if source.is_file() {
                renew(&source, &copy)?;
            }
        }
        let (ready, output) = (paths::output()?, root.join("target").join("usher"));
        std::fs::create_dir_all(&output)?;
        for entry in std::fs::read_dir(&ready)? {
            let entry = entry?;
            if !OWN.iter().any(|own| entry.file_name() == *own) {
                link(&entry.path(), &output.join(entry.file_name()))?;
            }
        }
        link(&peer::environment()?, &root.join("target").join("differential-venv"))?;
        Ok(Self { root })
    }

    /// Cargo in the copy.
    pub(super) fn cargo(&self) -> Result<Command> {
        let mut cargo = shell::cargo()?;
        cargo.current_dir(&self.root).env_remove("CARGO_TARGET_DIR");
        Ok(cargo)
    }

    /// Puts a file that was built there where the tests look for it.
    pub(super) fn place(&self, built: &str, name: &str) -> Result<()> {
        renew(&self.root.join("target").join(built), &self.root.join("target").join("usher").join(name))
    }

    /// Makes every change of a protection. Gives what stood there before.
    pub(super) fn change(&self, edits: &[Edit]) -> Result<Vec<(PathBuf, String)>> {
        let mut before = Vec::new();
        for (file, is, instead) in edits {
            let place = self.root.join(file);
            let text = std::fs::read_to_string(&place).with_context(|| place.display().to_string())?;
            ensure!(text.matches(is).count() == 1, "`{is}` does not stand once in {file}");
            std::fs::write(&place, text.replace(is, instead))?;
            before.push((place, text));
        }
        Ok(before)
    }

    /// Takes every change back, the last one first: two may be in one file.
    pub(super) fn restore(before: Vec<(PathBuf, String)>) -> Result<()> {
        before.into_iter().rev().try_for_each(|(place, text)| Ok(std::fs::write(place, text)?))
    }
}

fn link(there: &Path, here: &Path) -> Result<()> {
    if here.exists() {
        return Ok(());
    }
    std::os::unix::fs::symlink(there, here).with_context(|| here.display().to_string())
}

/// Copies a file unless the copy is the same already: cargo goes by when a file was written.
fn renew(source: &Path, copy: &Path) -> Result<()> {
    let bytes = std::fs::read(source).with_context(|| source.display().to_string())?;
    if std::fs::read(copy).is_ok_and(|known| known == bytes) {
        return Ok(());
    }
    if let Some(folder) = copy.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // A running program cannot be written to, but its name can be given to another file.
    let half = copy.with_extension("new");
    std::fs::copy(source, &half).and_then(|_| std::fs::rename(&half, copy)).with_context(|| copy.display().to_string())
}
