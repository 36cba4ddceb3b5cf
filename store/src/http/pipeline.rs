//! What every request goes through: an id, a time limit, a problem document where it fails, a measurement, a log line.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::{Instrument as _, Span};

use super::problem::{Problem, written};
use super::request_id::{RequestId, X_REQUEST_ID};
use super::{App, changes, sync};
use crate::{scim, trace};

/// Whether a request is told of in traces: polls of the feed and what watches the store go on all the time, and mean nothing.
fn is_traced(route: &str) -> bool {
    !matches!(route, changes::PATH | "/healthz" | "/readyz" | "/metrics")
}

pub(super) async fn answer(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = RequestId::of(request.headers(), app.clock.now());
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    request.extensions_mut().insert(id.clone());

    let longer = match route.as_str() {
        // A poll of the feed waits on purpose.
        changes::PATH => changes::MAX_WAIT,
        // A large directory is read from end to end.
        sync::PATH => sync::MORE_TIME,
        // A group may have many members, and every one of them a membership.
        route if route.starts_with(scim::PREFIX) => scim::MORE_TIME,
        _ => Duration::ZERO,
    };
    let span = match is_traced(&route) {
        true => trace::request(&method, &route, id.as_str(), request.headers()),
        false => Span::none(),
    };
    let answering = next.run(request).instrument(span.clone());
    let response = match tokio::time::timeout(app.request_timeout + longer, answering).await {
        Ok(response) => response,
        Err(_) => Problem::timed_out().into_response(),
    };

    let (mut response, problem) = written(response, &path, &id);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(id) = id.header() {
        headers.insert(X_REQUEST_ID, id);
    }

    let (status, took) = (response.status().as_u16(), began.elapsed());
    trace::answered(&span, status);
    let code = problem.as_ref().map_or("", Problem::code);
    let request_id = id.as_str();
    if response.status().is_server_error() {
        let failure = problem.as_ref().and_then(Problem::failure).unwrap_or("");
        tracing::error!(request_id, %method, route, status, code, failure, "request failed");
        if !failure.is_empty() {
            app.metrics.database_failure();
        }
    } else {
        tracing::debug!(request_id, %method, route, status, code, took_us = took.as_micros(), "request answered");
    }
    app.metrics.request(route, status, took);
    response
}
