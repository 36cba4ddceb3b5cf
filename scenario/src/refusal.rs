//! A policy that must not be had: the faults for which it must be refused when it loads.

use anyhow::{Result, bail};
use serde_json::{Map, Value, json};
use usher_policy_file::Fault;

use crate::play::Failed;
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

/// Loads the policy of a scenario that must be refused; what it is refused for, where that is not what was written.
///
/// # Errors
/// It is not refused at all.
pub fn check(scenario: &Scenario) -> Result<Option<Failed>> {
    let document = policy::fill_in_keys(&scenario.policy, None)?;
    let Err(faults) = usher_policy_file::from_json(document.to_string().as_bytes()) else {
        bail!("the policy is not refused");
    };
    let seen = seen(&scenario.refused, &faults);
    Ok((seen != scenario.refused).then(|| Failed {
        step: None,
        line: scenario.line,
        title: "the policy is refused for something else".to_owned(),
        expected: fields(&scenario.refused),
        seen: fields(&seen),
        told: Vec::new(),
    }))
}

/// The faults in the words of what was written: what holds stands as it is, and in the place of what does not stands what
/// was not expected.
fn seen(written: &[Refused], faults: &[Fault]) -> Vec<Refused> {
    let unexpected = faults.iter().filter(|fault| !written.iter().any(|refused| refused.is(fault)));
    let mut unexpected = unexpected.map(|fault| Refused { field: fault.path.clone(), says: fault.message.clone() });
    let mut seen = Vec::new();
    for refused in written {
        let holds = faults.iter().any(|fault| refused.is(fault));
        seen.extend(if holds { Some(refused.clone()) } else { unexpected.next() });
    }
    seen.extend(unexpected);
    seen
}

fn fields(refused: &[Refused]) -> Map<String, Value> {
    let list = refused.iter().map(|Refused { field, says }| json!({"field": field, "says": says}));
    Map::from_iter([("refused".to_owned(), list.collect())])
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
        match check(&scenario) {
            Ok(None) => Ok(()),
            Ok(Some(failed)) => Err(failed.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_policy_must_have_these_faults_and_no_others() {
        let domains = ("parents[0].domains", "must not be empty");
        let seen = r#"+ - {field: "parents[0].domains", says: "must not be empty"}"#;
        assert_eq!(checked("team", &[domains]), Ok(()));
        let other_field = checked("team", &[("parents[0].plan", "must not be empty")]).unwrap_err();
        let written = r#"- - {field: "parents[0].plan", says: "must not be empty"}"#;
        assert!(other_field.contains(&format!("\n{written}\n{seen}\n")), "{other_field}");
        let other_words = checked("team", &[("parents[0].domains", "public")]).unwrap_err();
        let written = r#"- - {field: "parents[0].domains", says: public}"#;
        assert!(other_words.contains(&format!("\n{written}\n{seen}\n")), "{other_words}");
        let one_more = checked("gold", &[domains]).unwrap_err();
        assert!(one_more.contains("\n+ - {field: \"parents[0].plan\", says: \"unknown plan"), "{one_more}");
        assert!(!one_more.contains("\n- ") && !one_more.contains(seen), "{one_more}");
        let one_less = checked("team", &[("parents[0].plan", "gold"), domains]).unwrap_err();
        assert!(one_less.contains("\n- - ") && !one_less.contains("\n+ "), "{one_less}");
    }
}
