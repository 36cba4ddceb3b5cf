//! A member's record: an identity's place in one organization.

use serde::{Deserialize, Serialize};

use crate::id::{DirectoryUserId, Email, Issuer, MemberId, OrganizationId, Role, Subject, Tier};

/// One row of the membership store. Times are seconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its id; a member made again gets a new one.
    pub id: MemberId,
    /// The organization.
    pub organization: OrganizationId,
    /// The email, as it was last seen or given.
    pub email: Email,
    /// The display name, where one is known.
    pub name: Option<String>,
    /// (issuer, subject) once linked; the key of the identity (design §1).
    pub identity: Option<Identity>,
    /// What the directory calls this person, where they came from it.
    pub external_id: Option<String>,
    /// The directory's user who entitles to this membership, while one does.
    pub directory_user: Option<DirectoryUserId>,
    /// The role, one of the product's.
    pub role: Role,
    /// The seat held, if any.
    pub seat_tier: Option<Tier>,
    /// Whether they may come in.
    pub status: Status,
    /// Since when they wait for a seat, while they do.
    pub pending_since: Option<u64>,
    /// How they came.
    pub source: Source,
    /// The `primary_owner` email that this member's first login answered to; counts while the policy names it.
    pub primary_owner: Option<Email>,
    /// When the record was made.
    pub created_at: u64,
    /// When the record last changed.
    pub updated_at: u64,
    /// The last login that was let in, to the minute.
    pub last_login_at: Option<u64>,
}

impl Member {
    /// An active member made at `now`, without a seat, linked to nobody.
    pub fn new(id: MemberId, organization: OrganizationId, email: Email, role: Role, source: Source, now: u64) -> Self {
        Self {
            id,
            organization,
            email,
            name: None,
            identity: None,
            external_id: None,
            directory_user: None,
            role,
            seat_tier: None,
            status: Status::Active,
            pending_since: None,
            source,
            primary_owner: None,
            created_at: now,
            updated_at: now,
            last_login_at: None,
        }
    }
}

/// (issuer, subject): who an assertion is about, never the email.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The `iss`.
    pub issuer: Issuer,
    /// The `sub`.
    pub subject: Subject,
}

/// Whether a member may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// May come in (with a seat, where the product has tiers).
    Active,
    /// Listed, but no seat was free.
    Pending,
    /// Kept out by hand; keeps the seat.
    Suspended,
}

/// How a member came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// By a login.
    Jit,
    /// By hand.
    Manual,
    /// From the directory.
    Scim,
}

/// The names of an enum's values: written and read by the same list.
macro_rules! names {
    ($type:ident { $($variant:ident $name:literal),* }) => {
        impl $type {
            /// The name in JSON, filters and the database.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// The value with this name.
            pub fn named(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

pub(crate) use names;

names!(Status { Active "active", Pending "pending", Suspended "suspended" });
names!(Source { Jit "jit", Manual "manual", Scim "scim" });
