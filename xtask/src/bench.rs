//! `cargo xtask bench`: builds what is measured and what measures, and runs it.

use anyhow::Result;

use crate::{build, envoy, paths, shell};

/// Builds everything that the comparison needs and runs it with these arguments.
pub(crate) fn compare(arguments: &[String]) -> Result<()> {
    // What may be missing on this machine is told before minutes of compiling.
    envoy::ready()?;
    build::all()?;
    let mut cargo = shell::cargo()?;
    shell::run(cargo.args(["build", "--release", "--package", "usher-bench"]), "install Rust with rustup")?;
    let bench = paths::cargo_target()?.join("release").join("usher-bench");
    shell::run(std::process::Command::new(bench).arg("compare").args(arguments), "run `cargo xtask bench`")
}
