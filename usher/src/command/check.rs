//! `usher check`: is this policy file good, and is it meant?

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};
use usher_policy_file::{Checked, Fault, Warning};

use super::Failure;
use crate::counted::counted;
use crate::output::{print, tell};
use crate::policy_file::{LoadError, PolicyFile};

/// The arguments of `usher check`.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The policy file, YAML or JSON
    #[arg(value_name = "FILE")]
    policy: PathBuf,
    /// Exit with 1 if there are warnings, too
    #[arg(long)]
    deny_warnings: bool,
    /// Print faults and warnings as JSON on stdout
    #[arg(long)]
    json: bool,
}

impl Check {
    /// Tells faults and warnings on stderr, and a summary of a good file on stdout; with `--json`, all of it on stdout.
    ///
    /// # Errors
    /// The file cannot be read or has faults.
    pub(crate) fn run(&self) -> Result<ExitCode, Failure> {
        let checked = match PolicyFile::check(&self.policy) {
            Err(LoadError::Faulty { faults, .. }) if self.json => {
                print(&document(&self.policy, &faults, &[]))?;
                return Ok(ExitCode::FAILURE);
            }
            checked => checked?,
        };
        if self.json {
            print(&document(&self.policy, &[], &checked.warnings))?;
        } else {
            for warning in &checked.warnings {
                tell(&line(&self.policy, warning));
            }
            print(&summary(&self.policy, &checked))?;
        }
        let denied = self.deny_warnings && !checked.warnings.is_empty();
        Ok(if denied { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

/// `file:line: warning[code]: path: message`; a line that is not known is left out.
fn line(file: &Path, warning: &Warning) -> String {
    let at = warning.line.map(|line| format!("{line}:")).unwrap_or_default();
    format!("{}:{at} warning[{}]: {}: {}", file.display(), warning.code, warning.path, warning.message)
}

fn summary(file: &Path, Checked { policy, warnings }: &Checked) -> String {
    let connections: usize = policy.parents.iter().map(|parent| parent.connections.len()).sum();
    let mut summary = format!(
        "{}: good: {}, {}, {}",
        file.display(),
        counted(policy.parents.len(), "parent"),
        counted(policy.organizations.len(), "organization"),
        counted(connections, "connection"),
    );
    if !warnings.is_empty() {
        summary.push_str(&format!(", {}", counted(warnings.len(), "warning")));
    }
    summary.push('\n');
    summary
}

/// What tools read: `{"file", "good", "faults": [{path, line, message}], "warnings": [{code, path, line, message}]}`.
fn document(file: &Path, faults: &[Fault], warnings: &[Warning]) -> String {
    let fault = |fault: &Fault| json!({"path": fault.path, "line": fault.line, "message": fault.message});
    let warning = |warning: &Warning| {
        json!({
            "code": warning.code.name(),
            "path": warning.path,
            "line": warning.line,
            "message": warning.message,
        })
    };
    let document = json!({
        "file": file.display().to_string(),
        "good": faults.is_empty(),
        "faults": faults.iter().map(fault).collect::<Vec<Value>>(),
        "warnings": warnings.iter().map(warning).collect::<Vec<Value>>(),
    });
    format!("{document:#}\n")
}
