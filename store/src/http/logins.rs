//! `POST /v1/organizations/{organization}/logins`: the filter brings a login and its plan, and hears what came of it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use usher_policy::id::Email;
use usher_policy::wire::{Answer, Login};
use utoipa::ToSchema;

use super::App;
use super::auth::FilterRequest;
use super::body::JsonBody;
use super::members::MemberJson;
use super::openapi::LoginSchema;
use super::problem::{Problem, ProblemJson};
use crate::membership::MembershipError;

/// The longest subject, in bytes (design §4).
const MAX_SUBJECT: usize = 255;

/// The longest name and the longest external id, in bytes.
const MAX_TEXT: usize = 256;

/// What came of a login: `wire::LoginAnswer` with the whole member.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LoginResponse {
    /// What came of it.
    #[schema(value_type = String, example = "member")]
    answer: Answer,
    /// The member after this login, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<MemberJson>,
    /// The change feed's position at which this is true; opaque.
    position: String,
}

/// Applies a login's plan in one transaction. Safe to repeat.
#[utoipa::path(
    post,
    path = "/v1/organizations/{organization}/logins",
    tag = "filter",
    security(("filter" = [])),
    params(("organization" = String, Path, description = "The organization's id")),
    request_body = LoginSchema,
    responses(
        (status = 200, body = LoginResponse),
        (status = 400, body = ProblemJson, content_type = "application/problem+json", description = "`invalid_request`"),
        (status = 401, body = ProblemJson, content_type = "application/problem+json", description = "`unauthorized`"),
        (status = 404, body = ProblemJson, content_type = "application/problem+json", description = "`organization_not_found`"),
        (status = 409, body = ProblemJson, content_type = "application/problem+json", description = "`policy_mismatch`"),
        (status = 413, body = ProblemJson, content_type = "application/problem+json", description = "`body_too_large`"),
        (status = 415, body = ProblemJson, content_type = "application/problem+json", description = "`unsupported_media_type`"),
        (status = 503, body = ProblemJson, content_type = "application/problem+json", description = "`database_busy`, `database_unavailable`, `too_many_conflicts`, `timed_out`"),
    ),
)]
pub(super) async fn log_in(
    State(app): State<Arc<App>>,
    FilterRequest { organization, cause }: FilterRequest,
    JsonBody(login): JsonBody<Login>,
) -> Result<Json<LoginResponse>, Problem> {
    let login = checked(login)?;
    match app.memberships.login(&organization, &login, &cause).await {
        Ok(done) => Ok(Json(LoginResponse {
            answer: done.answer,
            member: done.member.map(|member| MemberJson::of(&organization, member)),
            position: done.position.to_string(),
        })),
        Err(error) => {
            if let MembershipError::PolicyMismatch(what) = error {
                app.metrics.policy_mismatch(&organization.id);
                let request_id = cause.request_id.as_str();
                tracing::warn!(request_id, organization = organization.id.as_str(), what, "policy mismatch");
            }
            Err(error.into())
        }
    }
}

/// What types do not say: lengths and characters. The filter has checked them; the store trusts no one's word on it.
fn checked(mut login: Login) -> Result<Login, Problem> {
    let subject = login.subject.as_str();
    if subject.is_empty() || subject.len() > MAX_SUBJECT || subject.chars().any(char::is_control) {
        return Err(Problem::invalid_request("`subject` must be 1 to 255 bytes without control characters"));
    }
    if Email::parse(login.email.as_str()).is_none() {
        return Err(Problem::invalid_request("`email` must have one `@`, a local part and a domain"));
    }
    // PostgreSQL cannot keep a NUL. A display name does without; an id would be another.
    if let Some(name) = &mut login.name {
        name.retain(|letter| letter != '\0');
    }
    if login.external_id.as_ref().is_some_and(|id| id.contains('\0')) {
        return Err(Problem::invalid_request("`external_id` must not contain a NUL"));
    }
    let texts = [("name", &login.name), ("external_id", &login.external_id)];
    for (field, text) in texts {
        if text.as_ref().is_some_and(|text| text.len() > MAX_TEXT) {
            return Err(Problem::invalid_request(format!("`{field}` must be at most {MAX_TEXT} bytes")));
        }
    }
    if i64::try_from(login.issued_at).is_err() {
        return Err(Problem::invalid_request("`issued_at` is not a time"));
    }
    Ok(login)
}
