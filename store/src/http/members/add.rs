//! `POST …/members`: adds a member by email.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::Deserialize;
use usher_policy::rules::hand::Addition;
use utoipa::ToSchema;

use super::super::App;
use super::super::auth::AdminRequest;
use super::super::body::JsonBody;
use super::super::problem::{Problem, ProblemJson};
use super::{MAX_NAME, MemberJson, log};

/// Who is to be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewMember)]
pub(crate) struct AddBody {
    /// The email; its domain is one of the parent's.
    email: String,
    /// The display name, at most 256 bytes.
    name: Option<String>,
    /// The role; the product's default without one.
    role: Option<String>,
    /// The seat tier; `seats.default` of the policy decides without one.
    seat_tier: Option<String>,
}

/// Adds a member by hand. Without a free seat they are `pending`, unless a tier was named.
#[utoipa::path(
    post,
    path = "/v1/organizations/{organization}/members",
    tag = "administration",
    security(("administrator" = [])),
    params(("organization" = String, Path, description = "The organization's id")),
    request_body = AddBody,
    responses(
        (status = 201, body = MemberJson, headers(("location", description = "The member's path"))),
        (status = 400, body = ProblemJson, content_type = "application/problem+json",
            description = "`invalid_request`, `invalid_email`, `domain_not_verified`, `unknown_role`, `unknown_seat_tier`"),
        (status = 401, body = ProblemJson, content_type = "application/problem+json", description = "`unauthorized`"),
        (status = 404, body = ProblemJson, content_type = "application/problem+json", description = "`organization_not_found`"),
        (status = 409, body = ProblemJson, content_type = "application/problem+json",
            description = "`already_a_member`, `managed_by_directory`, `managed_by_group_mappings`, `no_seat_available`"),
        (status = 413, body = ProblemJson, content_type = "application/problem+json", description = "`body_too_large`"),
        (status = 415, body = ProblemJson, content_type = "application/problem+json", description = "`unsupported_media_type`"),
        (status = 503, body = ProblemJson, content_type = "application/problem+json", description = "`database_busy`, `database_unavailable`, `too_many_conflicts`, `timed_out`"),
    ),
)]
pub(crate) async fn add(
    State(app): State<Arc<App>>,
    admin: AdminRequest,
    JsonBody(body): JsonBody<AddBody>,
) -> Result<impl IntoResponse, Problem> {
    if body.name.as_ref().is_some_and(|name| name.len() > MAX_NAME) {
        return Err(Problem::invalid_request(format!("`name` must be at most {MAX_NAME} bytes")));
    }
    if body.name.as_ref().is_some_and(|name| name.contains('\0')) {
        return Err(Problem::invalid_request("`name` must not contain a NUL"));
    }
    let addition = Addition { email: body.email, name: body.name, role: body.role, seat_tier: body.seat_tier };
    let handled = app.memberships.add(&admin.organization, &addition, &admin.cause).await;
    let handled = handled.map_err(|error| Problem::by_hand(error, &admin.organization.product))?;
    log(&admin, "add", &handled.member);
    let location = format!("/v1/organizations/{}/members/{}", admin.organization.id, handled.member.id);
    let member = MemberJson::of(&admin.organization, handled.member);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(member)))
}
