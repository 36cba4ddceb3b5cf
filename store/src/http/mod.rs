//! The store over HTTP (design §6): one file for each route, and what all requests go through.

mod audit;
mod auth;
mod body;
mod caller;
mod changes;
mod connections;
mod fresh;
mod logins;
mod members;
mod open_files;
mod openapi;
mod operations;
mod parents;
mod pipeline;
mod problem;
mod query;
mod rate;
mod request_id;
mod seats;
mod sync;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;

pub(crate) use auth::{cause, opened_by, refused, within_rate};
pub(crate) use connections::{Limits, serve};
pub(crate) use fresh::Fresh;
pub(crate) use problem::Problem;
pub(crate) use rate::RateLimits;

use crate::clock::Clock;
use crate::feed::Feed;
use crate::in_force::PolicyInForce;
use crate::membership::Membership;
use crate::metrics::Metrics;
use crate::scim;
use crate::token_use::TokenUse;

/// The largest body that is read, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// Longest time for a request, its body included.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// What every request may need.
pub(crate) struct App {
    pub(crate) in_force: PolicyInForce,
    pub(crate) memberships: Membership,
    pub(crate) feed: Feed,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) tokens: TokenUse,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) request_timeout: Duration,
    pub(crate) rate_limits: RateLimits,
    pub(crate) directories: scim::Turns,
    pub(crate) readiness: Fresh<Result<(), Problem>>,
    /// When the seats in the metrics were counted.
    pub(crate) seats_counted: Fresh<()>,
}

/// How long it is taken for granted that the database is ready, or is not.
pub(crate) const READINESS_STAYS: Duration = Duration::from_millis(500);

/// How long seats are not counted again for the metrics.
pub(crate) const SEATS_STAY: Duration = Duration::from_secs(1);

/// All routes.
pub(crate) fn router(app: Arc<App>) -> Router {
    let routes = Router::new()
        .route("/v1/organizations/{organization}/logins", post(logins::log_in))
        .route("/v1/organizations/{organization}/members", get(members::list::list).post(members::add::add))
        .route(
            "/v1/organizations/{organization}/members/{member}",
            get(members::show::show).patch(members::edit::edit).delete(members::remove::remove),
        )
        .route("/v1/organizations/{organization}/seats", get(seats::seats))
        .route("/v1/parents", get(parents::parents))
        .route(sync::PATH, post(sync::sync))
        .route(changes::PATH, get(changes::changes))
        .route("/v1/audit", get(audit::audit))
        .route("/healthz", get(operations::healthz))
        .route("/readyz", get(operations::readyz))
        .route("/metrics", get(operations::metrics))
        .route("/openapi.json", get(operations::openapi))
        .merge(scim::routes());
    layered(routes, app)
}

/// What panics is answered and counted; what is an error leaves as a problem document.
fn layered(routes: Router<Arc<App>>, app: Arc<App>) -> Router {
    let on_panic = {
        let metrics = Arc::clone(&app.metrics);
        move |_: Box<dyn Any + Send>| -> Response {
            metrics.panic();
            Problem::internal().into_response()
        }
    };
    routes
        .fallback(async || Problem::not_found())
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(CatchPanicLayer::custom(on_panic))
        .layer(from_fn_with_state(Arc::clone(&app), pipeline::answer))
        .with_state(app)
}
