//! `cargo xtask scim`: what others wrote to test SCIM servers, scim2-tester and scim-sanity, against a store of its own.

use std::process::Command;

use anyhow::Result;

use crate::{paths, shell};

/// What is installed into the virtual environment; the versions are those that are known to be met.
const PACKAGES: [&str; 3] = ["scim2-tester==0.5.2", "scim2-client[httpx2]", "scim-sanity==0.7.4"];

const INSTALL_RUST: &str = "install Rust with rustup";
const INSTALL_PYTHON: &str = "`apt install python3 python3-venv`";

/// Builds the command, makes the environment, and runs both; anything but success of both is an error.
pub(crate) fn conform() -> Result<()> {
    // What may be missing on this machine is told before minutes of compiling.
    let environment = paths::cargo_target()?.join("scim-venv");
    let python = environment.join("bin").join("python");
    shell::progress("getting scim2-tester and scim-sanity");
    shell::run(Command::new("python3").args(["-m", "venv"]).arg(&environment), INSTALL_PYTHON)?;
    let mut pip = Command::new(&python);
    shell::run(pip.args(["-m", "pip", "install", "--quiet"]).args(PACKAGES), INSTALL_PYTHON)?;
    shell::run(shell::cargo()?.args(["build", "--package", "usher"]), INSTALL_RUST)?;
    shell::progress("running scim2-tester and scim-sanity");
    let script = paths::root()?.join("xtask").join("src").join("scim_conformance.py");
    let usher = paths::cargo_target()?.join("debug").join("usher");
    shell::run(Command::new(&python).arg(script).arg(usher), INSTALL_PYTHON)
}
