//! What the service tells of itself (RFC 7644, section 4), and what it does not do.

use axum::http::StatusCode;
use axum::response::Response;

use super::answer;
use super::error::{ScimError, ScimErrorKind};
use super::list::Page;
use super::query::ScimQuery;
use super::request::{DirectoryRequest, ResourceId};
use super::schema::document;
use crate::http::Problem;

/// What is supported.
#[utoipa::path(
    get,
    path = "/scim/v2/{parent}/ServiceProviderConfig",
    tag = "scim",
    security(("directory" = [])),
    params(("parent" = String, Path, description = "The parent's id")),
    responses(
        (status = 200, content_type = "application/scim+json", body = Object, description = "What is supported"),
        (status = 401, content_type = "application/scim+json", body = Object, description = "Not this directory's token"),
    ),
)]
pub(crate) async fn service_provider_config(request: DirectoryRequest) -> Response {
    answer::document(StatusCode::OK, &document::service_provider_config(&request.base))
}

/// The types of resources.
#[utoipa::path(
    get,
    path = "/scim/v2/{parent}/ResourceTypes",
    tag = "scim",
    security(("directory" = [])),
    params(("parent" = String, Path, description = "The parent's id")),
    responses(
        (status = 200, content_type = "application/scim+json", body = Object, description = "A ListResponse"),
        (status = 401, content_type = "application/scim+json", body = Object, description = "Not this directory's token"),
        (status = 403, content_type = "application/scim+json", body = Object, description = "Filters are not supported here"),
    ),
)]
pub(crate) async fn resource_types(request: DirectoryRequest, query: ScimQuery) -> Result<Response, Problem> {
    list(&query, document::resource_types(&request.base))
}

/// One type of resources.
#[utoipa::path(
    get,
    path = "/scim/v2/{parent}/ResourceTypes/{id}",
    tag = "scim",
    security(("directory" = [])),
    params(("parent" = String, Path, description = "The parent's id"), ("id" = String, Path, description = "The type's name")),
    responses(
        (status = 200, content_type = "application/scim+json", body = Object, description = "The type"),
        (status = 401, content_type = "application/scim+json", body = Object, description = "Not this directory's token"),
        (status = 404, content_type = "application/scim+json", body = Object, description = "No such type"),
    ),
)]
pub(crate) async fn resource_type(request: DirectoryRequest, ResourceId(id): ResourceId) -> Result<Response, Problem> {
    let found = document::resource_type(&id, &request.base).ok_or_else(no_such_document)?;
    Ok(answer::document(StatusCode::OK, &found))
}

/// The schemas.
#[utoipa::path(
    get,
    path = "/scim/v2/{parent}/Schemas",
    tag = "scim",
    security(("directory" = [])),
    params(("parent" = String, Path, description = "The parent's id")),
    responses(
        (status = 200, content_type = "application/scim+json", body = Object, description = "A ListResponse"),
        (status = 401, content_type = "application/scim+json", body = Object, description = "Not this directory's token"),
        (status = 403, content_type = "application/scim+json", body = Object, description = "Filters are not supported here"),
    ),
)]
pub(crate) async fn schemas(request: DirectoryRequest, query: ScimQuery) -> Result<Response, Problem> {
    list(&query, document::schemas(&request.base))
}

/// One schema.
#[utoipa::path(
    get,
    path = "/scim/v2/{parent}/Schemas/{id}",
    tag = "scim",
    security(("directory" = [])),
    params(("parent" = String, Path, description = "The parent's id"), ("id" = String, Path, description = "The schema's URN")),
    responses(
        (status = 200, content_type = "application/scim+json", body = Object, description = "The schema"),
        (status = 401, content_type = "application/scim+json", body = Object, description = "Not this directory's token"),
        (status = 404, content_type = "application/scim+json", body = Object, description = "No such schema"),
    ),
)]
pub(crate) async fn schema(request: DirectoryRequest, ResourceId(id): ResourceId) -> Result<Response, Problem> {
    let found = document::schema(&id, &request.base).ok_or_else(no_such_document)?;
    Ok(answer::document(StatusCode::OK, &found))
}

/// `/Bulk`, `/Me` and searches across types: "501 (Not Implemented)" (RFC 7644, 3.12).
pub(super) async fn not_implemented(_: DirectoryRequest) -> Problem {
    ScimError::new(ScimErrorKind::NotImplemented, "this is not supported; see `ServiceProviderConfig`").into()
}

/// A path that is known, by a method that it does not have.
pub(super) async fn method_not_allowed(_: DirectoryRequest) -> Problem {
    ScimError::new(ScimErrorKind::MethodNotAllowed, "this has no such method; `allow` names those it has").into()
}

/// A path that is not known.
pub(super) async fn nothing(_: DirectoryRequest) -> Problem {
    ScimError::new(ScimErrorKind::NotFound, "there is nothing under this path").into()
}

/// "If a 'filter' is provided, the service provider SHOULD respond with HTTP status code 403" (RFC 7644, section 4).
fn list(query: &ScimQuery, documents: Vec<serde_json::Value>) -> Result<Response, Problem> {
    if query.has_filter() {
        return Err(ScimError::new(ScimErrorKind::Forbidden, "this cannot be filtered").into());
    }
    let page = Page::new(None, None)?;
    Ok(answer::document(StatusCode::OK, &page.response(documents.len() as u64, documents)))
}

fn no_such_document() -> Problem {
    ScimError::new(ScimErrorKind::NotFound, "there is nothing with this id").into()
}
