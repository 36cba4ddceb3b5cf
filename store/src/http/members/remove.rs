//! `DELETE …/members/{member}`: removes a member by hand.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;

use super::super::App;
use super::super::auth::AdminRequest;
use super::super::problem::{Problem, ProblemJson};
use super::{MemberPath, log, warnings};

/// Removes a member by hand; the seat is free.
#[utoipa::path(
    delete,
    path = "/v1/organizations/{organization}/members/{member}",
    tag = "administration",
    security(("administrator" = [])),
    params(
        ("organization" = String, Path, description = "The organization's id"),
        ("member" = String, Path, description = "The member's id"),
    ),
    responses(
        (status = 204, headers(("warning",
            description = "`299 usher \"last_owner\"` when no active member holds the top role any more"))),
        (status = 401, body = ProblemJson, content_type = "application/problem+json", description = "`unauthorized`"),
        (status = 404, body = ProblemJson, content_type = "application/problem+json",
            description = "`organization_not_found`, `member_not_found`"),
        (status = 409, body = ProblemJson, content_type = "application/problem+json",
            description = "`managed_by_directory`, `primary_owner`"),
        (status = 503, body = ProblemJson, content_type = "application/problem+json", description = "`database_busy`, `database_unavailable`, `too_many_conflicts`, `timed_out`"),
    ),
)]
pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    admin: AdminRequest,
    MemberPath(id): MemberPath,
) -> Result<impl IntoResponse, Problem> {
    let handled = app.memberships.remove(&admin.organization, &id, &admin.cause).await?;
    log(&admin, "remove", &handled.member);
    Ok((StatusCode::NO_CONTENT, warnings(handled.warning)))
}
