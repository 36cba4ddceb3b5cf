//! The two commands of the README: `demo` and `test`, each with everything they need.

use std::process::Command;

use anyhow::Result;

use crate::{build, envoy, kinds, paths, peer, postgres, shell};

/// Gets Envoy, builds, and runs `usher demo` with these arguments.
pub(crate) fn demo(arguments: &[String]) -> Result<()> {
    // What may be missing on this machine is told before minutes of compiling.
    let envoy = envoy::ready()?;
    build::all()?;
    let usher = paths::output()?.join("usher");
    let mut demo = Command::new(usher);
    demo.arg("demo").args(arguments).env("ENVOY", envoy).current_dir(paths::root()?);
    shell::run(&mut demo, "run `cargo xtask build`")
}

/// Sets everything up and runs every test of the workspace.
pub(crate) fn test(arguments: &[String]) -> Result<()> {
    // As above; what is quickest to fetch first.
    peer::ready()?;
    postgres::ready()?;
    envoy::ready()?;
    kinds::ready()?;
    build::all()?;
    build::filter_with_trap()?;
    shell::progress("running all tests");
    shell::run(shell::cargo()?.args(["test", "--workspace"]).args(arguments), "install Rust with rustup")
}
