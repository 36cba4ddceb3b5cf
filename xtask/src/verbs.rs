//! The two commands of the README: `demo` and `test`, each with everything they need.

use std::process::Command;

use anyhow::Result;

use crate::{build, envoy, kinds, paths, peer, postgres, shell};

/// Builds, gets Envoy, and runs `usher demo` with these arguments.
pub(crate) fn demo(arguments: &[String]) -> Result<()> {
    build::all()?;
    let envoy = envoy::ready()?;
    let usher = paths::output()?.join("usher");
    let mut demo = Command::new(usher);
    demo.arg("demo").args(arguments).env("ENVOY", envoy).current_dir(paths::root()?);
    shell::run(&mut demo, "run `cargo xtask build`")
}

/// Sets everything up and runs every test of the workspace.
pub(crate) fn test(arguments: &[String]) -> Result<()> {
    build::all()?;
    build::filter_with_trap()?;
    envoy::ready()?;
    kinds::ready()?;
    postgres::ready()?;
    peer::ready()?;
    shell::progress("running all tests");
    shell::run(shell::cargo()?.args(["test", "--workspace"]).args(arguments), "install Rust with rustup")
}
