//! What a change of the directory did to memberships: who was changed, whose removal waits, and what follows from it.

use std::collections::HashSet;
use std::sync::Arc;

use usher_policy::id::{Email, MemberId};
use usher_policy::member::{Member, Status};
use usher_policy::model::Organization;
use usher_policy::rules::effects::{Change, Effects, Note};

use super::effects;
use super::waiting::Waiting;
use crate::audit::Cause;

/// What a change of the directory did to the members of one organization.
#[derive(Debug)]
pub(crate) struct Followed {
    pub(crate) organization: Arc<Organization>,
    /// Members as they were and as they became, in the order in which it was written.
    pub(super) done: Vec<Done>,
    /// Members whose removal waits for an operator's word.
    pub(super) held: Vec<Member>,
    pub(super) notes: Vec<(Note, Option<Member>)>,
    /// After whom to go on among those who wait, where more were looked at than fit into one go.
    pub(super) looked_at: Option<Option<Waiting>>,
}

/// What was written about one member: nobody before is an addition, nobody after a removal.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) before: Option<Member>,
    pub(super) after: Option<Member>,
}

/// A change of the directory: what memberships follow.
#[derive(Clone, Copy)]
pub(crate) struct Following<'a> {
    pub(crate) cause: &'a Cause,
    /// What was done: `user_changed` …
    pub(crate) action: &'static str,
    pub(crate) guarded: Guarded,
}

/// How many removals there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guarded {
    /// Any: users who were deactivated or deleted are never held.
    No,
    /// None at all: whose membership would end is left as they are.
    Never,
    /// As many as the organization's guards allow, else none (design §2, "Guards").
    Yes,
}

/// What is to be written for one user, and the member whom it is about, as they were read.
#[derive(Debug, Default)]
pub(super) struct Decided {
    pub(super) effects: Effects,
    pub(super) before: Option<Member>,
}

impl Followed {
    pub(super) fn nothing(organization: &Arc<Organization>) -> Self {
        let (done, held, notes) = (Vec::new(), Vec::new(), Vec::new());
        Self { organization: Arc::clone(organization), done, held, notes, looked_at: None }
    }

    /// Emails that members had and no member has any more, or none whom a user of the directory entitles: an owner who was
    /// kept is the next user's with the email.
    pub(crate) fn freed_emails(&self) -> Vec<Email> {
        let after = self.done.iter().filter_map(|done| done.after.as_ref());
        let entitled = after.filter(|after| after.directory_user.is_some());
        let kept: HashSet<_> = entitled.map(|after| after.email.key()).collect();
        let before = self.done.iter().filter_map(|done| done.before.as_ref());
        before.map(|before| &before.email).filter(|email| !kept.contains(&email.key())).cloned().collect()
    }

    /// Who became an owner: who was kept as the last one is not the last any more.
    pub(crate) fn new_owners(&self) -> HashSet<MemberId> {
        let owns = |member: &Option<Member>| {
            let top_role = self.organization.top_role();
            member.as_ref().is_some_and(|member| member.status == Status::Active && member.role == *top_role)
        };
        let new = self.done.iter().filter(|done| owns(&done.after) && !owns(&done.before));
        new.filter_map(|done| done.after.as_ref()).map(|member| member.id.clone()).collect()
    }

    /// Whether this is a removal where removals wait.
    pub(super) fn holds(&self, decided: &Decided, following: Following<'_>) -> bool {
        let wait = !self.held.is_empty() || following.guarded == Guarded::Never;
        wait && decided.removal().is_some()
    }
}

impl Decided {
    pub(super) fn is_nothing(&self) -> bool {
        effects::is_nothing(&self.effects) && self.effects.notes.is_empty()
    }

    /// The member who is to be removed.
    pub(super) fn removal(&self) -> Option<&Member> {
        match &self.effects.change {
            Some(Change::Remove(member)) => Some(member),
            _ => None,
        }
    }
}
