//! `PATCH /scim/v2/{parent}/Users/{id}` (RFC 7644, 3.5.2).

use axum::response::Response;

use super::written;
use crate::http::Problem;
use crate::scim::answer;
use crate::scim::body::ScimBody;
use crate::scim::change::{Change, Failure};
use crate::scim::patch::Patch;
use crate::scim::projection::Projection;
use crate::scim::query::ScimQuery;
use crate::scim::request::{DirectoryRequest, ResourceId};
use crate::scim::resource::{ResourceType, Stored};

/// Changes a user.
#[utoipa::path(
    patch,
    path = "/scim/v2/{parent}/Users/{id}",
    tag = "scim",
    security(("directory" = [])),
    params(("parent" = String, Path, description = "The parent's id"), ("id" = String, Path, description = "The user's id")),
    request_body(content = Object, content_type = "application/scim+json", description = "A PatchOp (RFC 7644, 3.5.2)"),
    responses(
        (status = 200, content_type = "application/scim+json", body = Object, description = "The user"),
        (status = 204, description = "Changed; `patch_response: no_content`"),
        (status = 400, content_type = "application/scim+json", body = Object, description = "A `scimType` of RFC 7644, table 9"),
        (status = 401, content_type = "application/scim+json", body = Object, description = "Not this directory's token"),
        (status = 404, content_type = "application/scim+json", body = Object, description = "No such user"),
        (status = 409, content_type = "application/scim+json", body = Object, description = "`uniqueness`: the `userName` is taken"),
        (status = 412, content_type = "application/scim+json", body = Object, description = "`If-Match` names another version"),
    ),
)]
pub(crate) async fn patch(
    request: DirectoryRequest,
    ResourceId(id): ResourceId,
    query: ScimQuery,
    ScimBody(body): ScimBody,
) -> Result<Response, Problem> {
    let projection = query.projection(ResourceType::User)?;
    let patch = Patch::read(&body)?;
    let (user, response) = request.change(|| attempt(&request, &id, &patch, &projection)).await?;
    Ok(answer::to_patch(&request, &query, &user, response))
}

async fn attempt(
    request: &DirectoryRequest,
    id: &str,
    patch: &Patch,
    projection: &Projection,
) -> Result<(Stored, Response), Failure> {
    let mut change = Change::begin(request, "user_changed").await?;
    let before = change.existing(ResourceType::User, id).await?;
    let (document, _) = patch.apply(ResourceType::User, before.document.clone())?;
    written(change, request, before, document, projection).await
}
