//! The way of nearly every request: who comes with a session that is known to be good.

use std::sync::Arc;

use usher_policy::Reason;
use usher_policy::model::{CredentialSource, Organization};
use usher_policy::rules::access;
use usher_policy::rules::conclude::{Permit, Request, admit};
use usher_policy::rules::path::NormalPath;
use usher_policy::rules::route::{Routed, route};

use super::Desk;
use crate::credential;
use crate::glance::Glance;
use crate::header_map::HeaderMap;

/// Lets a request in whose credential is that of a session with nothing to be asked or said about it. `None` is no denial: it
/// says that [`super::arrive`] is to decide, which does so for every request.
pub(crate) fn recognise(headers: &HeaderMap, glance: &Glance<'_>, desk: &mut Desk<'_>) -> Option<Permit> {
    let sources = desk.policy.credentials.sources.as_slice();
    let credential = match (sources, glance.bearer()) {
        // What is known to the byte had its form looked at when it was new.
        ([CredentialSource::Authorization, ..], Some(token)) => token,
        _ => credential::find(sources, headers).ok()?,
    };
    let (organization, path) = desk.organization(glance).ok()?;
    // Without a path, the method plays no part either.
    let method = if path.is_some() { std::str::from_utf8(glance.method).ok()? } else { "" };
    let request = Request { method, path: path.as_ref() };
    if access::bypasses(&organization, request) {
        return None;
    }
    let session = desk.sessions.find(&organization.id, credential, desk.now)?;
    if session.tenure.has_ended() || !session.is_settled(desk.follow, desk.policy, desk.now) {
        return None;
    }
    admit(&organization, &session.standing, request).ok()
}

impl Desk<'_> {
    /// The organization of a request, and its path where that plays a part.
    ///
    /// # Errors
    /// Those of [`route`].
    pub(super) fn organization(
        &mut self,
        glance: &Glance<'_>,
    ) -> Result<(Arc<Organization>, Option<NormalPath>), Reason> {
        match self.last_host.organization(glance.authority) {
            Some(organization) => Ok((organization, None)),
            None => self.look_up(glance),
        }
    }

    #[cold]
    fn look_up(&mut self, glance: &Glance<'_>) -> Result<(Arc<Organization>, Option<NormalPath>), Reason> {
        let Routed { organization, path } = route(self.policy, glance.authority, glance.path)?;
        if path.is_none() {
            self.last_host.note(glance.authority, organization);
        }
        Ok((Arc::clone(organization), path))
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
