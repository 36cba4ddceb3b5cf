//! `PUT /scim/v2/{parent}/Users/{id}` (RFC 7644, 3.5.1).

use axum::response::Response;

use super::written;
use crate::http::Problem;
use crate::scim::body::ScimBody;
use crate::scim::change::{Change, Failure};
use crate::scim::projection::Projection;
use crate::scim::query::ScimQuery;
use crate::scim::request::{DirectoryRequest, ResourceId};
use crate::scim::resource::{Document, Input, ResourceType};

/// Replaces a user. What is not sent is cleared, save `active`: who was deactivated is not woken by silence.
#[utoipa::path(
    put,
    path = "/scim/v2/{parent}/Users/{id}",
    tag = "scim",
    security(("directory" = [])),
    params(("parent" = String, Path, description = "The parent's id"), ("id" = String, Path, description = "The user's id")),
    request_body(content = Object, content_type = "application/scim+json", description = "A User (RFC 7643, 4.1)"),
    responses(
        (status = 200, content_type = "application/scim+json", body = Object, description = "The user"),
        (status = 400, content_type = "application/scim+json", body = Object, description = "`invalidSyntax`, `invalidValue`"),
        (status = 401, content_type = "application/scim+json", body = Object, description = "Not this directory's token"),
        (status = 404, content_type = "application/scim+json", body = Object, description = "No such user"),
        (status = 409, content_type = "application/scim+json", body = Object, description = "`uniqueness`: the `userName` is taken"),
        (status = 412, content_type = "application/scim+json", body = Object, description = "`If-Match` names another version"),
    ),
)]
pub(crate) async fn replace(
    request: DirectoryRequest,
    ResourceId(id): ResourceId,
    query: ScimQuery,
    ScimBody(body): ScimBody,
) -> Result<Response, Problem> {
    let projection = query.projection(ResourceType::User)?;
    let document = Input::read(ResourceType::User, &body)?.document;
    request.change(|| attempt(&request, &id, &document, &projection)).await
}

async fn attempt(
    request: &DirectoryRequest,
    id: &str,
    document: &Document,
    projection: &Projection,
) -> Result<Response, Failure> {
    let mut change = Change::begin(request, "user_changed").await?;
    let before = change.existing(ResourceType::User, id).await?;
    let mut document = document.clone();
    document.default_active(before.document.active());
    let (_, response) = written(change, request, before, document, projection).await?;
    Ok(response)
}
