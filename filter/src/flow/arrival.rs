//! A request arrives: which organization, is it passed unseen, what does it present, is that known already.

use std::sync::Arc;

use usher_policy::Reason;
use usher_policy::model::{Organization, Policy, Unmatched};
use usher_policy::rules::access;
use usher_policy::rules::conclude::{Request, admit};
use usher_policy::rules::route::is_unmatched;
use usher_policy::token::{Assertion, Claimant, recall, verify};

use super::keys::ExpectKeys;
use super::store::ExpectStore;
use super::{Allow, Deny, Desk, Next, Person, Visit};
use crate::credential::{self, Credential};
use crate::glance::Glance;
use crate::header_map::HeaderMap;
use crate::session::Step;

/// Why a request is passed without a look at who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passage {
    /// The organization's `bypass` names it.
    Bypass,
    /// No organization has its host, and the policy lets such requests pass.
    Unmatched,
}

/// Decides a request by its headers, as far as they go.
pub(crate) fn arrive(headers: &HeaderMap, glance: &Glance<'_>, desk: &mut Desk<'_>) -> Next {
    let (organization, path) = match desk.organization(glance) {
        Ok(routed) => routed,
        Err(reason) => return unrouted(reason, glance.authority, desk.policy),
    };
    let organization = &organization;
    let method = String::from_utf8_lossy(glance.method);
    let request = Request { method: &method, path: path.as_ref() };
    if access::bypasses(organization, request) {
        return Next::Pass(Passage::Bypass);
    }
    let deny = |person, reason| {
        Next::Deny(Deny { reason, organization: Some(organization.id.clone()), person, assertion: None })
    };
    let credential = match credential::find(&desk.policy.credentials.sources, headers) {
        Ok(credential) => credential,
        Err(reason) => return deny(None, reason),
    };
    let mut session = desk.sessions.find(&organization.id, credential, desk.now);
    if session.as_ref().is_some_and(|session| session.tenure.has_ended()) {
        verify_again(organization, credential, desk);
        session = desk.sessions.find(&organization.id, credential, desk.now);
    }
    let session = session.map(|session| (session.step(desk.follow, desk.policy, desk.now), session));
    match &session {
        Some((Step::Pass, session)) => {
            desk.tally.session_hit = true;
            return match admit(organization, &session.standing, request) {
                Ok(permit) => Next::Allow(Allow { permit, is_login: false }),
                Err(reason) => deny(Some(Person::standing(&session.standing)), reason),
            };
        }
        Some((Step::Refuse, session)) => {
            return deny(Some(Person::standing(&session.standing)), Reason::StoreUnavailable);
        }
        Some((Step::Ask, _)) | None => {}
    }
    let known = session.map(|(_, session)| Arc::clone(&session.standing));
    let visit = Visit {
        organization: Arc::clone(organization),
        method: method.into_owned(),
        path,
        credential: Credential { bytes: credential.into() },
    };
    let assertion = match Assertion::parse(credential) {
        Ok(assertion) => assertion,
        Err(reason) => return visit.deny(reason),
    };
    if let Some(standing) = known
        && let Some(verified) = recall(organization, &assertion, &standing)
        && let Ok(claimant) = Claimant::read(organization, &verified)
        && let Ok(login) = claimant.login(organization, desk.is_shadow())
    {
        return Next::AskStore(ExpectStore::recheck(visit, login, &verified, desk));
    }
    ExpectKeys::check(visit, assertion, desk)
}

/// No organization has the request.
fn unrouted(reason: Reason, authority: &[u8], policy: &Policy) -> Next {
    match reason {
        Reason::UnknownOrganization if policy.unmatched == Unmatched::Pass && is_unmatched(policy, authority) => {
            Next::Pass(Passage::Unmatched)
        }
        reason => Next::Deny(Deny { reason, organization: None, person: None, assertion: None }),
    }
}

/// The session's own provider has withdrawn a key: where the assertion does not verify with those that are left, it is over.
/// Single-use assertions are why it is not simply a login again.
fn verify_again(organization: &Organization, credential: &[u8], desk: &mut Desk<'_>) {
    let verified = Assertion::parse(credential)
        .ok()
        .and_then(|assertion| verify(organization, &assertion, desk.keys, desk.signatures, desk.now.unix_secs()).ok());
    let Some(verified) = verified else { return desk.sessions.end(&organization.id, credential) };
    if let Some(session) = desk.sessions.find(&organization.id, credential, desk.now) {
        session.tenure = desk.keys.tenure(verified.connection());
    }
}
