//! Who asks: the filter or an administrator, and for which organization. Nothing else of a request is read before.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use usher_policy::Policy;
use usher_policy::id::ParentId;
use usher_policy::model::{Organization, Parent};

use super::App;
use super::caller::Caller;
use super::problem::Problem;
use super::request_id::RequestId;
use crate::audit::{Actor, Cause};
use crate::in_force::InForce;
use crate::secrets::{Administrator, Presented};
use crate::token_use::Refused;

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
        filter(parts, app, &app.in_force.now()).map(|()| Self)
    }
}

impl FromRequestParts<Arc<App>> for FilterRequest {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let in_force = app.in_force.now();
        filter(parts, app, &in_force)?;
        let cause = cause(parts, Actor::Filter);
        Ok(Self { organization: organization(parts, app, &in_force).await?, cause })
    }
}

impl FromRequestParts<Arc<App>> for AdminRequest {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let in_force = app.in_force.now();
        let administrator = administrator(parts, app, &in_force)?;
        let organization = organization(parts, app, &in_force).await?;
        if !administrator.may_see(&organization.parent.id) {
            refused(parts, app, &in_force, "administrator");
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
        administrator(parts, app, &app.in_force.now()).map(|administrator| Self { administrator })
    }
}

impl FromRequestParts<Arc<App>> for ParentRequest {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let in_force = app.in_force.now();
        let administrator = administrator(parts, app, &in_force)?;
        let params = RawPathParams::from_request_parts(parts, app).await.map_err(|_| Problem::parent_not_found())?;
        let id = params.iter().find(|(name, _)| *name == "parent").map(|(_, id)| id);
        let parent = id.and_then(|id| in_force.policy.parent(id)).cloned().ok_or_else(Problem::parent_not_found)?;
        if !administrator.may_see(&parent.id) {
            refused(parts, app, &in_force, "administrator");
            // Not 403: what they may not see is not there.
            return Err(Problem::parent_not_found());
        }
        let cause = cause(parts, Actor::Sync(administrator.name.clone()));
        Ok(Self { in_force, parent, cause })
    }
}

/// Whether a token that opens the route may ask again so soon. The filter's is not asked: whom it is refused cannot log in.
pub(crate) fn within_rate(parts: &Parts, app: &App) -> Result<(), Problem> {
    let token = bearer(&parts.headers).ok_or_else(Problem::unauthorized)?;
    if app.rate_limits.admits(token, Instant::now()) { Ok(()) } else { Err(Problem::too_many_requests()) }
}

/// Whether the filter's token was presented.
fn filter(parts: &Parts, app: &App, in_force: &InForce) -> Result<(), Problem> {
    let opened = |token| in_force.secrets.filter(token);
    opened_by(parts, app, in_force, "filter", opened, |()| Actor::Filter)
}

/// The administrator whose token was presented.
fn administrator(parts: &Parts, app: &App, in_force: &InForce) -> Result<Arc<Administrator>, Problem> {
    let opened = |token| in_force.secrets.administrator(token);
    let found =
        opened_by(parts, app, in_force, "administrator", opened, |found| Actor::Administrator(found.name.clone()))?;
    within_rate(parts, app)?;
    Ok(found)
}

/// Whoever the presented token stands for, where it is one that `opens` the route; its first use, and that it was refused,
/// are for the audit.
pub(crate) fn opened_by<'a, Of>(
    parts: &'a Parts,
    app: &App,
    in_force: &InForce,
    opens: &'static str,
    find: impl FnOnce(&'a [u8]) -> Option<Presented<Of>>,
    actor: impl FnOnce(&Of) -> Actor,
) -> Result<Of, Problem> {
    let token = bearer(&parts.headers).ok_or_else(Problem::unauthorized)?;
    let Some(presented) = find(token) else {
        refused(parts, app, in_force, opens);
        return Err(Problem::unauthorized());
    };
    Caller::has_shown_token(&parts.extensions);
    if presented.is_first {
        app.tokens.first(cause(parts, actor(&presented.of)), app.clock.now().as_secs());
    }
    Ok(presented.of)
}

/// Counts a token that did not open what was asked for.
pub(crate) fn refused(parts: &Parts, app: &App, in_force: &InForce, opens: &'static str) {
    let Some(token) = bearer(&parts.headers) else { return };
    let refused = Refused {
        opens,
        parent: parent_named(&in_force.policy, parts.uri.path()).cloned(),
        holder: in_force.secrets.holder(token),
    };
    let Cause { request_id, .. } = cause(parts, Actor::Store);
    app.tokens.refused(refused, &request_id, app.clock.now().as_secs());
}

/// The parent whom a path is about, by its own id or that of one of its organizations.
fn parent_named<'a>(policy: &'a Policy, path: &str) -> Option<&'a ParentId> {
    let mut segments = path.split('/').skip(1);
    match (segments.next()?, segments.next()?, segments.next()?, segments.next()) {
        ("v1", "organizations", id, _) => policy.organization(id).map(|organization| &organization.parent.id),
        ("scim", "v2", id, _) | ("v1", "parents", id, _) => policy.parent(id).map(|parent| &parent.id),
        _ => None,
    }
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
