//! The shipped binaries: the command and the filter, release, into `target/usher/`.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::{paths, shell, target, wasm_opt};

/// The filter sits in every Envoy worker: it may have this many bytes and no more …
const WASM_LIMIT: u64 = 700_000;

/// … and so many where wasm-opt could not be had.
const WASM_LIMIT_AS_BUILT: u64 = 880_000;

const INSTALL_RUST: &str = "install Rust with rustup";

/// Builds `target/usher/usher` and `target/usher/usher.wasm`.
pub(crate) fn all() -> Result<()> {
    command()?;
    filter().map(drop)
}

/// Builds the filter that panics when it is asked to: for the tests, never shipped.
pub(crate) fn filter_with_trap() -> Result<()> {
    // A folder of its own: the same artifact with another feature would make each run build both again.
    let folder = paths::cargo_target()?.join("trap");
    shell::progress("building the filter with its deliberate trap");
    let mut cargo = shell::cargo()?;
    cargo.args(filter_arguments()).args(["--features", "trap", "--target-dir"]).arg(&folder);
    shell::run(&mut cargo, INSTALL_RUST)?;
    wasm_opt::smaller(&built_filter(&folder), &paths::output()?.join("usher-trap.wasm")).map(drop)
}

/// Builds `target/usher/usher` alone.
pub(crate) fn command() -> Result<()> {
    shell::progress("building the command");
    shell::run(shell::cargo()?.args(["build", "--release", "--package", "usher"]), INSTALL_RUST)?;
    place(&paths::cargo_target()?.join("release").join("usher"), "usher")
}

/// Builds `target/usher/usher.wasm` alone, and says whether wasm-opt made it smaller.
pub(crate) fn filter() -> Result<bool> {
    target::ready()?;
    shell::progress("building the filter");
    shell::run(shell::cargo()?.args(filter_arguments()), INSTALL_RUST)?;
    let place = paths::output()?.join("usher.wasm");
    let is_smaller = wasm_opt::smaller(&built_filter(&paths::cargo_target()?), &place)?;
    let limit = if is_smaller { WASM_LIMIT } else { WASM_LIMIT_AS_BUILT };
    let size = place.metadata()?.len();
    shell::progress(&format!("usher.wasm has {size} bytes (at most {limit})"));
    if size > limit {
        bail!("usher.wasm is too big: {size} bytes, at most {limit}");
    }
    Ok(is_smaller)
}

/// The arguments of cargo with which the filter is built.
pub(crate) fn filter_arguments() -> [&'static str; 7] {
    ["build", "--package", "usher-filter", "--target", target::WASM, "--profile", "wasm"]
}

/// The filter in a target folder.
pub(crate) fn built_filter(target: &Path) -> std::path::PathBuf {
    target.join(target::WASM).join("wasm").join("usher_filter.wasm")
}

/// Puts a built file into `target/usher/` under its name, in one step.
fn place(built: &Path, name: &str) -> Result<()> {
    let output = paths::output()?;
    let (half, whole) = (output.join(format!("{name}.new")), output.join(name));
    std::fs::copy(built, &half).with_context(|| format!("cannot copy {}", built.display()))?;
    // A running program cannot be written to, but its name can be given to another file.
    std::fs::rename(&half, &whole).with_context(|| format!("cannot write {}", whole.display()))
}
