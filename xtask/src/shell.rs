//! Running other programs: what is run is shown, and a program that is missing is named with what to install.

use std::io::ErrorKind;
use std::process::{Command, Stdio};

use anyhow::{Result, anyhow, bail};

/// Says what is being done.
pub(crate) fn progress(what: &str) {
    eprintln!("xtask: {what}");
}

/// Cargo, as it was called.
pub(crate) fn cargo() -> Result<Command> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(crate::paths::root()?);
    Ok(command)
}

/// Runs a program to its end, its output shown; anything but success is an error.
pub(crate) fn run(command: &mut Command, when_missing: &str) -> Result<()> {
    let status = command.status().map_err(|error| explain(command, &error, when_missing))?;
    if !status.success() {
        bail!("`{}` failed ({status})", command.get_program().to_string_lossy());
    }
    Ok(())
}

/// Runs a program to its end and takes what it prints; anything but success is an error that shows its last words.
pub(crate) fn capture(command: &mut Command, when_missing: &str) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| explain(command, &error, when_missing))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` failed ({}): {}", command.get_program().to_string_lossy(), output.status, words.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn explain(command: &Command, error: &std::io::Error, when_missing: &str) -> anyhow::Error {
    let program = command.get_program().to_string_lossy();
    match error.kind() {
        ErrorKind::NotFound => anyhow!("`{program}` is not there: {when_missing}"),
        _ => anyhow!("cannot run `{program}`: {error}"),
    }
}
