//! Where things are: the workspace, what cargo leaves, and what we leave.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The workspace's root.
pub(crate) fn root() -> Result<PathBuf> {
    // As cargo says now, not as it was when this was compiled: a checkout may have been moved together with its target folder.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let here = Path::new(&here);
    Ok(here.parent().context("xtask has no parent folder")?.to_owned())
}

/// Where cargo leaves what it builds.
pub(crate) fn cargo_target() -> Result<PathBuf> {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => Ok(root()?.join(folder)),
        None => Ok(root()?.join("target")),
    }
}

/// `target/usher`: the one place from which the command, the tests and the demo are served.
pub(crate) fn output() -> Result<PathBuf> {
    let folder = root()?.join("target").join("usher");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}
