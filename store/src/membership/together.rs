//! Many users of a directory and their memberships in one organization: read together, decided one after the other.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use usher_policy::id::{DirectoryUserId, OrganizationId};
use usher_policy::member::Member;
use usher_policy::model::Organization;
use usher_policy::rules::directory::{DirectoryUser, Facts, decide};
use usher_policy::rules::effects::{Change, Effects, Note};

use super::followed::Decided;
use super::sketch::Sketch;
use super::{effects, new_id, seats};
use crate::database::{DatabaseError, Snapshot, Transaction};

/// Whom users entitle, and who has their emails.
pub(super) struct Memberships {
    by_user: HashMap<DirectoryUserId, Member>,
    by_email: HashMap<String, Member>,
}

impl Memberships {
    /// Reads them, in a few statements for however many users; who writes locks the records.
    pub(super) async fn of(
        read: &mut dyn Snapshot,
        organization: &OrganizationId,
        users: &[DirectoryUser],
    ) -> Result<Self, DatabaseError> {
        let ids: Vec<_> = users.iter().map(|user| user.id.to_string()).collect();
        let emails: Vec<_> = users.iter().filter_map(|user| user.email.clone()).collect();
        let entitled = read.members_of_directory_users(organization, &ids).await?;
        let with_emails = read.members_with_emails(organization, &emails).await?;
        let by_user = entitled.into_iter().filter_map(|member| Some((member.directory_user.clone()?, member)));
        let by_email = with_emails.into_iter().map(|member| (member.email.key(), member));
        Ok(Self { by_user: by_user.collect(), by_email: by_email.collect() })
    }

    /// The member whom a user entitles.
    pub(super) fn entitled(&self, user: &DirectoryUser) -> Option<&Member> {
        self.by_user.get(&user.id)
    }

    /// The member with a user's email.
    pub(super) fn with_email(&self, user: &DirectoryUser) -> Option<&Member> {
        user.email.as_ref().and_then(|email| self.by_email.get(&email.key()))
    }
}

/// In which order users are decided: as they come, but for an owner who would be kept as the last one. Of those who come after,
/// one may become an owner.
pub(super) struct Turns<'a> {
    users: std::slice::Iter<'a, DirectoryUser>,
    put_off: VecDeque<&'a DirectoryUser>,
    is_second: bool,
}

impl<'a> Turns<'a> {
    pub(super) fn of(users: &'a [DirectoryUser]) -> Self {
        Self { users: users.iter(), put_off: VecDeque::new(), is_second: false }
    }

    pub(super) fn next(&mut self) -> Option<&'a DirectoryUser> {
        self.users.next().or_else(|| {
            self.is_second = true;
            self.put_off.pop_front()
        })
    }

    /// Whether a user is decided once more when all others have been.
    pub(super) fn put_off(&mut self, user: &'a DirectoryUser, effects: &Effects) -> bool {
        let waits = !self.is_second && effects.notes.contains(&Note::LastOwner);
        self.put_off.extend(waits.then_some(user));
        waits
    }
}

/// Decisions about many users, each of which sees what those before it did to seats, owners and emails.
pub(super) struct Together<'a> {
    organization: &'a Arc<Organization>,
    memberships: Memberships,
    sketch: Sketch,
    now: Duration,
}

impl<'a> Together<'a> {
    /// Reads what the rules need to know of all of them.
    pub(super) async fn read(
        transaction: &mut dyn Transaction,
        organization: &'a Arc<Organization>,
        users: &[DirectoryUser],
        now: Duration,
    ) -> Result<Self, DatabaseError> {
        let memberships = Memberships::of(transaction, &organization.id, users).await?;
        // All of them, for as many may lose the role here.
        let owners = transaction.holders(&organization.id, organization.top_role()).await?;
        let taken = seats::taken(transaction, organization).await?;
        let sketch = Sketch::new(organization, owners, &taken, now.as_secs());
        Ok(Self { organization, memberships, sketch, now })
    }

    /// What becomes of one of the users, save from when on old assertions are refused.
    pub(super) fn decide(&self, user: &DirectoryUser) -> Effects {
        self.decide_on(user).1
    }

    /// Who will be removed, once all of them have had their turn: nothing has been done yet.
    pub(super) fn removals(&mut self, users: &[DirectoryUser]) -> Vec<Member> {
        let (before, mut removals) = (self.sketch.clone(), Vec::new());
        let mut turns = Turns::of(users);
        while let Some(user) = turns.next() {
            let (facts, effects) = self.decide_on(user);
            if turns.put_off(user, &effects) {
                continue;
            }
            self.sketch.draw(&effects, &facts);
            if let Some(Change::Remove(member)) = effects.change {
                removals.push(member);
            }
        }
        self.sketch = before;
        removals
    }

    /// What is to be written for one of the users. What is done of it is to be told to [`Together::done`].
    pub(super) async fn decided(
        &self,
        transaction: &mut dyn Transaction,
        user: &DirectoryUser,
    ) -> Result<(Decided, Facts), DatabaseError> {
        let (mut facts, mut effects) = self.decide_on(user);
        if let Some((identity, _)) = &effects.ticket {
            facts.ticket = transaction.ticket(&self.organization.id, identity).await?;
            effects = decide(self.organization, user, &facts);
        }
        let before = effects::concerned(&effects, [facts.member.as_ref(), facts.by_email.as_ref()]).cloned();
        Ok((Decided { effects, before }, facts))
    }

    /// A decision was carried out.
    pub(super) fn done(&mut self, decided: &Decided, facts: &Facts) {
        self.sketch.draw(&decided.effects, facts);
    }

    fn decide_on(&self, user: &DirectoryUser) -> (Facts, Effects) {
        let (member, by_email) = (self.memberships.entitled(user), self.memberships.with_email(user));
        let facts = self.sketch.facts(member, user.email.as_ref(), by_email);
        let facts = Facts { new_id: new_id(self.now), ..facts };
        let effects = match member.is_none() && !user.active {
            true => Effects::default(),
            false => decide(self.organization, user, &facts),
        };
        (facts, effects)
    }
}
