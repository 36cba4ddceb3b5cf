//! `/healthz`, `/readyz`, `/metrics` and `/openapi.json`: for those who run the store; open to all who reach it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use super::App;
use super::problem::{Problem, ProblemJson};

/// Tells that the process runs.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "operations",
    responses((status = 200, body = String, content_type = "text/plain", description = "`ok`")),
)]
pub(super) async fn healthz() -> &'static str {
    "ok"
}

/// Tells whether the database can be read and written.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operations",
    responses(
        (status = 200, body = String, content_type = "text/plain", description = "`ok`"),
        (status = 503, body = ProblemJson, content_type = "application/problem+json", description = "`database_busy`, `database_unavailable`"),
    ),
)]
pub(super) async fn readyz(State(app): State<Arc<App>>) -> Result<&'static str, Problem> {
    app.readiness.get(async { app.memberships.ready().await.map_err(Problem::from) }).await?;
    Ok("ok")
}

/// Shows all metrics in the Prometheus text format.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operations",
    responses((status = 200, body = String, content_type = "text/plain", description = "Prometheus text format")),
)]
pub(super) async fn metrics(State(app): State<Arc<App>>) -> impl IntoResponse {
    app.seats_counted.get(count_seats(&app)).await;
    app.metrics.polls_waiting(app.feed.waiting());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], app.metrics.render())
}

async fn count_seats(app: &App) {
    let in_force = app.in_force.now();
    let organizations = &in_force.policy.organizations;
    for organization in organizations {
        app.metrics.begin_organization(&organization.id);
    }
    match app.memberships.seats_of_all(organizations).await {
        Ok(all) => all.iter().for_each(|(organization, seats)| app.metrics.seats(organization, seats)),
        // The other metrics are needed most when the database is away; the gauges keep their last values.
        Err(error) => {
            app.metrics.database_failure();
            tracing::error!(failure = %error, "seats could not be counted for metrics");
        }
    }
}

/// Shows this document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "operations",
    responses((status = 200, body = Object, content_type = "application/json", description = "OpenAPI")),
)]
pub(super) async fn openapi() -> impl IntoResponse {
    Json(super::openapi::document())
}
