//! A request's way, without the host: an event goes in, what is to be done next comes out (design §5).

mod arrival;
mod keys;
mod known;
mod store;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;

use usher_policy::Reason;
use usher_policy::id::{Email, OrganizationId, Subject};
use usher_policy::model::{Enforcement, Organization, Policy};
use usher_policy::rules::conclude::{Permit, Request, Standing, admit};
use usher_policy::rules::path::NormalPath;
use usher_policy::token::Assertion;
use usher_policy::token::signature::SignatureVerifier;
use usher_policy::wire::Login;

use crate::clock::Now;
use crate::credential::Credential;
use crate::feed::Follow;
use crate::keys::Keyring;
use crate::session::Sessions;

pub(crate) use arrival::{Passage, arrive};
pub(crate) use keys::ExpectKeys;
pub(crate) use known::{LastHost, recognise};
pub(crate) use store::ExpectStore;

/// What a decision can look at, and the sessions that it can change.
pub(crate) struct Desk<'a> {
    /// The policy.
    pub(crate) policy: &'a Policy,
    /// The host that was asked for last.
    pub(crate) last_host: &'a mut LastHost,
    /// This worker's sessions.
    pub(crate) sessions: &'a mut Sessions,
    /// What this worker knows of the change feed.
    pub(crate) follow: &'a mut Follow,
    /// The keys of remote connections.
    pub(crate) keys: &'a dyn Keyring,
    /// What checks signatures.
    pub(crate) signatures: &'a dyn SignatureVerifier,
    /// When it is.
    pub(crate) now: Now,
    /// What happened on the way that is worth counting.
    pub(crate) tally: Tally,
}

impl Desk<'_> {
    fn is_shadow(&self) -> bool {
        self.policy.enforcement == Enforcement::Shadow
    }
}

/// What is counted but changes no decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// A live session was found that needed no look at the store.
    pub(crate) session_hit: bool,
    /// So many sessions had to go for another.
    pub(crate) sessions_evicted: usize,
}

/// What is to be done next. The two that wait hold the state that expects the next event.
#[derive(Debug)]
pub(crate) enum Next {
    /// Tag the request and let it go on.
    Allow(Allow),
    /// Ask the store, then go on with `answered`.
    AskStore(ExpectStore),
    /// Get newer keys, then go on with `check_again`; or `refuse`, where none will come.
    AwaitKeys(ExpectKeys),
    /// Turn the request away.
    Deny(Deny),
    /// Let the request go on without a look at who it is.
    Pass(Passage),
}

impl Next {
    /// A request that can be read in two ways is turned away before anything else is looked at.
    pub(crate) fn ambiguous() -> Self {
        let reason = Reason::AmbiguousRequest;
        Self::Deny(Deny { reason, organization: None, person: None, assertion: None })
    }
}

/// A request that was let in.
#[derive(Debug)]
pub(crate) struct Allow {
    /// Who it is, as everyone behind is told.
    pub(crate) permit: Permit,
    /// Whether this was a login, which is logged.
    pub(crate) is_login: bool,
}

/// A request that is turned away.
#[derive(Debug)]
pub(crate) struct Deny {
    /// Why.
    pub(crate) reason: Reason,
    /// Where, if that is known.
    pub(crate) organization: Option<OrganizationId>,
    /// Whom a verified assertion is about, as far as it was read: for the log.
    pub(crate) person: Option<Person>,
    /// The assertion, where it is at hand: for the log, which reads it from the headers otherwise.
    pub(crate) assertion: Option<Box<Assertion>>,
}

/// Whom a verified assertion is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    /// The `sub`.
    pub(crate) subject: Subject,
    /// The email, where it is verified as well.
    pub(crate) email: Option<Email>,
}

impl Person {
    /// Who logs in.
    fn of(login: &Login) -> Self {
        Self { subject: login.subject.clone(), email: Some(login.email.clone()) }
    }

    /// Who is a member.
    fn standing(standing: &Standing) -> Self {
        Self { subject: Subject::new(standing.subject()), email: Email::parse(standing.email()) }
    }
}

/// One request to one organization, with what it presented: what stays the same while it waits.
#[derive(Debug)]
pub(crate) struct Visit {
    organization: Arc<Organization>,
    path: Option<NormalPath>,
    method: String,
    credential: Credential,
}

impl Visit {
    /// Turns somebody away of whom nothing is known.
    fn deny(&self, reason: Reason) -> Next {
        self.deny_person(None, reason)
    }

    fn deny_person(&self, person: Option<Person>, reason: Reason) -> Next {
        Next::Deny(Deny { reason, organization: Some(self.organization.id.clone()), person, assertion: None })
    }

    /// Turns somebody away for what was just read, which need not be read again to be told of.
    fn deny_assertion(&self, person: Option<Person>, assertion: Assertion, reason: Reason) -> Next {
        let (organization, assertion) = (Some(self.organization.id.clone()), Some(Box::new(assertion)));
        Next::Deny(Deny { reason, organization, person, assertion })
    }

    /// The last check of every way in.
    fn admit(self, standing: &Arc<Standing>, is_login: bool) -> Next {
        let request = Request { method: &self.method, path: self.path.as_ref() };
        match admit(&self.organization, standing, request) {
            Ok(permit) => Next::Allow(Allow { permit, is_login }),
            Err(reason) => self.deny_person(Some(Person::standing(standing)), reason),
        }
    }
}
