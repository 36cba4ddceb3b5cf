//! `PATCH …/members/{member}`: changes role, tier or status by hand, or unlinks.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Deserializer};
use usher_policy::member::Status;
use usher_policy::rules::hand::{Edit, Refusal};
use utoipa::ToSchema;

use super::super::App;
use super::super::auth::AdminRequest;
use super::super::body::JsonBody;
use super::super::problem::{Problem, ProblemJson};
use super::{MemberJson, MemberPath, log, warnings};
use crate::membership::MembershipError;

/// What is to change; what is absent stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MemberChange)]
pub(crate) struct EditBody {
    /// The new role.
    #[serde(default, deserialize_with = "given")]
    role: Option<String>,
    /// The new seat tier; `null` takes the seat away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    seat_tier: Option<Option<String>>,
    /// `active` or `suspended`.
    #[serde(default, deserialize_with = "given")]
    status: Option<String>,
    /// `true` forgets (issuer, subject): the next login links anew, as after a move to another identity provider.
    #[serde(default)]
    unlink: bool,
}

/// Changes a member by hand.
#[utoipa::path(
    patch,
    path = "/v1/organizations/{organization}/members/{member}",
    tag = "administration",
    security(("administrator" = [])),
    params(
        ("organization" = String, Path, description = "The organization's id"),
        ("member" = String, Path, description = "The member's id"),
    ),
    request_body = EditBody,
    responses(
        (status = 200, body = MemberJson, headers(("warning",
            description = "`299 usher \"last_owner\"` when no active member holds the top role any more"))),
        (status = 400, body = ProblemJson, content_type = "application/problem+json",
            description = "`invalid_request`, `invalid_status`, `unknown_role`, `unknown_seat_tier`"),
        (status = 401, body = ProblemJson, content_type = "application/problem+json", description = "`unauthorized`"),
        (status = 404, body = ProblemJson, content_type = "application/problem+json",
            description = "`organization_not_found`, `member_not_found`"),
        (status = 409, body = ProblemJson, content_type = "application/problem+json",
            description = "`managed_by_group_mappings`, `no_seat_available`, `primary_owner`"),
        (status = 413, body = ProblemJson, content_type = "application/problem+json", description = "`body_too_large`"),
        (status = 415, body = ProblemJson, content_type = "application/problem+json", description = "`unsupported_media_type`"),
        (status = 503, body = ProblemJson, content_type = "application/problem+json", description = "`database_busy`, `database_unavailable`, `too_many_conflicts`, `timed_out`"),
    ),
)]
pub(crate) async fn edit(
    State(app): State<Arc<App>>,
    admin: AdminRequest,
    MemberPath(id): MemberPath,
    JsonBody(body): JsonBody<EditBody>,
) -> Result<impl IntoResponse, Problem> {
    let status = match body.status {
        Some(name) => Some(Status::named(&name).ok_or(MembershipError::Refused(Refusal::InvalidStatus))?),
        None => None,
    };
    let edit = Edit { role: body.role, seat_tier: body.seat_tier, status, unlink: body.unlink };
    let handled = app.memberships.edit(&admin.organization, &id, &edit, &admin.cause).await;
    let handled = handled.map_err(|error| Problem::by_hand(error, &admin.organization.product))?;
    log(&admin, "edit", &handled.member);
    Ok((warnings(handled.warning), Json(MemberJson::of(&admin.organization, handled.member))))
}

/// A member that is there, `null` included, where `Option` alone would take `null` for absent.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
