//! What a reconciliation did, or would do: numbers in full, names up to a bound.

use std::sync::Arc;

use serde_json::{Value, json};
use usher_policy::id::OrganizationId;
use usher_policy::member::Member;
use usher_policy::model::Organization;

/// Most members whom the report names in one organization.
const MAX_NAMED: usize = 1_000;

/// What was done in all organizations, or would be.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// Whether nothing more is to be done, save what is held.
    pub(crate) done: bool,
    pub(crate) organizations: Vec<OrganizationReport>,
}

/// What was done in one organization.
#[derive(Clone, Debug)]
pub(crate) struct OrganizationReport {
    pub(crate) organization: OrganizationId,
    pub(crate) added: u64,
    pub(crate) changed: u64,
    pub(crate) removed: u64,
    /// Removals that wait for an operator's word.
    pub(crate) held: u64,
    /// Who, removals first; those who are held before all others.
    pub(crate) steps: Vec<Step>,
    /// How many more there are than are named.
    pub(crate) more: u64,
}

/// What becomes of one member.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) kind: Kind,
    pub(crate) before: Option<Member>,
    pub(crate) after: Option<Member>,
}

/// What kind of change it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Add,
    Change,
    /// A removal that waits.
    Hold,
    Remove,
}

impl Report {
    /// Nothing done yet.
    pub(super) fn begin(organizations: &[Arc<Organization>]) -> Self {
        let organizations = organizations.iter().map(|organization| OrganizationReport::nothing(&organization.id));
        Self { done: false, organizations: organizations.collect() }
    }

    /// The numbers, by organization, for the audit.
    pub(super) fn counts(&self) -> Value {
        let counts = self.organizations.iter().map(|report| {
            let OrganizationReport { added, changed, removed, held, .. } = report;
            let counts = json!({"added": added, "changed": changed, "removed": removed, "held": held});
            (report.organization.to_string(), counts)
        });
        Value::Object(counts.collect())
    }

    /// How many members were changed in any way.
    pub(super) fn touched(&self) -> u64 {
        self.organizations.iter().map(|report| report.added + report.changed + report.removed).sum()
    }
}

impl OrganizationReport {
    pub(super) fn nothing(organization: &OrganizationId) -> Self {
        Self {
            organization: organization.clone(),
            added: 0,
            changed: 0,
            removed: 0,
            held: 0,
            steps: Vec::new(),
            more: 0,
        }
    }

    /// Whether there is anything to do that does not wait for a word.
    pub(super) fn has_work(&self) -> bool {
        self.added + self.changed + self.removed > 0
    }

    /// Takes over from a plan who is held, before all others: what it said is true until the next.
    pub(super) fn hold(&mut self, plan: &Self) {
        let held = plan.steps.iter().filter(|step| step.kind == Kind::Hold);
        let done = self.steps.iter().filter(|step| step.kind != Kind::Hold);
        self.steps = held.chain(done).take(MAX_NAMED).cloned().collect();
        self.held = plan.held;
        let named = u64::try_from(self.steps.len()).unwrap_or(u64::MAX);
        self.more = (self.added + self.changed + self.removed + self.held).saturating_sub(named);
    }

    /// Tells one more.
    pub(super) fn push(&mut self, step: Step) {
        match step.kind {
            Kind::Add => self.added += 1,
            Kind::Change => self.changed += 1,
            Kind::Hold => self.held += 1,
            Kind::Remove => self.removed += 1,
        }
        if self.steps.len() < MAX_NAMED {
            self.steps.push(step);
        } else {
            self.more += 1;
        }
    }
}

impl Step {
    /// What this is, by who was there before and is there after.
    pub(in crate::membership) fn new(before: Option<Member>, after: Option<Member>) -> Self {
        let kind = match (&before, &after) {
            (_, None) => Kind::Remove,
            (None, Some(_)) => Kind::Add,
            (Some(_), Some(_)) => Kind::Change,
        };
        Self { kind, before, after }
    }

    /// A removal that waits.
    pub(super) fn held(member: Member) -> Self {
        Self { kind: Kind::Hold, before: Some(member), after: None }
    }
}

#[cfg(test)]
mod tests {
    use usher_policy::id::{Email, MemberId, OrganizationId, Role};
    use usher_policy::member::{Member, Source};

    use super::{Kind, MAX_NAMED, OrganizationReport, Step};

    #[test]
    fn numbers_are_whole_and_names_are_bounded() {
        let id = OrganizationId::new("acme");
        let email = Email::parse("ada@acme.example").unwrap();
        let member = Member::new(MemberId::new("1"), id.clone(), email, Role::new("user"), Source::Scim, 0);
        let mut report = OrganizationReport::nothing(&id);
        report.push(Step::held(member.clone()));
        assert!(!report.has_work());
        for _ in 0..MAX_NAMED {
            report.push(Step::new(Some(member.clone()), None));
        }
        report.push(Step::new(None, Some(member.clone())));
        report.push(Step::new(Some(member.clone()), Some(member)));
        assert_eq!((report.added, report.changed, report.removed, report.held), (1, 1, MAX_NAMED as u64, 1));
        assert_eq!((report.steps.len(), report.more), (MAX_NAMED, 3));
        assert_eq!(report.steps[0].kind, Kind::Hold);
        assert!(report.has_work());

        let mut plan = OrganizationReport::nothing(&id);
        report.hold(&plan);
        assert_eq!((report.held, report.steps.len(), report.more), (0, MAX_NAMED - 1, 3));
        assert_eq!(report.steps[0].kind, Kind::Remove);
        for _ in 0..2 {
            plan.push(Step::held(report.steps[0].before.clone().unwrap()));
        }
        report.hold(&plan);
        assert_eq!((report.held, report.steps.len(), report.more), (2, MAX_NAMED, 4));
        assert_eq!(report.steps[1].kind, Kind::Hold);
    }
}
