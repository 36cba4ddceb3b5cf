//! `cargo xtask reproduce`: the filter built twice, in two folders, from what is committed: it must be the same file.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{build, paths, shell, target, wasm_opt};

const INSTALL_GIT: &str = "install git";
const INSTALL_RUST: &str = "install Rust with rustup";

/// Builds it twice and compares.
pub(crate) fn twice() -> Result<()> {
    target::ready()?;
    let folder = paths::cargo_target()?.join("reproduce");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("cannot clear {}", folder.display()))?;
    }
    std::fs::create_dir_all(&folder)?;
    // Names of different lengths: a path that is built in would move everything after it.
    let first = built(&folder.join("a"))?;
    let second = built(&folder.join("another-folder").join("deeper"))?;
    let (one, other) = (std::fs::read(&first)?, std::fs::read(&second)?);
    if one != other {
        bail!("{} and {} differ", first.display(), second.display());
    }
    shell::progress(&format!("the filter is the same in both folders: {} bytes", one.len()));
    Ok(())
}

/// The filter, built from a clone in a folder of its own.
fn built(folder: &Path) -> Result<PathBuf> {
    shell::progress(&format!("building the filter in {}", folder.display()));
    let mut clone = Command::new("git");
    clone.args(["clone", "--quiet", "--no-local"]).arg(paths::root()?).arg(folder);
    shell::run(&mut clone, INSTALL_GIT)?;
    let target = folder.join("target");
    let mut cargo = shell::cargo()?;
    cargo.current_dir(folder).env("CARGO_TARGET_DIR", &target).args(build::filter_arguments()).arg("--locked");
    shell::run(&mut cargo, INSTALL_RUST)?;
    let filter = folder.join("usher.wasm");
    wasm_opt::smaller(&build::built_filter(&target), &filter)?;
    Ok(filter)
}
