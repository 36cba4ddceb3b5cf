//! `DELETE /scim/v2/{parent}/Groups/{id}` (RFC 7644, 3.6): its members stay users.

use axum::http::StatusCode;

use super::values;
use crate::http::Problem;
use crate::scim::change::{Change, Failure, seen};
use crate::scim::request::{DirectoryRequest, ResourceId};
use crate::scim::resource::ResourceType;
use crate::scim::show::all_members;

/// Deletes a group.
#[utoipa::path(
    delete,
    path = "/scim/v2/{parent}/Groups/{id}",
    tag = "scim",
    security(("directory" = [])),
    params(("parent" = String, Path, description = "The parent's id"), ("id" = String, Path, description = "The group's id")),
    responses(
        (status = 204, description = "The group is gone"),
        (status = 401, content_type = "application/scim+json", body = Object, description = "Not this directory's token"),
        (status = 404, content_type = "application/scim+json", body = Object, description = "No such group"),
        (status = 412, content_type = "application/scim+json", body = Object, description = "`If-Match` names another version"),
    ),
)]
pub(crate) async fn delete(request: DirectoryRequest, ResourceId(id): ResourceId) -> Result<StatusCode, Problem> {
    request.change(|| attempt(&request, &id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn attempt(request: &DirectoryRequest, id: &str) -> Result<(), Failure> {
    let mut change = Change::begin(request, "group_deleted").await?;
    let group = change.existing(ResourceType::Group, id).await?;
    let members = all_members(&mut *change.transaction, request, &group.id).await?;
    let now = change.now;
    change.transaction.remove_resource(&request.parent, ResourceType::Group, &group.id, now).await?;
    change.note(Some(seen(&group)), None).await?;
    change.follow_group(&values(&group.document), &members).await?;
    Ok(change.commit().await?)
}
