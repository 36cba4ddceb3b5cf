//! `GET /scim/v2/{parent}/Groups/{id}` (RFC 7644, 3.4.1).

use axum::response::Response;

use crate::http::Problem;
use crate::scim::query::ScimQuery;
use crate::scim::request::{DirectoryRequest, ResourceId};
use crate::scim::resource::ResourceType;
use crate::scim::show;

/// Shows one group.
#[utoipa::path(
    get,
    path = "/scim/v2/{parent}/Groups/{id}",
    tag = "scim",
    security(("directory" = [])),
    params(("parent" = String, Path, description = "The parent's id"), ("id" = String, Path, description = "The group's id")),
    responses(
        (status = 200, content_type = "application/scim+json", body = Object, description = "The group"),
        (status = 304, description = "`If-None-Match` names the group's version"),
        (status = 401, content_type = "application/scim+json", body = Object, description = "Not this directory's token"),
        (status = 404, content_type = "application/scim+json", body = Object, description = "No such group"),
    ),
)]
pub(crate) async fn read(
    request: DirectoryRequest,
    ResourceId(id): ResourceId,
    query: ScimQuery,
) -> Result<Response, Problem> {
    show::one(&request, ResourceType::Group, &id, &query).await
}
