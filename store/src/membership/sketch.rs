//! One organization as it will be once what is decided so far is done; pure, and no larger than that.

use std::collections::HashMap;
use std::sync::Arc;

use usher_policy::id::{Email, MemberId, Tier};
use usher_policy::member::{Member, Status};
use usher_policy::model::Organization;
use usher_policy::rules::directory::Facts;
use usher_policy::rules::effects::{Change, Effects};
use usher_policy::rules::seats::Taken;

use super::sync::Step;

/// An organization, drawn over what the database holds.
#[derive(Clone)]
pub(super) struct Sketch {
    organization: Arc<Organization>,
    /// Active members with the top role.
    owners: u32,
    taken: HashMap<Tier, u32>,
    /// Members who will be others than they were read; `None` will be gone.
    touched: HashMap<MemberId, Option<Member>>,
    /// Whose an email will be, by its key, where it will be another's than was read.
    emails: HashMap<String, MemberId>,
    planned: u64,
    /// Unix seconds.
    now: u64,
}

impl Sketch {
    /// Nothing planned yet: counts as they were read.
    pub(super) fn new(organization: &Arc<Organization>, owners: u32, taken: &Taken, now: u64) -> Self {
        let seats = organization.seats.iter().flat_map(|seats| &seats.tiers);
        let taken = seats.map(|seat| (seat.tier.clone(), taken.of(&seat.tier))).collect();
        let (touched, emails) = (HashMap::new(), HashMap::new());
        Self { organization: Arc::clone(organization), owners, taken, touched, emails, planned: 0, now }
    }

    /// What the rules need to know. `member` is whom the user entitles and `by_email` who has this email, as they were read.
    pub(super) fn facts(&self, member: Option<&Member>, email: Option<&Email>, by_email: Option<&Member>) -> Facts {
        Facts {
            member: member.and_then(|member| self.now(member)),
            by_email: email.and_then(|email| self.with_email(email, by_email)),
            // Decides nothing but from when on old assertions are refused.
            ticket: None,
            active_owners: self.owners,
            taken: self.taken(),
            new_id: MemberId::new(format!("planned {}", self.planned)),
            now: self.now,
        }
    }

    /// Seats taken.
    pub(super) fn taken(&self) -> Taken {
        Taken::new(self.taken.iter().map(|(tier, taken)| (tier.clone(), *taken)).collect())
    }

    /// A member who was read, as they will be.
    pub(super) fn now(&self, member: &Member) -> Option<Member> {
        self.touched.get(&member.id).map_or_else(|| Some(member.clone()), Option::clone)
    }

    /// Draws what a decision writes; nothing where it changes nobody's record.
    pub(super) fn draw(&mut self, effects: &Effects, facts: &Facts) -> Option<Step> {
        let (before, after) = match effects.change.clone()? {
            Change::Create(member) => (None, Some(member)),
            Change::Remove(member) => (Some(member), None),
            Change::Update(member) => {
                let read = [&facts.member, &facts.by_email].into_iter().flatten();
                (read.into_iter().find(|before| before.id == member.id).cloned(), Some(member))
            }
        };
        self.planned += 1;
        if let Some(before) = &before {
            self.owners -= u32::from(self.owns(before)).min(self.owners);
            if let Some(taken) = before.seat_tier.as_ref().and_then(|tier| self.taken.get_mut(tier)) {
                *taken = taken.saturating_sub(1);
            }
            self.touched.insert(before.id.clone(), after.clone());
        }
        if let Some(after) = &after {
            self.owners += u32::from(self.owns(after));
            if let Some(tier) = &after.seat_tier {
                *self.taken.entry(tier.clone()).or_default() += 1;
            }
            self.touched.insert(after.id.clone(), Some(after.clone()));
            self.emails.insert(after.email.key(), after.id.clone());
        }
        Some(Step::new(before, after))
    }

    fn owns(&self, member: &Member) -> bool {
        member.status == Status::Active && member.role == *self.organization.top_role()
    }

    /// Who will have an email that `read` had when it was read.
    fn with_email(&self, email: &Email, read: Option<&Member>) -> Option<Member> {
        let planned = self.emails.get(&email.key()).and_then(|id| self.touched.get(id)).cloned().flatten();
        let has_it = |member: &Member| member.email == *email;
        planned.filter(has_it).or_else(|| read.and_then(|member| self.now(member)).filter(has_it))
    }
}
