//! `cargo xtask miri`: the tests of what is unsafe in the filter, under Miri.

use std::process::Command;

use anyhow::Result;

use crate::{paths, shell};

/// How the names of its tests begin: the rest of the filter has no `unsafe`, and would take Miri hours.
const TESTS: &str = "raw::";

/// Runs them with a nightly Rust; the workspace's own has no Miri.
pub(crate) fn run() -> Result<()> {
    let mut cargo = Command::new("rustup");
    cargo.args(["run", "nightly", "cargo", "miri", "test", "--locked", "--package", "usher-filter", "--lib"]);
    cargo.args(["--target-dir", "target/miri", "--", TESTS]).current_dir(paths::root()?);
    cargo.env("MIRIFLAGS", "-Zmiri-disable-isolation");
    shell::run(&mut cargo, "rustup toolchain install nightly --component miri --component rust-src")
}
