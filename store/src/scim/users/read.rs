//! `GET /scim/v2/{parent}/Users/{id}` (RFC 7644, 3.4.1).

use axum::http::StatusCode;
use axum::response::Response;

use crate::http::Problem;
use crate::scim::answer;
use crate::scim::change::not_found;
use crate::scim::query::ScimQuery;
use crate::scim::request::{DirectoryRequest, ResourceId};
use crate::scim::resource::ResourceType;
use crate::scim::show;

/// Shows one user.
#[utoipa::path(
    get,
    path = "/scim/v2/{parent}/Users/{id}",
    tag = "scim",
    security(("directory" = [])),
    params(("parent" = String, Path, description = "The parent's id"), ("id" = String, Path, description = "The user's id")),
    responses(
        (status = 200, content_type = "application/scim+json", body = Object, description = "The user"),
        (status = 304, description = "`If-None-Match` names the user's version"),
        (status = 401, content_type = "application/scim+json", body = Object, description = "Not this directory's token"),
        (status = 404, content_type = "application/scim+json", body = Object, description = "No such user"),
    ),
)]
pub(crate) async fn read(
    request: DirectoryRequest,
    ResourceId(id): ResourceId,
    query: ScimQuery,
) -> Result<Response, Problem> {
    let projection = query.projection(ResourceType::User)?;
    let _turn = request.turn_to_read().await?;
    let mut snapshot = request.app.memberships.read().await?;
    let found = snapshot.resource(&request.parent, ResourceType::User, &id).await?;
    let user = found.ok_or_else(|| not_found(ResourceType::User))?;
    if request.is_known(user.version) {
        return Ok(answer::bare(StatusCode::NOT_MODIFIED, &user));
    }
    let whole = show::whole(&mut *snapshot, &request, &user, &projection).await?;
    Ok(answer::resource(&request, StatusCode::OK, &user, whole, &projection))
}
