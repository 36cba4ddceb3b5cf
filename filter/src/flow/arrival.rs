//! A request arrives: which organization, is it passed unseen, what does it present, is that known already.

use std::rc::Rc;
use std::sync::Arc;

use usher_policy::Reason;
use usher_policy::model::Unmatched;
use usher_policy::rules::access;
use usher_policy::rules::conclude::Request;
use usher_policy::rules::route::{is_unmatched, route};
use usher_policy::token::Assertion;

use super::keys::ExpectKeys;
use super::store::ExpectStore;
use super::{Deny, Desk, Next, Visit};
use crate::credential;
use crate::session::Step;

/// Why a request is passed without a look at who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passage {
    /// The organization's `bypass` names it.
    Bypass,
    /// No organization has its host, and the policy lets such requests pass.
    Unmatched,
}

/// Decides a request by its headers, as far as they go. Of the routing headers only `:authority`, `:path` and `:method`
/// are looked at: whatever else claims to say where a request was meant to go is written by the client.
pub(crate) fn arrive(headers: &[(String, Vec<u8>)], desk: &mut Desk<'_>) -> Next {
    let header = |name: &str| headers.iter().find(|(header, _)| header == name).map_or(&b""[..], |(_, value)| value);
    let routed = match route(desk.policy, header(":authority"), header(":path")) {
        Ok(routed) => routed,
        Err(Reason::UnknownOrganization)
            if desk.policy.unmatched == Unmatched::Pass && is_unmatched(desk.policy, header(":authority")) =>
        {
            return Next::Pass(Passage::Unmatched);
        }
        Err(reason) => return Next::Deny(Deny { reason, organization: None }),
    };
    let method = String::from_utf8_lossy(header(":method")).into_owned();
    if access::bypasses(routed.organization, Request { method: &method, path: routed.path.as_ref() }) {
        return Next::Pass(Passage::Bypass);
    }
    let organization = Arc::clone(routed.organization);
    match credential::find(&desk.policy.credentials.sources, headers) {
        Ok(credential) => Visit { organization, path: routed.path, method, credential }.open(desk),
        Err(reason) => Next::Deny(Deny { reason, organization: Some(organization.id.clone()) }),
    }
}

impl Visit {
    /// Looks for a session first: with one that is known to be good there is nothing else to do.
    fn open(self, desk: &mut Desk<'_>) -> Next {
        let Some(session) = desk.sessions.find(&self.organization.id, &self.credential.bytes, desk.now) else {
            return match Assertion::parse(&self.credential.bytes) {
                Ok(assertion) => ExpectKeys::check(self, assertion, desk),
                Err(reason) => self.deny(reason),
            };
        };
        match session.step(desk.follow, desk.policy, desk.now) {
            Step::Ask => Next::AskStore(ExpectStore::recheck(self, session, desk.now)),
            Step::Pass => {
                let standing = Rc::clone(&session.standing);
                desk.tally.session_hit = true;
                self.admit(&standing, false, desk)
            }
            Step::Refuse => self.deny(Reason::StoreUnavailable),
        }
    }
}
