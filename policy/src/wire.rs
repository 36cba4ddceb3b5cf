//! What filter and store say to each other: a login (`POST /v1/organizations/{org}/logins`), a place in the change feed.

mod position;

use serde::{Deserialize, Serialize};

use crate::id::{ConnectionId, Email, Issuer, MemberId, Role, Subject, Tier};
use crate::member::{Source, Status};
use crate::rules::plan::Plan;

pub use position::{NoPosition, Position};

/// One login: who, when, and what the rules say shall be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The connection whose keys verified the assertion.
    pub connection: ConnectionId,
    /// The `iss`.
    pub issuer: Issuer,
    /// The `sub`.
    pub subject: Subject,
    /// The verified email.
    pub email: Email,
    /// The display name, if the assertion has one; at most 256 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The claim that the connection names as `external_id`; at most 256 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The `iat`, whole seconds since the Unix epoch.
    pub issued_at: u64,
    /// What shall be done.
    pub plan: Plan,
    /// Decide and answer, but write nothing (shadow enforcement).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub preview: bool,
}

/// The store's answer to a login.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginAnswer {
    /// What came of it.
    pub answer: Answer,
    /// The member after this login, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<MemberFacts>,
    /// The change feed's position at which this was true; opaque.
    pub position: String,
}

/// What came of a login (design §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// No such member; nobody was made.
    Absent,
    /// The email or the external id belongs to somebody else, or to two.
    Conflict,
    /// A plan to remove was denied but the member kept.
    Kept,
    /// An active member.
    Member,
    /// Listed, but no seat is free.
    Pending,
    /// The member was removed.
    Removed,
    /// A single-use assertion came twice.
    Replayed,
    /// The assertion is not newer than a removal, suspension or logout.
    Revoked,
    /// The member is suspended.
    Suspended,
}

/// What the filter needs to know of a member; the store sends more, which is ignored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberFacts {
    /// The member's id.
    pub id: MemberId,
    /// The stored email after this login.
    pub email: Email,
    /// The role.
    pub role: Role,
    /// The seat, if any.
    pub seat_tier: Option<Tier>,
    /// Whether they may come in.
    pub status: Status,
    /// How they came.
    pub source: Source,
}
