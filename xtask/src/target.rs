//! The wasm target: there, or added for the toolchain that is active in this workspace.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::shell;

/// The target that the filter is built for.
pub(crate) const WASM: &str = "wasm32-wasip1";

/// Makes sure that the standard library of the wasm target is there.
pub(crate) fn ready() -> Result<()> {
    if has_std()? {
        return Ok(());
    }
    shell::progress(&format!("adding the target {WASM}"));
    shell::run(
        Command::new("rustup").args(["target", "add", WASM]).current_dir(crate::paths::root()?),
        &format!("install Rust with rustup, or give this toolchain the standard library of {WASM}"),
    )
    .with_context(|| format!("the filter needs the Rust target {WASM}"))
}

fn has_std() -> Result<bool> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let folder = shell::capture(
        Command::new(rustc).args(["--print", "target-libdir", "--target", WASM]).current_dir(crate::paths::root()?),
        "install Rust with rustup",
    )?;
    let Ok(entries) = Path::new(folder.trim()).read_dir() else {
        return Ok(false);
    };
    Ok(entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-")))
}
