//! SCIM 2.0 (RFC 7643 and 7644): what an identity provider's directory says, and what it wants to know.
//!
//! A request is read (`request`, `query`, `body`), understood by pure functions (`resource`, `patch`, `filter`), carried
//! out in one transaction with what it means for memberships (`change`), and answered (`show`, `answer`). `users` and
//! `groups` have a file for each verb.

mod answer;
mod attribute_path;
mod body;
mod change;
mod cursor;
pub(crate) mod discovery;
mod error;
mod etag;
mod filter;
#[cfg(test)]
mod fuzz;
pub(crate) mod groups;
mod list;
mod patch;
mod projection;
mod query;
mod request;
mod resource;
mod schema;
mod search;
mod show;
mod time;
pub(crate) mod users;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{MethodRouter, any, get, post};

pub(crate) use answer::SCIM_JSON;
pub(crate) use error::{ScimError, error_document};
pub(crate) use etag::Version;
pub(crate) use filter::{Lookup, folded};
pub(crate) use request::Turns;
pub(crate) use resource::{Document, GroupOfUser, ResourceType, Stored};

use crate::http::App;

/// Below this path every answer is SCIM's, errors included.
pub(crate) const PREFIX: &str = "/scim/";

/// How much longer than others a request may take.
pub(crate) const MORE_TIME: Duration = Duration::from_secs(20);

/// All routes.
pub(crate) fn routes() -> Router<Arc<App>> {
    let route = |methods: MethodRouter<Arc<App>>| methods.fallback(discovery::method_not_allowed);
    Router::new()
        .route("/scim/v2/{parent}/Users", route(get(users::list::list).post(users::create::create)))
        .route("/scim/v2/{parent}/Users/.search", route(post(users::list::search)))
        .route(
            "/scim/v2/{parent}/Users/{id}",
            route(
                get(users::read::read)
                    .put(users::replace::replace)
                    .patch(users::patch::patch)
                    .delete(users::delete::delete),
            ),
        )
        .route("/scim/v2/{parent}/Groups", route(get(groups::list::list).post(groups::create::create)))
        .route("/scim/v2/{parent}/Groups/.search", route(post(groups::list::search)))
        .route(
            "/scim/v2/{parent}/Groups/{id}",
            route(
                get(groups::read::read)
                    .put(groups::replace::replace)
                    .patch(groups::patch::patch)
                    .delete(groups::delete::delete),
            ),
        )
        .route("/scim/v2/{parent}/ServiceProviderConfig", route(get(discovery::service_provider_config)))
        .route("/scim/v2/{parent}/ResourceTypes", route(get(discovery::resource_types)))
        .route("/scim/v2/{parent}/ResourceTypes/{id}", route(get(discovery::resource_type)))
        .route("/scim/v2/{parent}/Schemas", route(get(discovery::schemas)))
        .route("/scim/v2/{parent}/Schemas/{id}", route(get(discovery::schema)))
        .route("/scim/v2/{parent}/Bulk", any(discovery::not_implemented))
        .route("/scim/v2/{parent}/Me", any(discovery::not_implemented))
        .route("/scim/v2/{parent}/.search", any(discovery::not_implemented))
        .route("/scim/v2/{parent}", any(discovery::nothing))
        .route("/scim/v2/{parent}/{*rest}", any(discovery::nothing))
        .layer(DefaultBodyLimit::max(body::MAX_BODY))
}
