//! `GET …/members`: members in pages, filtered by email, status or role.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use usher_policy::id::{Email, Role};
use usher_policy::member::Status;
use usher_policy::model::Organization;
use usher_policy::rules::hand::Refusal;
use utoipa::{IntoParams, ToSchema};

use super::super::App;
use super::super::auth::AdminRequest;
use super::super::problem::{Problem, ProblemJson};
use super::super::query::StrictQuery;
use super::{MemberJson, member_id};
use crate::database::MemberFilter;
use crate::membership::MembershipError;

/// Most members of a page, and how many come without `limit`.
const MAX_LIMIT: u32 = 500;
const DEFAULT_LIMIT: u32 = 100;

/// A page of members.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemberList {
    /// The members, oldest first.
    members: Vec<MemberJson>,
    /// The `cursor` of the next page; `null` on the last.
    #[schema(required)]
    next: Option<String>,
}

/// Which members are listed; everything that is given must hold.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// This email, whatever its case.
    email: Option<String>,
    /// `active`, `pending` or `suspended`.
    status: Option<String>,
    /// One of the product's roles.
    role: Option<String>,
    /// Most members of the page: 1 to 500, 100 without it.
    limit: Option<u32>,
    /// Where the page before ended: its `next`.
    cursor: Option<String>,
}

/// Lists members.
#[utoipa::path(
    get,
    path = "/v1/organizations/{organization}/members",
    tag = "administration",
    security(("administrator" = [])),
    params(("organization" = String, Path, description = "The organization's id"), ListQuery),
    responses(
        (status = 200, body = MemberList),
        (status = 400, body = ProblemJson, content_type = "application/problem+json",
            description = "`invalid_request`, `unknown_role`"),
        (status = 401, body = ProblemJson, content_type = "application/problem+json", description = "`unauthorized`"),
        (status = 404, body = ProblemJson, content_type = "application/problem+json", description = "`organization_not_found`"),
        (status = 503, body = ProblemJson, content_type = "application/problem+json", description = "`database_busy`, `database_unavailable`, `timed_out`"),
    ),
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    admin: AdminRequest,
    StrictQuery(query): StrictQuery<ListQuery>,
) -> Result<Json<MemberList>, Problem> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::invalid_request(format!("`limit` must be 1 to {MAX_LIMIT}")));
    }
    // The cursor is the last member's id: it holds while members come and go, that one included.
    let after = match &query.cursor {
        Some(cursor) => Some(member_id(cursor).ok_or_else(|| Problem::invalid_request("`cursor` is not one"))?),
        None => None,
    };
    let filter = filter(&admin.organization, &query)?;
    let page = app.memberships.members(&admin.organization, &filter, after.as_ref(), limit).await?;
    let members = page.members.into_iter().map(|member| MemberJson::of(&admin.organization, member)).collect();
    Ok(Json(MemberList { members, next: page.next.map(|id| id.as_str().to_owned()) }))
}

fn filter(organization: &Organization, query: &ListQuery) -> Result<MemberFilter, Problem> {
    let email = match &query.email {
        Some(email) => Some(Email::parse(email).ok_or_else(|| Problem::invalid_request("`email` is not one"))?),
        None => None,
    };
    let role = query.role.as_ref().map(Role::new);
    if role.as_ref().is_some_and(|role| !organization.product.has_role(role)) {
        return Err(Problem::by_hand(MembershipError::Refused(Refusal::UnknownRole), &organization.product));
    }
    let status = match &query.status {
        Some(status) => Some(
            Status::named(status)
                .ok_or_else(|| Problem::invalid_request("`status` must be `active`, `pending` or `suspended`"))?,
        ),
        None => None,
    };
    Ok(MemberFilter { email, role, status })
}
