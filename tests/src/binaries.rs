//! What `cargo xtask build` leaves: the tests run the shipped binaries, and nothing else.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// The command; `$USHER` names another.
///
/// # Errors
/// It has not been built.
pub fn usher() -> Result<PathBuf> {
    find("USHER", "usher")
}

/// The filter; `$USHER_WASM` names another.
///
/// # Errors
/// It has not been built.
pub fn filter() -> Result<PathBuf> {
    find("USHER_WASM", "usher.wasm")
}

/// The filter that panics and tells of signatures when it is asked to; `$USHER_TRAP_WASM` names another.
///
/// # Errors
/// It has not been built.
pub fn filter_with_trap() -> Result<PathBuf> {
    find("USHER_TRAP_WASM", "usher-trap.wasm")
}

/// Envoy; `$ENVOY` names another.
///
/// # Errors
/// It has not been fetched.
pub fn envoy() -> Result<PathBuf> {
    find("ENVOY", "envoy")
}

/// Node.js; `$NODE` names another.
pub fn node() -> PathBuf {
    let fetched = workspace().join("target").join("usher").join("node").join("bin").join("node");
    match std::env::var_os("NODE").filter(|value| !value.is_empty()) {
        Some(named) => PathBuf::from(named),
        None if fetched.is_file() => fetched,
        None => PathBuf::from("node"),
    }
}

/// The folder with the published schemas of Kubernetes kinds and of dashboards.
///
/// # Errors
/// They have not been fetched.
pub fn kinds() -> Result<PathBuf> {
    let folder = workspace().join("target").join("kinds");
    if !folder.join("node_modules").is_dir() {
        bail!("{} is missing: run `cargo xtask test`, which fetches it first", folder.display());
    }
    Ok(folder)
}

/// The root of the workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn find(variable: &str, name: &str) -> Result<PathBuf> {
    let path = match std::env::var_os(variable).filter(|value| !value.is_empty()) {
        Some(named) => PathBuf::from(named),
        None => workspace().join("target").join("usher").join(name),
    };
    if !path.is_file() {
        bail!("{} is missing: run `cargo xtask test`, which builds it first", path.display());
    }
    Ok(path)
}
