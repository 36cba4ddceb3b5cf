//! Python, with which parts are fetched: asked for a module before it is used, so that what to install is told.

use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::shell;

/// Debian has the interpreter alone in `python3`. All are named at once, so that nobody comes back for the next.
const INSTALL: &str = "`apt install python3 python3-pip python3-venv`";

/// The module that downloads wheels.
pub(crate) const PIP: &str = "pip";

/// The module without which `venv` makes no environment, though it can be imported.
pub(crate) const ENSUREPIP: &str = "ensurepip";

/// This machine's.
pub(crate) fn command() -> Command {
    Command::new("python3")
}

/// Runs Python to its end, its output shown.
pub(crate) fn run(python: &mut Command) -> Result<()> {
    shell::run(python, INSTALL)
}

/// Makes sure that it has a module, with which `what` is fetched; `otherwise` is how that is had without.
pub(crate) fn ready(module: &str, what: &str, otherwise: &str) -> Result<()> {
    has(command(), module, what, otherwise)
}

fn has(mut python: Command, module: &str, what: &str, otherwise: &str) -> Result<()> {
    let install = format!("{INSTALL}, with which {what} is fetched{otherwise}");
    let imported = python.args(["-c", &format!("import {module}")]).stdin(Stdio::null()).output();
    match imported {
        Ok(imported) if imported.status.success() => Ok(()),
        Ok(_) => bail!("python3 has no `{module}` module: {install}"),
        Err(error) => bail!("python3 cannot be run ({error}): {install}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_with_what_to_install() {
        let told = |python: &str| has(Command::new(python), ENSUREPIP, "joserfc", ", or do without");
        assert!(told("true").is_ok());
        for (python, words) in [("false", "no `ensurepip` module"), ("/no/such/python3", "cannot be run")] {
            let error = told(python).unwrap_err().to_string();
            for words in [words, "python3-pip python3-venv`, with which joserfc is fetched, or do without"] {
                assert!(error.contains(words), "{words}: {error}");
            }
        }
    }
}
