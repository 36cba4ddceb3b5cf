//! The store is asked, at a login or to confirm a session; its answer, or the lack of one, decides.

use std::rc::Rc;
use std::time::Duration;

use usher_policy::Reason;
use usher_policy::model::{Offline, Organization};
use usher_policy::rules::conclude::{Standing, conclude};
use usher_policy::rules::plan::Plan;
use usher_policy::wire::{Login, LoginAnswer};

use super::{Desk, Next, Visit};
use crate::clock::Now;
use crate::session::Session;
use crate::store_call::NoAnswer;

/// A request that goes on when the store has answered.
#[derive(Debug)]
pub(crate) struct ExpectStore {
    visit: Visit,
    login: Rc<Login>,
    expires_at: u64,
    asked_at: Duration,
    is_login: bool,
}

impl ExpectStore {
    /// A login is put to the store.
    pub(super) fn login(visit: Visit, login: Login, expires_at: u64, now: Now) -> Self {
        Self { visit, login: Rc::new(login), expires_at, asked_at: now.steady, is_login: true }
    }

    /// A session is to be confirmed: the same login is put to the store once more.
    pub(super) fn recheck(visit: Visit, session: &Session, now: Now) -> Self {
        let (login, expires_at) = (Rc::clone(&session.login), session.expires_at);
        Self { visit, login, expires_at, asked_at: now.steady, is_login: false }
    }

    /// The organization that is asked about.
    pub(crate) fn organization(&self) -> &Organization {
        &self.visit.organization
    }

    /// What is put to the store.
    pub(crate) fn body(&self) -> &Login {
        &self.login
    }

    /// Whether this is a login, not the confirmation of a session.
    pub(crate) fn is_login(&self) -> bool {
        self.is_login
    }

    /// When the store was asked, on the steady clock.
    pub(crate) fn asked_at(&self) -> Duration {
        self.asked_at
    }

    /// The store has answered, or will not.
    pub(crate) fn answered(self, answer: Result<LoginAnswer, NoAnswer>, desk: &mut Desk<'_>) -> Next {
        let concluded = match answer {
            Ok(answer) => conclude(&self.visit.organization, &self.login.plan, &self.login.subject, &answer),
            Err(_) => Err(reason_without_answer(&self.login.plan)),
        };
        match concluded {
            Ok(standing) => self.let_in(standing, desk),
            Err(Reason::StoreUnavailable) => match self.kept_standing(desk) {
                Some(standing) => self.visit.admit(&standing, false, desk),
                // The session stays: the next request asks again, and until then nobody passes.
                None => self.visit.deny(Reason::StoreUnavailable),
            },
            Err(reason) => {
                desk.sessions.end(&self.visit.organization.id, &self.visit.credential.bytes);
                self.visit.deny(reason)
            }
        }
    }

    fn let_in(self, standing: Standing, desk: &mut Desk<'_>) -> Next {
        let is_login = self.is_login;
        let (organization, credential) = (&self.visit.organization.id, &self.visit.credential.bytes);
        // What the answer to another request has ended or changed meanwhile, an older question does not bring back.
        let is_newest = match desk.sessions.find(organization, credential, desk.now) {
            Some(session) => session.confirmed_at <= self.asked_at,
            None => is_login,
        };
        let standing = Rc::new(standing);
        if is_newest && desk.now.unix_secs() < self.expires_at {
            let session = Session {
                standing: Rc::clone(&standing),
                login: Rc::clone(&self.login),
                expires_at: self.expires_at,
                // What the store said was true when it answered, which is no earlier than when it was asked.
                confirmed_at: self.asked_at,
            };
            desk.tally.session_evicted = desk.sessions.remember(organization, credential, session);
        }
        self.visit.admit(&standing, is_login, desk)
    }

    /// `sessions.offline`: the standing of a live session that goes on while the store cannot be asked.
    fn kept_standing(&self, desk: &mut Desk<'_>) -> Option<Rc<Standing>> {
        let Offline::Keep(longest) = desk.policy.sessions.offline else { return None };
        if self.is_login {
            return None;
        }
        // As it is now: another request's answer may have changed or ended it since this one asked.
        let session = desk.sessions.find(&self.visit.organization.id, &self.visit.credential.bytes, desk.now)?;
        (desk.now.since(session.confirmed_at) <= longest).then(|| Rc::clone(&session.standing))
    }
}

/// A claim's own reason stands whatever the store would say; the removal waits for the next attempt (design §2, "Assignment").
fn reason_without_answer(plan: &Plan) -> Reason {
    match plan {
        Plan::Remove { reason: Reason::NotAssigned } => Reason::NotAssigned,
        Plan::Assign { .. } | Plan::Ensure { .. } | Plan::Remove { .. } | Plan::Require => Reason::StoreUnavailable,
    }
}
