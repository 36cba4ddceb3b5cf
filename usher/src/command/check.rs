//! `usher check`: is this policy file good?

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use usher_policy::file;

use super::Failure;
use crate::output::{print, tell};
use crate::policy_file::PolicyFile;

/// The arguments of `usher check`.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The policy file, YAML or JSON
    #[arg(value_name = "FILE")]
    policy: PathBuf,
}

impl Check {
    /// Tells faults and warnings on stderr, and a summary of a good file on stdout.
    ///
    /// # Errors
    /// The file cannot be read or has faults.
    pub(crate) fn run(&self) -> Result<ExitCode, Failure> {
        let PolicyFile { policy, .. } = PolicyFile::load(&self.policy)?;
        let name = self.policy.display();
        for warning in file::warnings(&policy) {
            tell(&format!("{name}: warning[{}]: {}: {}", warning.code, warning.path, warning.message));
        }
        let connections = policy.parents.iter().map(|parent| parent.connections.len()).sum();
        let summary = format!(
            "{name}: good: {}, {}, {}\n",
            count(policy.parents.len(), "parent"),
            count(policy.organizations.len(), "organization"),
            count(connections, "connection"),
        );
        print(&summary)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}
