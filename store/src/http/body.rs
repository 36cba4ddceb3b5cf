//! JSON bodies, read strictly: the right type, a bounded length, no duplicate and no unknown member.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use serde::de::DeserializeOwned;
use usher_policy::json;

use super::problem::Problem;

/// A JSON body of a type that refuses what it does not know.
pub(crate) struct JsonBody<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::unsupported_media_type());
        }
        let body = Bytes::from_request(request, state).await.map_err(|rejection| {
            match rejection.into_response().status() {
                StatusCode::PAYLOAD_TOO_LARGE => Problem::body_too_large(),
                _ => Problem::invalid_request("the body did not arrive whole"),
            }
        })?;
        let value = json::parse(&body).map_err(|error| Problem::invalid_request(format!("the body: {error}")))?;
        // A list of values would be taken for the members in their order.
        if !value.is_object() {
            return Err(Problem::invalid_request("the body: it is not an object"));
        }
        match serde_json::from_value(value) {
            Ok(value) => Ok(Self(value)),
            Err(error) => Err(Problem::invalid_request(format!("the body: {error}"))),
        }
    }
}

/// `application/json`, with or without parameters (RFC 8259, 11).
fn is_json(headers: &HeaderMap) -> bool {
    let Some(Ok(value)) = headers.get(header::CONTENT_TYPE).map(|value| value.to_str()) else { return false };
    let essence = value.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}
