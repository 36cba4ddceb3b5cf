//! The spans of a trace (OpenTelemetry): a request, and what it asks of the database. Nothing in them tells of a person.

use axum::http::{HeaderMap, Method};
use opentelemetry::global;
use opentelemetry_http::HeaderExtractor;
use tracing::{Instrument as _, Span, field};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// What spans are recorded under. Whoever listens to nothing of this target has no spans, and pays for none.
pub const TRACE_TARGET: &str = "usher_store::trace";

/// A request, as part of the trace that its headers name (W3C Trace Context); of a new one where they name none.
pub(crate) fn request(method: &Method, route: &str, request_id: &str, headers: &HeaderMap) -> Span {
    let span = tracing::trace_span!(
        target: TRACE_TARGET,
        "request",
        otel.name = format_args!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = field::Empty,
        http.request.method = %method,
        http.route = route,
        http.response.status_code = field::Empty,
        usher.request_id = request_id,
    );
    if !span.is_disabled() {
        let parent = global::get_text_map_propagator(|propagator| propagator.extract(&HeaderExtractor(headers)));
        // A span that nobody exports has no place for a parent, and needs none.
        drop(span.set_parent(parent));
    }
    span
}

/// A request was answered with this status.
pub(crate) fn answered(span: &Span, status: u16) {
    span.record("http.response.status_code", status);
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
}

/// What is asked of the database: one statement, or a transaction from its first to its commit, at this attempt.
pub(crate) async fn asked<T>(
    system: &'static str,
    operation: &'static str,
    attempt: u32,
    work: impl Future<Output = T>,
) -> T {
    let span = tracing::trace_span!(
        target: TRACE_TARGET,
        "database",
        otel.name = operation,
        otel.kind = "client",
        db.system.name = system,
        db.operation.name = operation,
        usher.attempt = attempt,
    );
    work.instrument(span).await
}
