//! JSON bodies of SCIM requests: bounded, without doubles, of a JSON media type.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use serde_json::Value;
use usher_policy::json;

use super::error::{ScimError, ScimErrorKind};
use crate::http::Problem;

/// The largest body that is read, in bytes: room for as many members as one request may name.
pub(crate) const MAX_BODY: usize = 4 * 1024 * 1024;

/// Most objects in it, as many as members and operations that one request may name, and twice that; and most values. A tree
/// takes far more room than its text: for 8 bytes an object takes 600.
const MAX_OBJECTS: usize = 50_000;
const MAX_VALUES: usize = 500_000;

/// A JSON body.
pub(crate) struct ScimBody(pub(super) Value);

impl<S: Send + Sync> FromRequest<S> for ScimBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            let detail = "the body must be `application/scim+json` or `application/json`";
            return Err(ScimError::new(ScimErrorKind::UnsupportedMediaType, detail).into());
        }
        // What is announced as too large need not be waited for.
        if announced(request.headers()).is_some_and(|length| length > MAX_BODY) {
            return Err(too_large().into());
        }
        let body = Bytes::from_request(request, state).await.map_err(|rejection| {
            match rejection.into_response().status() {
                StatusCode::PAYLOAD_TOO_LARGE => too_large(),
                _ => ScimError::invalid_syntax("the body did not arrive whole"),
            }
        })?;
        let count = |begin: &[u8]| body.iter().filter(|byte| begin.contains(byte)).count();
        // Or what is in a text looks like so many.
        if count(b"{") > MAX_OBJECTS || count(b"{[,") > MAX_VALUES {
            let detail = format!("the body has more than {MAX_OBJECTS} objects, or {MAX_VALUES} values");
            return Err(ScimError::new(ScimErrorKind::TooLarge, detail).into());
        }
        let value = json::parse(&body).map_err(|error| ScimError::invalid_syntax(format!("the body: {error}")))?;
        Ok(Self(value))
    }
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large() -> ScimError {
    ScimError::new(ScimErrorKind::TooLarge, format!("the body is larger than {MAX_BODY} bytes"))
}

/// A JSON media type, or none at all (RFC 7644, 3.1 and 8.1).
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return true };
    let essence = value.to_str().ok().and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    ["application/scim+json", "application/json"].iter().any(|kind| essence.eq_ignore_ascii_case(kind))
}
