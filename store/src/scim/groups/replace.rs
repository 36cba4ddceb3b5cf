//! `PUT /scim/v2/{parent}/Groups/{id}` (RFC 7644, 3.5.1).

use axum::response::Response;

use super::written;
use crate::http::Problem;
use crate::scim::body::ScimBody;
use crate::scim::change::{Change, Failure};
use crate::scim::patch::MemberChange;
use crate::scim::projection::Projection;
use crate::scim::query::ScimQuery;
use crate::scim::request::{DirectoryRequest, ResourceId};
use crate::scim::resource::{Input, ResourceType};

/// Replaces a group. Members that are not listed at all stay: "not asserted by the client" is not "none".
#[utoipa::path(
    put,
    path = "/scim/v2/{parent}/Groups/{id}",
    tag = "scim",
    security(("directory" = [])),
    params(("parent" = String, Path, description = "The parent's id"), ("id" = String, Path, description = "The group's id")),
    request_body(content = Object, content_type = "application/scim+json", description = "A Group (RFC 7643, 4.2)"),
    responses(
        (status = 200, content_type = "application/scim+json", body = Object, description = "The group"),
        (status = 400, content_type = "application/scim+json", body = Object, description = "`invalidSyntax`, `invalidValue`"),
        (status = 401, content_type = "application/scim+json", body = Object, description = "Not this directory's token"),
        (status = 404, content_type = "application/scim+json", body = Object, description = "No such group"),
        (status = 409, content_type = "application/scim+json", body = Object, description = "`uniqueness`: the `displayName` is taken"),
        (status = 412, content_type = "application/scim+json", body = Object, description = "`If-Match` names another version"),
    ),
)]
pub(crate) async fn replace(
    request: DirectoryRequest,
    ResourceId(id): ResourceId,
    query: ScimQuery,
    ScimBody(body): ScimBody,
) -> Result<Response, Problem> {
    let projection = query.projection(ResourceType::Group)?;
    let input = Input::read(ResourceType::Group, &body)?;
    request.change(|| attempt(&request, &id, &input, &projection)).await
}

async fn attempt(
    request: &DirectoryRequest,
    id: &str,
    input: &Input,
    projection: &Projection,
) -> Result<Response, Failure> {
    let mut change = Change::begin(request, "group_changed").await?;
    let before = change.existing(ResourceType::Group, id).await?;
    let members = input.members.clone().map(MemberChange::replacing).into_iter().collect();
    let (_, response) = written(change, request, before, input.document.clone(), members, projection).await?;
    Ok(response)
}
