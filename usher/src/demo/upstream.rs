//! The product behind the filter: it says what it was asked and as whom.

use axum::Router;
use axum::extract::Request;
use axum::response::Json;
use serde_json::{Map, Value, json};

/// The names of the headers that it shows begin like this.
const SHOWN: &str = "x-usher-";

/// A server that answers every request with its method, path, and identity headers.
pub(super) fn router() -> Router {
    Router::new().fallback(echo)
}

async fn echo(request: Request) -> Json<Value> {
    let headers: Map<String, Value> = request
        .headers()
        .iter()
        .filter(|(name, _)| name.as_str().starts_with(SHOWN))
        .map(|(name, value)| (name.to_string(), Value::from(String::from_utf8_lossy(value.as_bytes()))))
        .collect();
    let credential = request.headers().contains_key("authorization");
    Json(json!({
        "method": request.method().as_str(),
        "path": request.uri().path(),
        "headers": headers,
        "authorization": if credential { "present" } else { "absent" },
    }))
}
