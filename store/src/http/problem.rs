//! Errors as problem documents (RFC 9457) with a stable `code`; what went wrong inside is logged, never shown.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use usher_policy::id::{Role, Tier};
use usher_policy::model::Product;
use usher_policy::rules::hand::Refusal;
use usher_policy_file::listed;
use utoipa::ToSchema;

use super::request_id::RequestId;
use crate::database::DatabaseError;
use crate::membership::{MembershipError, SyncError};
use crate::scim::{self, SCIM_JSON, ScimError, error_document};

/// Seconds after which a caller may try again, where trying again may help.
const RETRY_AFTER: &str = "1";

/// Why a request was not answered as asked.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    failure: Option<String>,
    /// The `scimType`, for errors of SCIM that have one.
    scim_type: Option<&'static str>,
}

/// A problem document, `application/problem+json`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemJson {
    /// Always `about:blank` (RFC 9457, 4.2.1): `code` tells problems apart.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The words of the status.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What happened, for people.
    detail: String,
    /// What happened, for programs; stable.
    code: &'static str,
    /// The request, as logs name it.
    request_id: String,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), failure: None, scim_type: None }
    }

    pub(super) fn body_too_large() -> Self {
        let detail = format!("the body is larger than {} bytes", super::MAX_BODY);
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
    }

    pub(super) fn gone() -> Self {
        let detail = "the feed does not go on from this position: start again without `after`, and trust nothing older";
        Self::new(StatusCode::GONE, "gone", detail)
    }

    pub(crate) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "the store failed; this is a bug")
    }

    pub(super) fn invalid_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", detail)
    }

    pub(super) fn member_not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "member_not_found", "the organization has no member with this id")
    }

    pub(super) fn method_not_allowed() -> Self {
        let detail = "the route does not have this method; `allow` names those that it has";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is nothing under this path")
    }

    pub(super) fn organization_not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "organization_not_found", "there is no organization with this id")
    }

    pub(super) fn parent_not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "parent_not_found", "there is no parent with this id")
    }

    pub(super) fn timed_out() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "timed_out", "the request took too long")
    }

    pub(crate) fn policy_replaced() -> Self {
        let detail = "another policy came in force while this waited for its turn; nothing was changed";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "policy_replaced", detail)
    }

    pub(super) fn too_many_polls() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_polls", "too many polls wait for changes already")
    }

    pub(super) fn too_many_requests() -> Self {
        let detail = "this token makes too many requests; wait as long as `retry-after` says";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail)
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "a bearer token for this route is required")
    }

    /// What was not done by hand, and where a role or tier was named that there is none of: those that there are.
    pub(super) fn by_hand(error: MembershipError, product: &Product) -> Self {
        let known = match &error {
            MembershipError::Refused(Refusal::UnknownRole) => listed(product.roles().map(Role::as_str)),
            MembershipError::Refused(Refusal::UnknownSeatTier) => listed(product.tiers.iter().map(Tier::as_str)),
            _ => return error.into(),
        };
        let detail = format!("{error}; `{}` has {known}", product.name);
        Self { detail, ..error.into() }
    }

    pub(super) fn unsupported_media_type() -> Self {
        let detail = "the body must be `content-type: application/json`";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
    }

    /// Whether the database failed, and how; for the log alone.
    pub(super) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    pub(super) fn code(&self) -> &'static str {
        self.code
    }

    fn document(&self, id: &RequestId) -> Value {
        json!(ProblemJson {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            code: self.code,
            request_id: id.as_str().to_owned(),
        })
    }
}

impl From<DatabaseError> for Problem {
    fn from(error: DatabaseError) -> Self {
        let (code, detail) = match &error {
            DatabaseError::Busy(_) => ("database_busy", "the database has too much to do; nothing was changed"),
            DatabaseError::Conflict(_) => {
                ("too_many_conflicts", "too many requests change the same data at once; nothing was changed")
            }
            DatabaseError::Corrupt(_) | DatabaseError::Unavailable(_) => {
                ("database_unavailable", "the database does not answer; nothing was changed")
            }
        };
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail);
        Self { failure: Some(error.to_string()), ..problem }
    }
}

impl From<ScimError> for Problem {
    fn from(error: ScimError) -> Self {
        let status = StatusCode::from_u16(error.kind.status()).unwrap_or(StatusCode::BAD_REQUEST);
        Self { scim_type: error.kind.scim_type(), ..Self::new(status, error.kind.code(), error.detail) }
    }
}

impl From<MembershipError> for Problem {
    fn from(error: MembershipError) -> Self {
        match error {
            MembershipError::Database(error) => error.into(),
            MembershipError::NoSuchMember => Self::member_not_found(),
            MembershipError::PolicyMismatch(_) => Self::new(StatusCode::CONFLICT, "policy_mismatch", error.to_string()),
            MembershipError::Refused(refusal) => {
                let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::CONFLICT);
                Self::new(status, refusal.code(), refusal.to_string())
            }
        }
    }
}

impl From<SyncError> for Problem {
    fn from(error: SyncError) -> Self {
        let code = match error {
            SyncError::AnotherPolicy => "another_policy",
            SyncError::Database(error) => return error.into(),
            SyncError::UnderWay => "sync_under_way",
        };
        Self::new(StatusCode::CONFLICT, code, error.to_string())
    }
}

/// Leaves the body to [`written`], which alone knows the request's id.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes the document of a response that is a problem, as SCIM has it where `path` is one of its. An error without a
/// problem (the router's own) gets the status' words.
pub(super) fn written(mut response: Response, path: &str, id: &RequestId) -> (Response, Option<Problem>) {
    let problem = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem,
        None if response.status() == StatusCode::METHOD_NOT_ALLOWED => Problem::method_not_allowed(),
        None => return (response, None),
    };
    let (kind, document) = match path.starts_with(scim::PREFIX) {
        true => (SCIM_JSON, error_document(problem.status.as_u16(), problem.scim_type, &problem.detail)),
        false => (HeaderValue::from_static("application/problem+json"), problem.document(id)),
    };
    let mut written = (problem.status, Json(document)).into_response();
    let headers = written.headers_mut();
    headers.insert(header::CONTENT_TYPE, kind);
    match problem.status {
        StatusCode::UNAUTHORIZED => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
        }
        _ => {}
    }
    if let Some(allow) = response.headers_mut().remove(header::ALLOW) {
        headers.insert(header::ALLOW, allow);
    }
    (written, Some(problem))
}
