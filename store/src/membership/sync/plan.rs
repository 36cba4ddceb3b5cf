//! What is to be done so that memberships are what directory and policy say, found on one snapshot: removals first, then
//! changes, then additions, a free seat always to the one pending longest.

use std::collections::HashSet;
use std::mem;
use std::sync::Arc;

use usher_policy::id::{MemberId, ParentId};
use usher_policy::member::Member;
use usher_policy::model::Organization;
use usher_policy::rules::directory::{DirectoryUser, Facts, decide, end_unknown, grant, is_held, reseat};
use usher_policy::rules::effects::{Change, Effects};

use super::report::{OrganizationReport, Step};
use crate::database::{DatabaseError, Place, Snapshot};
use crate::membership::directory::{users_of, with_groups};
use crate::membership::seats;
use crate::membership::sketch::Sketch;
use crate::membership::together::Memberships;
use crate::membership::waiting::is_any_free;
use crate::scim::{Lookup, ResourceType};

/// How many users or members are read at once.
const PAGE: u32 = 500;

/// Most users and members of one organization whom one plan concerns; the next plan goes on.
const MAX_CONCERNED: usize = 250_000;

/// Most who wait for a seat and are looked at in one plan.
const MAX_WAITING: usize = 50_000;

/// What is to be done in one organization.
pub(super) struct Plan {
    pub(super) organization: Arc<Organization>,
    pub(super) removals: Vec<Target>,
    pub(super) changes: Vec<Target>,
    pub(super) additions: Vec<Target>,
    /// Whether free seats go to those who wait.
    pub(super) gives_seats: bool,
    /// The same, as it is told.
    pub(super) report: OrganizationReport,
}

/// Whose membership it is: looked at again when it is done, for much can have happened since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A member whom no user of the directory entitles.
    Unentitled(MemberId),
    /// A user of the directory, by the SCIM `id`.
    User(String),
}

/// Plans for all these organizations of a parent. With `confirmed`, no removal waits. `now` is in Unix seconds.
pub(super) async fn plan(
    read: &mut dyn Snapshot,
    parent: &ParentId,
    organizations: &[Arc<Organization>],
    confirmed: bool,
    now: u64,
) -> Result<Vec<Plan>, DatabaseError> {
    let mut drafts = Vec::with_capacity(organizations.len());
    for organization in organizations {
        drafts.push(Draft::begin(read, organization, now).await?);
    }
    let mut after = Place::default();
    loop {
        let page = read.resources(parent, ResourceType::User, &Lookup::All, after, PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        after = *last;
        let page: Vec<_> = page.into_iter().map(|(_, user)| user).collect();
        let users = with_groups(read, parent, &page).await?;
        for draft in &mut drafts {
            draft.look_at(read, &users).await?;
        }
    }
    let mut plans = Vec::with_capacity(drafts.len());
    for draft in drafts {
        plans.push(draft.settle(read, confirmed).await?);
    }
    Ok(plans)
}

/// A plan in the making: who may be concerned, as they were read.
struct Draft {
    organization: Arc<Organization>,
    sketch: Sketch,
    removals: Vec<Candidate>,
    changes: Vec<Candidate>,
    additions: Vec<Candidate>,
    /// Members whom a user of the directory takes over by their email.
    adopted: HashSet<MemberId>,
}

/// Somebody whose membership may have to change.
struct Candidate {
    target: Target,
    /// Nobody, where the directory never knew the member.
    user: Option<DirectoryUser>,
    member: Option<Member>,
    by_email: Option<Member>,
}

impl Candidate {
    fn unentitled(member: Member) -> Self {
        let user = member.directory_user.clone().map(DirectoryUser::gone);
        Self { target: Target::Unentitled(member.id.clone()), user, member: Some(member), by_email: None }
    }

    fn facts(&self, sketch: &Sketch) -> Facts {
        let email = self.user.as_ref().and_then(|user| user.email.as_ref());
        sketch.facts(self.member.as_ref(), email, self.by_email.as_ref())
    }

    /// What is to be done about them, on these facts.
    fn decide(&self, organization: &Organization, facts: &Facts) -> Effects {
        match (&self.user, &facts.member) {
            (Some(user), _) => decide(organization, user, facts),
            (None, Some(member)) => end_unknown(organization, member, facts),
            (None, None) => Effects::default(),
        }
    }

    /// Draws what is to be done about them.
    fn draw(&self, organization: &Organization, sketch: &mut Sketch) -> Option<Step> {
        let facts = self.facts(sketch);
        sketch.draw(&self.decide(organization, &facts), &facts)
    }
}

impl Draft {
    async fn begin(read: &mut dyn Snapshot, organization: &Arc<Organization>, now: u64) -> Result<Self, DatabaseError> {
        let owners = read.holders(&organization.id, organization.top_role()).await?;
        let taken = seats::taken(read, organization).await?;
        Ok(Self {
            organization: Arc::clone(organization),
            sketch: Sketch::new(organization, owners, &taken, now),
            removals: Vec::new(),
            changes: Vec::new(),
            additions: Vec::new(),
            adopted: HashSet::new(),
        })
    }

    /// Sorts out for whom of these users something may have to be done. What exactly is decided when all are known.
    async fn look_at(&mut self, read: &mut dyn Snapshot, users: &[DirectoryUser]) -> Result<(), DatabaseError> {
        let memberships = Memberships::of(read, &self.organization.id, users).await?;
        for user in users {
            let member = memberships.entitled(user).cloned();
            if member.is_none() && !user.active {
                continue;
            }
            let by_email = memberships.with_email(user).cloned();
            let target = Target::User(user.id.to_string());
            self.sort(Candidate { target, user: Some(user.clone()), member, by_email });
        }
        Ok(())
    }

    /// However many are concerned already, who is taken over is known: nobody of them is to be removed as unknown.
    fn sort(&mut self, candidate: Candidate) {
        let facts = candidate.facts(&self.sketch);
        let change = candidate.decide(&self.organization, &facts).change;
        if let Some(Change::Update(member)) = &change {
            self.adopted.insert(member.id.clone());
        }
        if self.is_full() {
            return;
        }
        match change {
            Some(Change::Create(_)) => self.additions.push(candidate),
            Some(Change::Remove(_)) => self.removals.push(candidate),
            Some(Change::Update(_)) => self.changes.push(candidate),
            // A seat that is freed by others may be the one that they have waited for.
            None if self.wants_another_seat(&candidate) => self.changes.push(candidate),
            None => {}
        }
    }

    fn wants_another_seat(&self, candidate: &Candidate) -> bool {
        let granted = candidate.user.as_ref().and_then(|user| grant(&self.organization, user));
        let mapped = granted.and_then(|grant| grant.seat_tier);
        mapped.is_some() && candidate.member.as_ref().is_some_and(|member| member.seat_tier != mapped)
    }

    fn is_full(&self) -> bool {
        self.removals.len() + self.changes.len() + self.additions.len() >= MAX_CONCERNED
    }

    /// Members whom no user of the directory entitles, and nobody takes over.
    async fn unentitled(&self, read: &mut dyn Snapshot) -> Result<Vec<Candidate>, DatabaseError> {
        let (mut candidates, mut after) = (Vec::new(), None);
        while candidates.len() < MAX_CONCERNED {
            let (parent, id) = (&self.organization.parent.id, &self.organization.id);
            let (members, last) = read.without_directory_user(parent, id, after.as_ref(), PAGE).await?;
            let left = members.into_iter().filter(|member| !self.adopted.contains(&member.id));
            candidates.extend(left.map(Candidate::unentitled));
            after = last;
            if after.is_none() {
                break;
            }
        }
        Ok(candidates)
    }

    /// Draws everything in the order in which it will be done.
    async fn settle(mut self, read: &mut dyn Snapshot, confirmed: bool) -> Result<Plan, DatabaseError> {
        let (removals, changes, additions) =
            (mem::take(&mut self.removals), mem::take(&mut self.changes), mem::take(&mut self.additions));
        let mut ending = removals;
        ending.extend(self.unentitled(read).await?);
        let mut report = OrganizationReport::nothing(&self.organization.id);
        let removals = self.end(read, &ending, confirmed, &mut report).await?;
        let mut gives_seats = self.give_seats(read, &mut report).await?;
        let changes = self.draw_all(&changes, &mut report);
        gives_seats |= self.give_seats(read, &mut report).await?;
        let additions = self.draw_all(&additions, &mut report);
        Ok(Plan { organization: self.organization, removals, changes, additions, gives_seats, report })
    }

    /// Draws memberships that end; all of them wait, where they are too many to go without an operator's word.
    async fn end(
        &mut self,
        read: &mut dyn Snapshot,
        ending: &[Candidate],
        confirmed: bool,
        report: &mut OrganizationReport,
    ) -> Result<Vec<Target>, DatabaseError> {
        let members = read.member_count(&self.organization.id).await?;
        let before = self.sketch.clone();
        let mut drawn = Vec::new();
        for candidate in ending {
            drawn.extend(candidate.draw(&self.organization, &mut self.sketch).map(|step| (&candidate.target, step)));
        }
        let removals = drawn.iter().filter(|(_, step)| step.after.is_none()).count();
        let removals = u32::try_from(removals).unwrap_or(u32::MAX);
        if confirmed || !is_held(&self.organization.guards, removals, members) {
            return Ok(told(drawn, report));
        }
        self.sketch = before;
        for (_, step) in drawn {
            // Owners who are kept when all others go: they are looked at again when the others went.
            if let (Some(member), None) = (step.before, step.after) {
                report.push(Step::held(member));
            }
        }
        Ok(Vec::new())
    }

    fn draw_all(&mut self, candidates: &[Candidate], report: &mut OrganizationReport) -> Vec<Target> {
        let mut drawn = Vec::new();
        for candidate in candidates {
            drawn.extend(candidate.draw(&self.organization, &mut self.sketch).map(|step| (&candidate.target, step)));
        }
        told(drawn, report)
    }

    /// Draws who of those who wait gets a free seat; whether anybody does.
    async fn give_seats(
        &mut self,
        read: &mut dyn Snapshot,
        report: &mut OrganizationReport,
    ) -> Result<bool, DatabaseError> {
        let (mut after, mut looked_at, mut gives) = (None, 0, false);
        while looked_at < MAX_WAITING && is_any_free(&self.organization, &self.sketch.taken()) {
            let last: Option<&(u64, MemberId)> = after.as_ref();
            let waiting = read.waiting(&self.organization.id, last.map(|(since, id)| (*since, id)), PAGE).await?;
            let Some(newest) = waiting.last() else { break };
            after = Some((newest.pending_since.unwrap_or_default(), newest.id.clone()));
            looked_at += waiting.len();
            let users = users_of(read, &self.organization.parent.id, &waiting).await?;
            for member in waiting {
                let user = member.directory_user.as_ref().and_then(|id| users.get(id));
                let facts = self.sketch.facts(Some(&member), None, None);
                let Some(member) = &facts.member else { continue };
                let effects = reseat(&self.organization, member, user, &facts);
                if let Some(step) = self.sketch.draw(&effects, &facts) {
                    report.push(step);
                    gives = true;
                }
            }
        }
        Ok(gives)
    }
}

/// Tells what was drawn; gives whom it is about.
fn told(drawn: Vec<(&Target, Step)>, report: &mut OrganizationReport) -> Vec<Target> {
    let tell = |(target, step): (&Target, Step)| {
        report.push(step);
        target.clone()
    };
    drawn.into_iter().map(tell).collect()
}
