//! `GET /v1/parents`: the parents that an administrator may see, with their organizations.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::auth::Admin;
use super::problem::ProblemJson;

/// Parents, in the order of the policy.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Parents {
    parents: Vec<ParentJson>,
}

/// One parent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Parent)]
pub(crate) struct ParentJson {
    /// Its id.
    id: String,
    /// The ids of its organizations.
    organizations: Vec<String>,
}

/// Lists parents. Whose token is for some parents sees these.
#[utoipa::path(
    get,
    path = "/v1/parents",
    tag = "administration",
    security(("administrator" = [])),
    responses(
        (status = 200, body = Parents),
        (status = 401, body = ProblemJson, content_type = "application/problem+json", description = "`unauthorized`"),
    ),
)]
pub(super) async fn parents(State(app): State<Arc<App>>, admin: Admin) -> Json<Parents> {
    let in_force = app.in_force.now();
    let policy = &in_force.policy;
    let parents = policy.parents.iter().filter(|parent| admin.administrator.may_see(&parent.id));
    let parents = parents.map(|parent| ParentJson {
        id: parent.id.to_string(),
        organizations: policy.organizations_of(&parent.id).map(|organization| organization.id.to_string()).collect(),
    });
    Json(Parents { parents: parents.collect() })
}
