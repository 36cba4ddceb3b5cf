//! The steps of a walk, and what they lead to.

use serde::Serialize;
use serde_json::Value;
use usher_policy::Reason;
use usher_policy::id::{OrganizationId, Role, Tier};
use usher_policy::rules::conclude::Standing;
use usher_policy::rules::plan::Plan;

/// What becomes of a request and why. Its JSON is the command's.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Explanation {
    /// Allow or deny.
    pub(crate) verdict: Verdict,
    /// Why it is denied.
    pub(crate) reason: Option<Reason>,
    /// The organization that the request is for, where it is for one.
    pub(crate) organization: Option<OrganizationId>,
    /// The role, as far as the walk came to know it.
    pub(crate) role: Option<Role>,
    /// The seat tier, likewise.
    pub(crate) seat_tier: Option<Tier>,
    /// What the store was asked to do.
    pub(crate) plan: Option<Plan>,
    /// Every step, in order.
    pub(crate) steps: Vec<Step>,
    /// The id of the request, where a line of a log told it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) request_id: Option<String>,
    /// What the reason means, how to find out more and how to fix it, where somebody was turned away.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) next: Vec<Advice>,
}

/// One thing to know or to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Advice {
    /// `means`, `find_out`, `mend` or `at_provider`.
    pub(crate) about: &'static str,
    /// In words.
    pub(crate) text: String,
    /// Commands for it, ready for a shell.
    pub(crate) commands: Vec<String>,
}

/// Allow or deny.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Allow,
    Deny,
}

/// One step in plain words.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Step {
    /// Its name.
    pub(crate) step: &'static str,
    /// What came of it.
    pub(crate) detail: String,
    /// The same for tools, where there is more to it than words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) facts: Option<Value>,
}

/// What a step found: words for people, and facts for tools.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    pub(super) detail: String,
    pub(super) facts: Option<Value>,
}

impl Told {
    /// Words that say it all.
    pub(super) fn plain(detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), facts: None }
    }

    /// Words, and the facts behind them.
    pub(super) fn with(detail: impl Into<String>, facts: Value) -> Self {
        Self { detail: detail.into(), facts: Some(facts) }
    }
}

/// A walk so far.
#[derive(Debug, Default)]
pub(super) struct Trace {
    organization: Option<OrganizationId>,
    role: Option<Role>,
    seat_tier: Option<Tier>,
    plan: Option<Plan>,
    steps: Vec<Step>,
}

impl Trace {
    pub(super) fn step(&mut self, step: &'static str, told: Told) {
        self.steps.push(Step { step, detail: told.detail, facts: told.facts });
    }

    pub(super) fn organization(&mut self, organization: &OrganizationId) {
        self.organization = Some(organization.clone());
    }

    pub(super) fn plan(&mut self, plan: &Plan) {
        self.plan = Some(plan.clone());
    }

    pub(super) fn standing(&mut self, standing: &Standing) {
        self.role = Some(standing.role().clone());
        self.seat_tier = standing.seat_tier().cloned();
    }

    pub(super) fn allow(self) -> Explanation {
        self.end(Verdict::Allow, None)
    }

    pub(super) fn deny(mut self, step: &'static str, reason: Reason) -> Explanation {
        self.step(step, Told::plain(format!("denied: {reason} ({})", reason.title())));
        self.end(Verdict::Deny, Some(reason))
    }

    fn end(self, verdict: Verdict, reason: Option<Reason>) -> Explanation {
        let Self { organization, role, seat_tier, plan, steps } = self;
        Explanation { verdict, reason, organization, role, seat_tier, plan, steps, request_id: None, next: Vec::new() }
    }
}
