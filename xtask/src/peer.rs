//! joserfc, with whose verdicts ours are compared in the tests: in a virtual environment of its own.

use std::process::Command;

use anyhow::{Context, Result};

use crate::{paths, python, shell};

/// The version whose differences are known.
const PACKAGE: &str = "joserfc==1.8.0";

/// Where it is.
pub(crate) fn environment() -> Result<std::path::PathBuf> {
    Ok(paths::root()?.join("target").join("differential-venv"))
}

/// Installs it as `target/differential-venv`, where the tests look for it.
pub(crate) fn ready() -> Result<()> {
    let environment = environment()?;
    let interpreter = environment.join("bin").join("python");
    let is_there =
        Command::new(&interpreter).args(["-c", "import joserfc; assert joserfc.__version__ == '1.8.0'"]).output();
    if is_there.is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    python::ready(python::ENSUREPIP, "joserfc", "")?;
    shell::progress("getting joserfc");
    python::run(python::command().args(["-m", "venv"]).arg(&environment))?;
    python::run(Command::new(&interpreter).args(["-m", "pip", "install", "--quiet", PACKAGE]))
        .with_context(|| format!("pip could not install {PACKAGE}; look at its words above"))
}
