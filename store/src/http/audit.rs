//! `GET /v1/audit`: who changed what, when, why, by which request, in pages.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use usher_policy::id::{MemberId, OrganizationId};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::auth::Admin;
use super::problem::{Problem, ProblemJson};
use super::query::StrictQuery;
use crate::audit::{AuditFilter, Kept};
use crate::clock::rfc3339;

/// Most entries of a page, and how many come without `limit`.
const MAX_LIMIT: u32 = 500;
const DEFAULT_LIMIT: u32 = 100;

/// A page of the audit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditPage {
    /// The entries, oldest first.
    entries: Vec<EntryJson>,
    /// The `cursor` of the next page; `null` on the last.
    #[schema(required)]
    next: Option<String>,
}

/// One change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(crate) struct EntryJson {
    /// Its place: a `cursor` to go on after it.
    position: String,
    /// When (RFC 3339, UTC).
    at: String,
    /// Who: `administrator`, `directory`, `filter` (a login), `store` or `sync`.
    #[schema(example = "administrator")]
    actor: String,
    /// Which administrator or directory; empty for the others.
    actor_name: String,
    /// The id of the request that brought it; empty without one.
    request_id: String,
    /// The parent whose it is; `null` for what concerns all.
    #[schema(required)]
    parent: Option<String>,
    /// The organization's id.
    #[schema(required)]
    organization: Option<String>,
    /// The member's id.
    #[schema(required)]
    member: Option<String>,
    /// What was done.
    #[schema(example = "member_changed")]
    action: String,
    /// Why: a login's plan or reason, or what was asked for.
    reason: String,
    /// What the rules noted: `last_owner`, `linked` …
    notes: Vec<String>,
    /// What was before.
    #[schema(required, value_type = Option<Object>)]
    before: Option<Value>,
    /// What is after.
    #[schema(required, value_type = Option<Object>)]
    after: Option<Value>,
}

impl From<Kept> for EntryJson {
    fn from(kept: Kept) -> Self {
        Self {
            position: kept.position.to_string(),
            at: rfc3339(kept.at),
            actor: kept.actor,
            actor_name: kept.actor_name,
            request_id: kept.request_id,
            parent: kept.parent,
            organization: kept.organization,
            member: kept.member,
            action: kept.action,
            reason: kept.reason,
            notes: kept.notes,
            before: kept.before,
            after: kept.after,
        }
    }
}

/// Which entries; everything that is given must hold.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// Of this organization.
    organization: Option<String>,
    /// Of this member.
    member: Option<String>,
    /// Not before this second (Unix).
    since: Option<u64>,
    /// Most entries of the page: 1 to 500, 100 without it.
    limit: Option<u32>,
    /// Where the page before ended: its `next`.
    cursor: Option<String>,
}

/// Reads the audit. Whose token is for some parents sees what concerns these.
#[utoipa::path(
    get,
    path = "/v1/audit",
    tag = "administration",
    security(("administrator" = [])),
    params(AuditQuery),
    responses(
        (status = 200, body = AuditPage),
        (status = 400, body = ProblemJson, content_type = "application/problem+json", description = "`invalid_request`"),
        (status = 401, body = ProblemJson, content_type = "application/problem+json", description = "`unauthorized`"),
        (status = 503, body = ProblemJson, content_type = "application/problem+json", description = "`database_busy`, `database_unavailable`, `timed_out`"),
    ),
)]
pub(super) async fn audit(
    State(app): State<Arc<App>>,
    admin: Admin,
    StrictQuery(query): StrictQuery<AuditQuery>,
) -> Result<Json<AuditPage>, Problem> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::invalid_request(format!("`limit` must be 1 to {MAX_LIMIT}")));
    }
    let after = match query.cursor.as_deref().map(str::parse) {
        Some(Ok(position)) => position,
        Some(Err(_)) => return Err(Problem::invalid_request("`cursor` is not one")),
        None => 0,
    };
    // A database may refuse to look for it; no id has one.
    if [&query.organization, &query.member].into_iter().flatten().any(|id| id.contains('\0')) {
        return Err(Problem::invalid_request("an id has no NUL"));
    }
    let filter = AuditFilter {
        parents: admin.administrator.parents.clone(),
        organization: query.organization.map(OrganizationId::new),
        member: query.member.map(MemberId::new),
        since: query.since.unwrap_or_default(),
    };
    // One more than wanted tells whether there is a next page.
    let mut entries = app.memberships.audit(&filter, after, limit.saturating_add(1)).await?;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_next = entries.len() > wanted;
    entries.truncate(wanted);
    let next = entries.last().filter(|_| has_next).map(|entry| entry.position.to_string());
    Ok(Json(AuditPage { entries: entries.into_iter().map(EntryJson::from).collect(), next }))
}
