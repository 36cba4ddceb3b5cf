//! The store is asked, at a login or to confirm a session; its answer, or the lack of one, decides.

use std::sync::Arc;
use std::time::Duration;

use usher_policy::Reason;
use usher_policy::id::{OrganizationId, ParentId};
use usher_policy::model::Organization;
use usher_policy::rules::conclude::{Standing, conclude};
use usher_policy::rules::plan::Plan;
use usher_policy::token::verify::VerifiedAssertion;
use usher_policy::wire::{Login, LoginAnswer, Position};

use super::{Desk, Next, Person, Visit};
use crate::clock::Now;
use crate::credential::Credential;
use crate::feed::Order;
use crate::keys::Tenure;
use crate::session::{Check, Session, Sessions};
use crate::store_call::NoAnswer;

/// A request that goes on when the store has answered.
#[derive(Debug)]
pub(crate) struct ExpectStore {
    visit: Visit,
    login: Box<Login>,
    expires_at: u64,
    asked_at: Duration,
    /// In which the assertion was verified.
    tenure: Tenure,
    is_login: bool,
    is_repeated: bool,
}

impl ExpectStore {
    /// A login is put to the store.
    pub(super) fn login(visit: Visit, login: Login, verified: &VerifiedAssertion, desk: &Desk<'_>) -> Self {
        let (login, asked_at) = (Box::new(login), desk.now.steady);
        let (expires_at, tenure) = (verified.expires_at(), desk.keys.tenure(verified.connection()));
        Self { visit, login, expires_at, asked_at, tenure, is_login: true, is_repeated: false }
    }

    /// A session, verified in the tenure that there is, is to be confirmed: the same login is put to the store once more.
    pub(super) fn recheck(visit: Visit, login: Login, verified: &VerifiedAssertion, desk: &Desk<'_>) -> Self {
        Self { is_login: false, ..Self::login(visit, login, verified, desk) }
    }

    fn deny(&self, reason: Reason) -> Next {
        self.visit.deny_person(Some(Person::of(&self.login)), reason)
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

    /// The parent whose turn it takes to ask. A session is checked at once: it is one question, and its time is told from when
    /// it was asked.
    pub(crate) fn turn_of(&self) -> Option<&ParentId> {
        self.is_login.then(|| &self.visit.organization.parent.id)
    }

    /// What is asked, where others may ask the same: a login is known by organization and credential. An answer is asked
    /// for again because that of an earlier question was too old.
    pub(crate) fn question(&self) -> Option<(OrganizationId, Credential)> {
        let can_join = self.is_login && !self.is_repeated;
        can_join.then(|| (self.visit.organization.id.clone(), self.visit.credential.clone()))
    }

    /// The same, waiting for what another request has asked at this time.
    pub(crate) fn asked_since(self, asked_at: Duration) -> Self {
        Self { asked_at, ..self }
    }

    /// The same, asked now.
    pub(crate) fn anew(self, now: Now) -> Self {
        Self { asked_at: now.steady, ..self }
    }

    /// When the store was asked, on the steady clock.
    pub(crate) fn asked_at(&self) -> Duration {
        self.asked_at
    }

    /// Nobody will ask about its session, which is over: the next request of its credential is a login.
    pub(crate) fn end_session(&self, sessions: &mut Sessions) {
        sessions.end(&self.visit.organization.id, &self.visit.credential.bytes);
    }

    /// The store has answered, or will not.
    pub(crate) fn answered(self, answer: Result<LoginAnswer, NoAnswer>, desk: &mut Desk<'_>) -> Next {
        let answer = match answer {
            Ok(answer) => answer,
            Err(why) => return self.unanswered(&why, desk),
        };
        match conclude(&self.visit.organization, &self.login, &answer) {
            // Whoever gives positions that cannot be read gives sessions that no change can reach.
            Ok(standing) => self.let_in(Arc::new(standing), answer.position.parse().ok().as_ref(), desk),
            Err(reason) => {
                self.end_session(desk.sessions);
                self.deny(reason)
            }
        }
    }

    fn let_in(self, standing: Arc<Standing>, position: Option<&Position>, desk: &mut Desk<'_>) -> Next {
        let is_login = self.is_login;
        let (organization, credential) = (&self.visit.organization.id, &self.visit.credential.bytes);
        let order = desk.follow.order(position, organization.as_str(), standing.member());
        if order == Order::Superseded {
            return self.ask_again(desk);
        }
        // What the answer to another request has ended or changed meanwhile, an older question does not bring back.
        let is_newest = match desk.sessions.find(organization, credential, desk.now) {
            Some(session) => {
                session.check = Check::default();
                session.confirmed_at <= self.asked_at
            }
            None => is_login,
        };
        if is_newest && order == Order::Newest && desk.now.unix_secs() < self.expires_at {
            let session = Session {
                standing: Arc::clone(&standing),
                expires_at: self.expires_at,
                // What the store said was true when it answered, which is no earlier than when it was asked.
                confirmed_at: self.asked_at,
                stamp: desk.follow.stamp(position),
                tenure: self.tenure,
                check: Check::default(),
            };
            desk.tally.sessions_evicted = desk.sessions.remember(&self.login.issuer, credential, session);
        }
        self.visit.admit(&standing, is_login)
    }

    /// The answer is older than a change that has been taken up: another one is asked for, once.
    fn ask_again(self, desk: &Desk<'_>) -> Next {
        match self.is_repeated {
            true => self.deny(Reason::StoreUnavailable),
            false => Next::AskStore(Self { asked_at: desk.now.steady, is_repeated: true, ..self }),
        }
    }

    /// There is nothing to go by. `sessions.offline` says what then becomes of a live session.
    fn unanswered(self, why: &NoAnswer, desk: &mut Desk<'_>) -> Next {
        let (organization, credential) = (&self.visit.organization.id, &self.visit.credential.bytes);
        if self.is_login {
            return self.deny(reason_without_answer(&self.login.plan));
        }
        if !why.is_unreachable() {
            // Somebody answered, and did not say that the session is good.
            self.end_session(desk.sessions);
            return self.deny(Reason::StoreUnavailable);
        }
        // As it is now: another request's answer may have changed or ended it since this one asked.
        if let Some(session) = desk.sessions.find(organization, credential, desk.now) {
            session.check.fail(desk.now.steady);
            if session.is_kept(desk.follow, desk.policy, desk.now) {
                let standing = Arc::clone(&session.standing);
                return self.visit.admit(&standing, false);
            }
        }
        // The session stays: the next request asks again, and until there is an answer nobody passes.
        self.deny(Reason::StoreUnavailable)
    }
}

/// A claim's own reason stands whatever the store would say; the removal waits for the next attempt (design §2, "Assignment").
fn reason_without_answer(plan: &Plan) -> Reason {
    match plan {
        Plan::Remove { reason: Reason::NotAssigned } => Reason::NotAssigned,
        Plan::Assign { .. } | Plan::Ensure { .. } | Plan::Remove { .. } | Plan::Require => Reason::StoreUnavailable,
    }
}
