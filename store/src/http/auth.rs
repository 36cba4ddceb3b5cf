//! Who asks: the filter or an administrator, and for which organization. Nothing else of a request is read before.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use usher_policy::model::{Organization, Parent};

use super::App;
use super::problem::Problem;
use super::request_id::RequestId;
use crate::audit::{Actor, Cause};
use crate::in_force::InForce;
use crate::secrets::Administrator;

/// A request with the filter's token, for an organization of the policy.
pub(crate) struct FilterRequest {
    pub(super) organization: Arc<Organization>,
    pub(super) cause: Cause,
}

/// A request with the filter's token, for no organization.
pub(crate) struct Filter;

/// A request with an administrator's token, for an organization that they may see.
pub(crate) struct AdminRequest {
    pub(super) administrator: Arc<Administrator>,
    pub(super) organization: Arc<Organization>,
    pub(super) cause: Cause,
}

/// A request with an administrator's token, for no organization.
pub(crate) struct Admin {
    pub(super) administrator: Arc<Administrator>,
}

/// A request with an administrator's token, for a parent that they may see.
pub(crate) struct ParentRequest {
    pub(super) in_force: Arc<InForce>,
    pub(super) parent: Arc<Parent>,
    /// A reconciliation by this administrator: all that is done to a parent as a whole.
    pub(super) cause: Cause,
}

impl FromRequestParts<Arc<App>> for Filter {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let token = bearer(&parts.headers).ok_or_else(Problem::unauthorized)?;
        if app.in_force.now().secrets.is_filter(token) { Ok(Self) } else { Err(Problem::unauthorized()) }
    }
}

impl FromRequestParts<Arc<App>> for FilterRequest {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let token = bearer(&parts.headers).ok_or_else(Problem::unauthorized)?;
        let in_force = app.in_force.now();
        if !in_force.secrets.is_filter(token) {
            return Err(Problem::unauthorized());
        }
        let cause = cause(parts, Actor::Filter);
        Ok(Self { organization: organization(parts, app, &in_force).await?, cause })
    }
}

impl FromRequestParts<Arc<App>> for AdminRequest {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let token = bearer(&parts.headers).ok_or_else(Problem::unauthorized)?;
        let in_force = app.in_force.now();
        let administrator = in_force.secrets.administrator(token).ok_or_else(Problem::unauthorized)?;
        within_rate(app, token)?;
        let organization = organization(parts, app, &in_force).await?;
        if !administrator.may_see(&organization.parent.id) {
            // Not 403: what they may not see is not there.
            return Err(Problem::organization_not_found());
        }
        let cause = cause(parts, Actor::Administrator(administrator.name.clone()));
        Ok(Self { administrator, organization, cause })
    }
}

impl FromRequestParts<Arc<App>> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let token = bearer(&parts.headers).ok_or_else(Problem::unauthorized)?;
        let administrator = app.in_force.now().secrets.administrator(token).ok_or_else(Problem::unauthorized)?;
        within_rate(app, token)?;
        Ok(Self { administrator })
    }
}

impl FromRequestParts<Arc<App>> for ParentRequest {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let token = bearer(&parts.headers).ok_or_else(Problem::unauthorized)?;
        let in_force = app.in_force.now();
        let administrator = in_force.secrets.administrator(token).ok_or_else(Problem::unauthorized)?;
        within_rate(app, token)?;
        let params = RawPathParams::from_request_parts(parts, app).await.map_err(|_| Problem::parent_not_found())?;
        let id = params.iter().find(|(name, _)| *name == "parent").map(|(_, id)| id);
        let parent = id.and_then(|id| in_force.policy.parent(id)).cloned().ok_or_else(Problem::parent_not_found)?;
        if !administrator.may_see(&parent.id) {
            // Not 403: what they may not see is not there.
            return Err(Problem::parent_not_found());
        }
        let cause = cause(parts, Actor::Sync(administrator.name.clone()));
        Ok(Self { in_force, parent, cause })
    }
}

/// Whether a token that opens the route may ask again so soon. The filter's is not asked: whom it is refused cannot log in.
pub(crate) fn within_rate(app: &App, token: &[u8]) -> Result<(), Problem> {
    if app.rate_limits.admits(token, Instant::now()) { Ok(()) } else { Err(Problem::too_many_requests()) }
}

/// By whom and by which request a change comes.
pub(crate) fn cause(parts: &Parts, actor: Actor) -> Cause {
    let id = parts.extensions.get::<RequestId>();
    Cause { actor, request_id: id.map_or_else(String::new, |id| id.as_str().to_owned()) }
}

/// The token of the one `authorization: Bearer …` (RFC 6750, 2.1).
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?.as_bytes();
    if values.next().is_some() {
        return None;
    }
    let (scheme, rest) = value.split_at_checked(b"Bearer ".len())?;
    let token = rest.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"Bearer ") && !token.is_empty()).then_some(token)
}

async fn organization(parts: &mut Parts, app: &Arc<App>, in_force: &InForce) -> Result<Arc<Organization>, Problem> {
    let params = RawPathParams::from_request_parts(parts, app).await.map_err(|_| Problem::organization_not_found())?;
    let id = params.iter().find(|(name, _)| *name == "organization").map(|(_, id)| id);
    id.and_then(|id| in_force.policy.organization(id)).cloned().ok_or_else(Problem::organization_not_found)
}
