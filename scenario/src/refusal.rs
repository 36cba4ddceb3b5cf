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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Refused, check};
    use crate::Scenario;

    fn checked(plan: &str, refused: &[(&str, &str)]) -> Result<(), String> {
        let policy: Value = json!({"version": 1, "parents": [{
            "id": "acme", "plan": plan, "domains": [],
            "connections": [{"id": "okta", "issuer": "https://acme.okta.example", "audiences": ["usher"]}],
        }]});
        let scenario = Scenario {
            file: "refused.yaml".into(),
            index: 0,
            line: 1,
            name: "no domain".to_owned(),
            only_envoy: None,
            policy,
            before: vec![],
            steps: vec![],
            refused: refused
                .iter()
                .map(|(field, says)| Refused { field: (*field).to_owned(), says: (*says).to_owned() })
                .collect(),
        };
        check(&scenario).map_err(|error| error.to_string())
    }

    #[test]
    fn a_policy_must_have_these_faults_and_no_others() {
        let domains = ("parents[0].domains", "must not be empty");
        assert_eq!(checked("team", &[domains]), Ok(()));
        let other_field = checked("team", &[("parents[0].plan", "must not be empty")]).unwrap_err();
        assert!(
            other_field.contains("\n- parents[0].plan: must not be empty\n+ parents[0].domains: "),
            "{other_field}"
        );
        let other_words = checked("team", &[("parents[0].domains", "public")]).unwrap_err();
        assert!(other_words.contains("\n- parents[0].domains: public\n+ parents[0].domains: "), "{other_words}");
        let one_more = checked("gold", &[domains]).unwrap_err();
        assert!(one_more.contains("\n+ parents[0].plan: ") && !one_more.contains("\n- "), "{one_more}");
    }
}
