//! `POST /v1/parents/{parent}/sync`: memberships become what directory and policy say, or it is shown what would.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use serde::{Deserialize, Serialize};
use usher_policy::member::Member;
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::auth::ParentRequest;
use super::problem::{Problem, ProblemJson};
use super::query::StrictQuery;
use crate::membership::{Kind, OrganizationReport, Step, Task};

/// Where it is.
pub(super) const PATH: &str = "/v1/parents/{parent}/sync";

/// How much longer than others a request may take.
pub(super) const MORE_TIME: Duration = Duration::from_secs(110);

/// What a reconciliation did, or would do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SyncReport {
    /// The parent's id.
    parent: String,
    /// Whether this only shows what would be done.
    preview: bool,
    /// Whether all is done that does not wait for `confirm`; if not, ask again: it goes on where it stopped.
    done: bool,
    /// The SHA-256 of the policy by which it was decided.
    policy: String,
    /// The parent's organizations in scim modes.
    organizations: Vec<OrganizationSync>,
}

/// One organization's part of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrganizationSync {
    /// The organization's id.
    organization: String,
    /// Members who were added.
    added: u64,
    /// Members whose record was changed.
    changed: u64,
    /// Members who were removed.
    removed: u64,
    /// Members who are to be removed, but are too many to go without `confirm` (`guards.max_removals`).
    held: u64,
    /// Who, as far as 1000 go.
    changes: Vec<SyncChange>,
    /// How many more there are.
    more: u64,
}

/// What became of one member.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SyncChange {
    /// `add`, `change`, `remove`, or `hold`: a removal that waits.
    #[schema(example = "remove")]
    change: &'static str,
    /// The member's id; `null` where nobody has one yet.
    #[schema(required)]
    member: Option<String>,
    /// The email.
    email: String,
    /// The display name.
    #[schema(required)]
    name: Option<String>,
    /// As it was; `null` for an addition.
    #[schema(required)]
    before: Option<SyncPlace>,
    /// As it is; `null` for a removal.
    #[schema(required)]
    after: Option<SyncPlace>,
}

/// A member's place.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SyncPlace {
    /// The email.
    email: String,
    /// The role.
    role: String,
    /// The seat, if any.
    #[schema(required)]
    seat_tier: Option<String>,
    /// `active`, `pending` or `suspended`.
    status: &'static str,
    /// `jit`, `manual` or `scim`.
    source: &'static str,
}

/// How it is to be done.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SyncQuery {
    /// Only show what would be done.
    #[serde(default)]
    preview: bool,
    /// Remove members however many they are.
    #[serde(default)]
    confirm: bool,
}

/// Reconciles the parent's organizations in scim modes with its directory, or previews it.
#[utoipa::path(
    post,
    path = "/v1/parents/{parent}/sync",
    tag = "administration",
    security(("administrator" = [])),
    params(("parent" = String, Path, description = "The parent's id"), SyncQuery),
    responses(
        (status = 200, body = SyncReport),
        (status = 400, body = ProblemJson, content_type = "application/problem+json", description = "`invalid_request`"),
        (status = 401, body = ProblemJson, content_type = "application/problem+json", description = "`unauthorized`"),
        (status = 404, body = ProblemJson, content_type = "application/problem+json", description = "`parent_not_found`"),
        (status = 409, body = ProblemJson, content_type = "application/problem+json", description = "`another_policy`, `sync_under_way`"),
        (status = 503, body = ProblemJson, content_type = "application/problem+json", description = "`database_busy`, `database_unavailable`, `timed_out`"),
    ),
)]
pub(super) async fn sync(
    State(app): State<Arc<App>>,
    request: ParentRequest,
    StrictQuery(query): StrictQuery<SyncQuery>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<SyncReport>, Problem> {
    // Whoever writes `preview` there shall not sync by mistake.
    if !body.is_ok_and(|body| matches!(body.trim_ascii(), b"" | b"{}")) {
        return Err(Problem::invalid_request("a sync has no body: `preview` and `confirm` are query parameters"));
    }
    let ParentRequest { in_force, parent, cause } = request;
    let task = Task { in_force: &in_force, parent: &parent.id, confirmed: query.confirm, cause: &cause };
    let report = match query.preview {
        true => app.memberships.preview_sync(&task).await?,
        false => app.memberships.sync(&task).await?,
    };
    Ok(Json(SyncReport {
        parent: parent.id.to_string(),
        preview: query.preview,
        done: report.done,
        policy: in_force.digest.clone(),
        organizations: report.organizations.into_iter().map(|report| told(report, query.preview)).collect(),
    }))
}

fn told(report: OrganizationReport, preview: bool) -> OrganizationSync {
    let OrganizationReport { organization, added, changed, removed, held, steps, more } = report;
    let changes = steps.into_iter().filter_map(|step| change(step, preview)).collect();
    OrganizationSync { organization: organization.to_string(), added, changed, removed, held, changes, more }
}

fn change(Step { kind, before, after }: Step, preview: bool) -> Option<SyncChange> {
    let shown = after.as_ref().or(before.as_ref())?;
    let is_planned = preview && before.is_none();
    Some(SyncChange {
        change: match kind {
            Kind::Add => "add",
            Kind::Change => "change",
            Kind::Hold => "hold",
            Kind::Remove => "remove",
        },
        member: (!is_planned).then(|| shown.id.to_string()),
        email: shown.email.to_string(),
        name: shown.name.clone(),
        before: before.as_ref().map(place),
        after: after.as_ref().map(place),
    })
}

fn place(member: &Member) -> SyncPlace {
    SyncPlace {
        email: member.email.to_string(),
        role: member.role.to_string(),
        seat_tier: member.seat_tier.as_ref().map(ToString::to_string),
        status: member.status.name(),
        source: member.source.name(),
    }
}
