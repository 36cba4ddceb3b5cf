//! Answers: `application/scim+json`, with the version and the place of a resource.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};
use usher_policy::model::PatchResponse;

use super::projection::Projection;
use super::query::ScimQuery;
use super::request::DirectoryRequest;
use super::resource::Stored;

/// The media type (RFC 7644, 8.1).
pub(crate) const SCIM_JSON: HeaderValue = HeaderValue::from_static("application/scim+json");

/// A document.
pub(super) fn document(status: StatusCode, document: &Value) -> Response {
    let mut response = (status, document.to_string()).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, SCIM_JSON);
    response
}

/// One resource, what is wanted of it.
pub(super) fn resource(
    request: &DirectoryRequest,
    status: StatusCode,
    stored: &Stored,
    whole: Map<String, Value>,
    projection: &Projection,
) -> Response {
    let shown = Value::Object(projection.apply(stored.kind, whole));
    let mut response = document(status, &shown);
    let headers = response.headers_mut();
    tag(headers, stored);
    if let Ok(location) = HeaderValue::from_str(&stored.location(&request.base)) {
        let name = if status == StatusCode::CREATED { header::LOCATION } else { header::CONTENT_LOCATION };
        headers.insert(name, location);
    }
    response
}

/// The answer to a PATCH: the resource, or nothing but its version where the policy says so.
pub(super) fn to_patch(request: &DirectoryRequest, query: &ScimQuery, stored: &Stored, response: Response) -> Response {
    // "The server MUST return a 200 OK if the 'attributes' parameter is specified in the request."
    match request.directory.patch_response {
        PatchResponse::NoContent if !query.names_attributes() => bare(StatusCode::NO_CONTENT, stored),
        PatchResponse::NoContent | PatchResponse::Resource => response,
    }
}

/// Nothing but the version.
pub(super) fn bare(status: StatusCode, stored: &Stored) -> Response {
    let mut response = status.into_response();
    tag(response.headers_mut(), stored);
    response
}

fn tag(headers: &mut HeaderMap, stored: &Stored) {
    if let Ok(tag) = HeaderValue::from_str(&stored.version.to_string()) {
        headers.insert(header::ETAG, tag);
    }
}
