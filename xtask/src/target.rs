//! Rust targets: there, or added for the toolchain that is active in this workspace.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::shell;

/// The target that the filter is built for.
pub(crate) const WASM: &str = "wasm32-wasip1";

/// The targets of the command that is shipped: it needs nothing of the machine that it runs on.
pub(crate) const STATIC_AMD64: &str = "x86_64-unknown-linux-musl";
pub(crate) const STATIC_ARM64: &str = "aarch64-unknown-linux-musl";

/// Makes sure that the standard library of the wasm target is there.
pub(crate) fn ready() -> Result<()> {
    add(WASM).with_context(|| format!("the filter needs the Rust target {WASM}"))
}

/// Makes sure that the standard library of a target is there.
pub(crate) fn add(target: &str) -> Result<()> {
    if has_std(target)? {
        return Ok(());
    }
    shell::progress(&format!("adding the target {target}"));
    shell::run(
        Command::new("rustup").args(["target", "add", target]).current_dir(crate::paths::root()?),
        &format!("install Rust with rustup, or give this toolchain the standard library of {target}"),
    )
}

fn has_std(target: &str) -> Result<bool> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let folder = shell::capture(
        Command::new(rustc).args(["--print", "target-libdir", "--target", target]).current_dir(crate::paths::root()?),
        "install Rust with rustup",
    )?;
    let Ok(entries) = Path::new(folder.trim()).read_dir() else {
        return Ok(false);
    };
    Ok(entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-")))
}
