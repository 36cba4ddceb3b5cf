//! `/v1/organizations/{organization}/members`: one file for each verb, and a member as JSON.

pub(crate) mod add;
pub(crate) mod edit;
pub(crate) mod list;
pub(crate) mod remove;
pub(crate) mod show;

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use serde::Serialize;
use usher_policy::id::MemberId;
use usher_policy::member::{Member, Source, Status};
use usher_policy::model::Organization;
use usher_policy::rules::hand::Warning;
use usher_policy::rules::login::is_primary_owner;
use utoipa::ToSchema;
use uuid::Uuid;

use super::App;
use super::auth::AdminRequest;
use super::problem::Problem;
use crate::clock::rfc3339;

/// The longest display name that is taken, in bytes.
const MAX_NAME: usize = 256;

/// A member (design §6).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Member)]
pub(crate) struct MemberJson {
    /// The member's id; a member made again gets a new one.
    id: String,
    /// The organization's id.
    organization: String,
    /// The email, as it was last seen or given.
    email: String,
    /// The display name, where one is known.
    #[schema(required)]
    name: Option<String>,
    /// The `iss` of the identity; `null` until the first login.
    #[schema(required)]
    issuer: Option<String>,
    /// The `sub` of the identity; `null` until the first login.
    #[schema(required)]
    subject: Option<String>,
    /// One of the product's roles.
    role: String,
    /// The seat held; `null` without one.
    #[schema(required)]
    seat_tier: Option<String>,
    /// `active`, `pending` (no seat yet) or `suspended`.
    #[schema(value_type = String, example = "active")]
    status: Status,
    /// How they came: `manual`, `jit` or `scim`.
    #[schema(value_type = String, example = "jit")]
    source: Source,
    /// Whether they are the primary owner that the policy names.
    primary_owner: bool,
    /// When the record was made (RFC 3339, UTC).
    created_at: String,
    /// When the record last changed (RFC 3339, UTC).
    updated_at: String,
    /// The last login that was let in, to the minute (RFC 3339, UTC).
    #[schema(required)]
    last_login_at: Option<String>,
}

impl MemberJson {
    pub(super) fn of(organization: &Organization, member: Member) -> Self {
        let primary_owner = is_primary_owner(organization, &member);
        let identity = member.identity.as_ref();
        Self {
            id: member.id.as_str().to_owned(),
            organization: member.organization.as_str().to_owned(),
            email: member.email.as_str().to_owned(),
            issuer: identity.map(|identity| identity.issuer.as_str().to_owned()),
            subject: identity.map(|identity| identity.subject.as_str().to_owned()),
            role: member.role.as_str().to_owned(),
            seat_tier: member.seat_tier.map(|tier| tier.as_str().to_owned()),
            status: member.status,
            source: member.source,
            primary_owner,
            created_at: rfc3339(member.created_at),
            updated_at: rfc3339(member.updated_at),
            last_login_at: member.last_login_at.map(rfc3339),
            name: member.name,
        }
    }
}

/// The member that the path names.
pub(crate) struct MemberPath(MemberId);

impl FromRequestParts<Arc<App>> for MemberPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, app).await.map_err(|_| Problem::member_not_found())?;
        let id = params.iter().find(|(name, _)| *name == "member").and_then(|(_, id)| member_id(id));
        id.map(Self).ok_or_else(Problem::member_not_found)
    }
}

/// An id as the store writes it: anything else is nobody's.
fn member_id(text: &str) -> Option<MemberId> {
    let id = Uuid::try_parse(text).ok()?.to_string();
    (id == text).then(|| MemberId::new(id))
}

/// What the operator should know, as a header (RFC 7234, 5.5: code 299 is a miscellaneous persistent warning).
fn warnings(warning: Option<Warning>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(Warning::LastOwner) = warning {
        headers.insert(header::WARNING, HeaderValue::from_static("299 usher \"last_owner\""));
    }
    headers
}

/// One line for each change by hand: who did what to whom.
fn log(admin: &AdminRequest, did: &'static str, member: &Member) {
    let (administrator, organization) = (admin.administrator.name.as_str(), admin.organization.id.as_str());
    tracing::info!(administrator, organization, member = member.id.as_str(), did, "changed by hand");
}
