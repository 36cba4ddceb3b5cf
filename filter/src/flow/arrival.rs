//! A request arrives: which organization, is it passed unseen, what does it present, is that known already.

use std::borrow::Cow;
use std::sync::Arc;

use usher_policy::Reason;
use usher_policy::model::{CredentialSource, Organization, Policy, Unmatched};
use usher_policy::rules::access;
use usher_policy::rules::path::NormalPath;
use usher_policy::rules::conclude::{Request, Standing, admit};
use usher_policy::rules::route::{Routed, is_unmatched, route};
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

/// Decides a request by its headers, as far as they go. A session that is known to be good is the way of nearly every request:
/// on it nothing is copied.
pub(crate) fn arrive(headers: &HeaderMap, glance: &Glance<'_>, desk: &mut Desk<'_>) -> Next {
    let Glance { authority, method, path, .. } = *glance;
    let known = desk.last_host.organization(authority);
    let (organization, path) = match known.map_or_else(|| look_up(desk, authority, path), |known| Ok((known, None))) {
        Ok(routed) => routed,
        Err(reason) => return unrouted(reason, authority, desk.policy),
    };
    let organization = &organization;
    // Without a path, the method plays no part either.
    let method = path.as_ref().map_or_else(Cow::default, |_| String::from_utf8_lossy(method));
    let request = Request { method: &method, path: path.as_ref() };
    if access::bypasses(organization, request) {
        return Next::Pass(Passage::Bypass);
    }
    let deny = |person, reason| {
        Next::Deny(Deny { reason, organization: Some(organization.id.clone()), person, assertion: None })
    };
    let sources = &desk.policy.credentials.sources;
    let likely = glance.bearer().filter(|_| sources.first() == Some(&CredentialSource::Authorization));
    let known = likely.and_then(|likely| Some((likely, desk.sessions.find(&organization.id, likely, desk.now)?)));
    let (credential, mut session) = match known {
        Some((credential, session)) => (credential, Some(session)),
        // Only now its form matters: what is known to the byte was looked at when it was new.
        None => match credential::find(sources, headers) {
            Ok(credential) => (credential, desk.sessions.find(&organization.id, credential, desk.now)),
            Err(reason) => return deny(None, reason),
        },
    };
    if session.as_ref().is_some_and(|session| session.withdrawals != desk.withdrawals) {
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
    let known = session.map(|(_, session)| (Arc::clone(&session.standing), session.expires_at));
    let visit = Visit {
        organization: Arc::clone(organization),
        method: method.into_owned(),
        path,
        credential: Credential { bytes: credential.to_vec() },
    };
    present(visit, known, desk)
}

/// Looks at a credential that is not known, or of which it is to be asked whether it is still good.
#[cold]
#[inline(never)]
fn present(visit: Visit, known: Option<(Arc<Standing>, u64)>, desk: &mut Desk<'_>) -> Next {
    let organization = &visit.organization;
    let credential = visit.credential.bytes.as_slice();
    let assertion = match Assertion::parse(credential) {
        Ok(assertion) => assertion,
        Err(reason) => return visit.deny(reason),
    };
    let known = known.and_then(|(standing, expires_at)| {
        let verified = recall(organization, &assertion, &standing)?;
        let login = Claimant::read(organization, &verified).ok()?.login(organization, desk.is_shadow()).ok()?;
        Some((login, expires_at))
    });
    match known {
        Some((login, expires_at)) => Next::AskStore(ExpectStore::recheck(visit, login, expires_at, desk)),
        None => ExpectKeys::check(visit, assertion, desk),
    }
}

/// Looks for the organization of a request whose host is not the last one's.
#[cold]
fn look_up(desk: &mut Desk<'_>, authority: &[u8], path: &[u8]) -> Result<(Arc<Organization>, Option<NormalPath>), Reason> {
    let Routed { organization, path } = route(desk.policy, authority, path)?;
    if path.is_none() {
        desk.last_host.note(authority, organization);
    }
    Ok((Arc::clone(organization), path))
}

/// No organization has the request.
#[cold]
fn unrouted(reason: Reason, authority: &[u8], policy: &Policy) -> Next {
    match reason {
        Reason::UnknownOrganization if policy.unmatched == Unmatched::Pass && is_unmatched(policy, authority) => {
            Next::Pass(Passage::Unmatched)
        }
        reason => Next::Deny(Deny { reason, organization: None, person: None, assertion: None }),
    }
}

/// The host that was asked for last, where the path plays no part: the requests of a connection ask for one.
#[derive(Debug, Default)]
pub(crate) struct LastHost {
    authority: Vec<u8>,
    organization: Option<Arc<Organization>>,
}

impl LastHost {
    fn organization(&self, authority: &[u8]) -> Option<Arc<Organization>> {
        if self.authority == authority { self.organization.clone() } else { None }
    }

    fn note(&mut self, authority: &[u8], organization: &Arc<Organization>) {
        self.authority.clear();
        self.authority.extend_from_slice(authority);
        self.organization = Some(Arc::clone(organization));
    }
}

/// A provider has withdrawn a key: a session whose assertion does not verify with those that are left is over. Single-use
/// assertions are why it is not simply a login again.
fn verify_again(organization: &Organization, credential: &[u8], desk: &mut Desk<'_>) {
    let verified = Assertion::parse(credential).is_ok_and(|assertion| {
        verify(organization, &assertion, desk.keys, desk.signatures, desk.now.unix_secs()).is_ok()
    });
    match desk.sessions.find(&organization.id, credential, desk.now) {
        Some(session) if verified => session.withdrawals = desk.withdrawals,
        Some(_) | None => desk.sessions.end(&organization.id, credential),
    }
}
