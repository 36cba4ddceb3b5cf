//! A policy that must not be had: the faults for which it must be refused when it loads.

use anyhow::{Result, bail, ensure};
use usher_policy::file::{self, Fault};

use crate::{Scenario, policy};

/// A fault that a policy must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The field, as in a [`Fault`].
    pub field: String,
    /// Words of the message.
    pub says: String,
}

impl Refused {
    fn is(&self, fault: &Fault) -> bool {
        fault.path == self.field && fault.message.contains(&self.says)
    }
}

/// Loads the policy of a scenario that must be refused.
///
/// # Errors
/// It is not refused, or for something else: what was written (`-`) and what was found (`+`), where they differ.
pub fn check(scenario: &Scenario) -> Result<()> {
    let document = policy::fill_in_keys(&scenario.policy, None)?;
    let Err(faults) = file::from_json(document.to_string().as_bytes()) else {
        bail!("the policy is not refused");
    };
    let written = scenario.refused.iter().filter(|refused| !faults.iter().any(|fault| refused.is(fault)));
    let found = faults.iter().filter(|fault| !scenario.refused.iter().any(|refused| refused.is(fault)));
    let difference: Vec<String> = written
        .map(|Refused { field, says }| format!("- {field}: {says}"))
        .chain(found.map(|fault| format!("+ {fault}")))
        .collect();
    ensure!(difference.is_empty(), "the policy is refused for something else\n{}", difference.join("\n"));
    Ok(())
}
