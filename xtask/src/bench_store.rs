//! `cargo xtask bench store`: builds the command and what measures it, and runs it.

use std::process::Command;

use anyhow::Result;

use crate::{build, paths, postgres, shell};

/// Builds what is measured, finds PostgreSQL, and measures with these arguments.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    // What may be missing on this machine is told before minutes of compiling.
    postgres::ready()?;
    build::command()?;
    let mut cargo = shell::cargo()?;
    shell::run(cargo.args(["build", "--release", "--package", "usher-bench"]), "install Rust with rustup")?;
    let bench = paths::cargo_target()?.join("release").join("usher-bench");
    shell::run(Command::new(bench).arg("store").args(arguments), "run `cargo xtask bench store`")
}
