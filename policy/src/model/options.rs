//! The top-level options, each with a safe default.

use std::time::Duration;

use crate::id::ParentId;

/// How the filter reaches the membership store (design §3, `store`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreClient {
    /// The Envoy cluster; default `usher-store`.
    pub cluster: String,
    /// The `:authority` of the calls; default `usher-store`.
    pub authority: String,
    /// Longest wait for an answer; default 500 ms.
    pub timeout: Duration,
    /// The environment variable with the filter's token; default `USHER_STORE_TOKEN`.
    pub token_env: String,
}

impl Default for StoreClient {
    fn default() -> Self {
        Self {
            cluster: "usher-store".to_owned(),
            authority: "usher-store".to_owned(),
            timeout: Duration::from_millis(500),
            token_env: "USHER_STORE_TOKEN".to_owned(),
        }
    }
}

/// Where the credential is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The sources in order: the first that is present decides, there is no falling through. Never empty.
    pub sources: Vec<CredentialSource>,
    /// Whether the upstream sees the credential; default no.
    pub forward: bool,
}

impl Default for Credentials {
    fn default() -> Self {
        Self { sources: vec![CredentialSource::Authorization], forward: false }
    }
}

/// One place where a credential may be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CredentialSource {
    /// `authorization: Bearer …` (RFC 6750, 2.1).
    Authorization,
    /// A cookie with this exact name.
    Cookie(String),
    /// A header with this name, lowercased; its whole value is the assertion.
    Header(String),
}

/// The filter's session cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sessions {
    /// Most sessions that one worker keeps; default 10,000.
    pub capacity: usize,
    /// How long nothing may be heard of the change feed before sessions are checked with the store; default 30 s.
    pub max_staleness: Duration,
    /// What happens to a session when neither the feed nor the store can be reached.
    pub offline: Offline,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { capacity: 10_000, max_staleness: Duration::from_secs(30), offline: Offline::Deny }
    }
}

/// What happens to a session when neither the feed nor the store can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offline {
    /// It is denied `store_unavailable`.
    Deny,
    /// It goes on for this long after it was last known to be as the store has it.
    Keep(Duration),
}

/// The names of the identity headers, lowercased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderNames {
    /// The organization's id.
    pub organization: String,
    /// The member's id.
    pub member: String,
    /// The assertion's subject.
    pub subject: String,
    /// The stored email after this login.
    pub email: String,
    /// The role.
    pub role: String,
    /// The seat tier; absent without one.
    pub seat_tier: String,
}

impl Default for HeaderNames {
    fn default() -> Self {
        let name = |fact: &str| format!("x-usher-{fact}");
        Self {
            organization: name("organization"),
            member: name("member"),
            subject: name("subject"),
            email: name("email"),
            role: name("role"),
            seat_tier: name("seat-tier"),
        }
    }
}

impl HeaderNames {
    /// All six names.
    pub fn all(&self) -> [&str; 6] {
        [&self.organization, &self.member, &self.subject, &self.email, &self.role, &self.seat_tier]
    }
}

/// Whether denials block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforcement {
    /// A denial is answered to the client.
    Enforce,
    /// Decide, log and count, but never block, redirect or write.
    Shadow,
}

/// What happens to a host that no organization has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmatched {
    /// `unknown_organization`.
    Deny,
    /// The request passes, without identity headers.
    Pass,
}

/// A named token that may administer the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminToken {
    /// The name that logs and audit show.
    pub name: String,
    /// The environment variable that holds it.
    pub token_env: String,
    /// The parents it may administer; `None` is all.
    pub parents: Option<Vec<ParentId>>,
}
