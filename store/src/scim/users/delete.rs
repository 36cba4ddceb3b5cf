//! `DELETE /scim/v2/{parent}/Users/{id}` (RFC 7644, 3.6): the user and every membership by the directory end.

use axum::http::StatusCode;

use crate::http::Problem;
use crate::scim::change::{Change, Failure, seen};
use crate::scim::request::{DirectoryRequest, ResourceId};
use crate::scim::resource::ResourceType;

/// Deletes a user.
#[utoipa::path(
    delete,
    path = "/scim/v2/{parent}/Users/{id}",
    tag = "scim",
    security(("directory" = [])),
    params(("parent" = String, Path, description = "The parent's id"), ("id" = String, Path, description = "The user's id")),
    responses(
        (status = 204, description = "The user is gone"),
        (status = 401, content_type = "application/scim+json", body = Object, description = "Not this directory's token"),
        (status = 404, content_type = "application/scim+json", body = Object, description = "No such user"),
        (status = 412, content_type = "application/scim+json", body = Object, description = "`If-Match` names another version"),
    ),
)]
pub(crate) async fn delete(request: DirectoryRequest, ResourceId(id): ResourceId) -> Result<StatusCode, Problem> {
    request.change(|| attempt(&request, &id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn attempt(request: &DirectoryRequest, id: &str) -> Result<(), Failure> {
    let mut change = Change::begin(request, "user_deleted").await?;
    let user = change.existing(ResourceType::User, id).await?;
    let now = change.now;
    change.transaction.remove_resource(&request.parent, ResourceType::User, &user.id, now).await?;
    change.note(Some(seen(&user)), None).await?;
    change.follow_user(Some(&user), None).await?;
    Ok(change.commit().await?)
}
