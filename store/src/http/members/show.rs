//! `GET …/members/{member}`: one member.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::super::App;
use super::super::auth::AdminRequest;
use super::super::problem::{Problem, ProblemJson};
use super::{MemberJson, MemberPath};

/// Shows a member.
#[utoipa::path(
    get,
    path = "/v1/organizations/{organization}/members/{member}",
    tag = "administration",
    security(("administrator" = [])),
    params(
        ("organization" = String, Path, description = "The organization's id"),
        ("member" = String, Path, description = "The member's id"),
    ),
    responses(
        (status = 200, body = MemberJson),
        (status = 401, body = ProblemJson, content_type = "application/problem+json", description = "`unauthorized`"),
        (status = 404, body = ProblemJson, content_type = "application/problem+json",
            description = "`organization_not_found`, `member_not_found`"),
        (status = 503, body = ProblemJson, content_type = "application/problem+json", description = "`database_busy`, `database_unavailable`, `timed_out`"),
    ),
)]
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    admin: AdminRequest,
    MemberPath(id): MemberPath,
) -> Result<Json<MemberJson>, Problem> {
    let member = app.memberships.member(&admin.organization, &id).await?;
    Ok(Json(MemberJson::of(&admin.organization, member)))
}
