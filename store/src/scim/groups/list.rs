//! `GET /scim/v2/{parent}/Groups` and `POST …/Groups/.search` (RFC 7644, 3.4.2 and 3.4.3).

use axum::response::Response;

use crate::http::Problem;
use crate::scim::body::ScimBody;
use crate::scim::query::ScimQuery;
use crate::scim::request::DirectoryRequest;
use crate::scim::resource::ResourceType;
use crate::scim::search;

/// Lists groups: `filter`, `startIndex`, `count`, `attributes`, `excludedAttributes`.
#[utoipa::path(
    get,
    path = "/scim/v2/{parent}/Groups",
    tag = "scim",
    security(("directory" = [])),
    params(
        ("parent" = String, Path, description = "The parent's id"),
        ("filter" = Option<String>, Query, description = "A filter (RFC 7644, 3.4.2.2)"),
        ("startIndex" = Option<i64>, Query, description = "The first result, counted from 1"),
        ("count" = Option<i64>, Query, description = "Most results, up to 200"),
        ("attributes" = Option<String>, Query, description = "Attributes to show, with commas between"),
        ("excludedAttributes" = Option<String>, Query, description = "Attributes not to show"),
    ),
    responses(
        (status = 200, content_type = "application/scim+json", body = Object, description = "A ListResponse"),
        (status = 400, content_type = "application/scim+json", body = Object, description = "`invalidFilter`, `invalidValue`"),
        (status = 401, content_type = "application/scim+json", body = Object, description = "Not this directory's token"),
    ),
)]
pub(crate) async fn list(request: DirectoryRequest, query: ScimQuery) -> Result<Response, Problem> {
    search::list(&request, ResourceType::Group, &query.wanted(ResourceType::Group)?).await
}

/// The same, asked for in a body.
pub(crate) async fn search(request: DirectoryRequest, ScimBody(body): ScimBody) -> Result<Response, Problem> {
    let query = ScimQuery::from_search(&body)?;
    search::list(&request, ResourceType::Group, &query.wanted(ResourceType::Group)?).await
}
