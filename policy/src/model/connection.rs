//! One trusted identity provider: its keys, its claims, and what it must say.

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::id::{ConnectionId, Issuer};
use crate::json::{Document, Json};
use crate::token::keys::KeySet;

/// An OpenID Connect provider that a parent trusts (design §3, `connections`).
#[derive(Debug)]
pub struct Connection {
    /// Its id, unique within the parent.
    pub id: ConnectionId,
    /// The exact `iss` of its assertions.
    pub issuer: Issuer,
    /// Accepted `aud` values; never empty.
    pub audiences: Vec<String>,
    /// Where its keys come from.
    pub jwks: Jwks,
    /// Signature algorithms that are accepted; never empty, never HMAC, never `none`.
    pub algorithms: Vec<Algorithm>,
    /// Where in the claims things are found.
    pub claims: ClaimNames,
    /// Whether `email_verified` must be true.
    pub email: EmailTrust,
    /// Claims that must have one of some values; else `not_assigned`, removing nobody.
    pub require: Vec<Requirement>,
    /// How being assigned to the application shows, where the provider issues assertions to the unassigned too.
    pub assignment: Option<Assignment>,
    /// The domains this connection speaks for, lowercased; `None` is all of the parent's.
    pub domains: Option<Vec<String>>,
    /// How a first login is linked to a member that came from the directory.
    pub scim_match: ScimMatch,
    /// Tolerated difference between clocks, for `exp`, `nbf` and `iat`; whole seconds.
    pub clock_skew: Duration,
}

/// Where a connection's keys come from.
#[derive(Debug)]
pub enum Jwks {
    /// Written in the policy file.
    Inline(KeySet),
    /// Fetched through an Envoy cluster.
    Remote(RemoteJwks),
}

/// A key set behind a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteJwks {
    /// The `jwks_uri`: https, or http on loopback or with `insecure: true`.
    pub uri: JwksUri,
    /// The Envoy cluster through which it is fetched.
    pub cluster: String,
    /// Plain http to a host that is not loopback was asked for.
    pub insecure: bool,
    /// Longest wait for an answer (default 2 s).
    pub timeout: Duration,
    /// Keys are fetched again when they are this old (default 5 min).
    pub refresh: Duration,
    /// Least time between two fetches for an unknown `kid`, and between retries of failed ones (default 10 s).
    pub min_interval: Duration,
    /// Keys older than this are no longer used, however long the provider is down (default 24 h).
    pub max_stale: Duration,
}

/// A URL taken apart as Envoy needs it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JwksUri {
    /// Whether the scheme is https.
    pub tls: bool,
    /// Host name or address literal, lowercased, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Path with query; begins with `/`.
    pub path: String,
}

impl JwksUri {
    /// The `:authority` of a request for it: the port is left out where it is the scheme's own.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match (self.tls, self.port) {
            (true, 443) | (false, 80) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }

    /// `https` or `http`.
    pub fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }

    /// Whether the host is this machine itself.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

/// A signature algorithm of RFC 7518, 3.1 and RFC 8037, 3.1. HMAC and `none` cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// Ed25519.
    EdDsa,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
}

impl Algorithm {
    /// Every algorithm, in the order in which the design lists the defaults.
    pub const ALL: &'static [Self] = &[
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::EdDsa,
    ];

    /// The `alg` value.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
        }
    }

    /// The algorithm with this exact `alg` value.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.name() == name)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where in the claims things are found (design §3, `claims`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimNames {
    /// The groups; default `groups`.
    pub groups: ClaimPath,
    /// The email; default `email`.
    pub email: ClaimPath,
    /// The display name; default `name`.
    pub name: ClaimPath,
    /// What the directory calls `externalId`; none by default.
    pub external_id: Option<ClaimPath>,
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self {
            groups: ClaimPath::parse("groups"),
            email: ClaimPath::parse("email"),
            name: ClaimPath::parse("name"),
            external_id: None,
        }
    }
}

/// A claim by name, or by JSON pointer (RFC 6901) when it begins with `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimPath(String);

impl ClaimPath {
    /// Reads a name or a pointer.
    pub fn parse(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The path as the file writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The claim's value, if there is one; `null` is a value.
    pub fn find<'a>(&self, claims: Json<'a>) -> Option<Json<'a>> {
        match self.0.strip_prefix('/') {
            None => claims.get(&self.0),
            Some(steps) => claims.pointer(steps),
        }
    }

    /// The same in claims that are a tree: for tools, which make or show them.
    pub fn find_in(&self, claims: &Map<String, Value>) -> Option<Value> {
        let document = Document::read(serde_json::to_vec(claims).ok()?).ok()?;
        self.find(document.root()).map(Json::to_value)
    }
}

/// Whether the provider's word on an email is taken as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailTrust {
    /// Every email counts as verified.
    Trusted,
    /// `email_verified` must be `true` or `"true"`.
    Verified,
}

/// A claim that must have one of some values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The claim.
    pub claim: ClaimPath,
    /// The values of which one must be there; never empty.
    pub any_of: Vec<String>,
}

/// How being assigned to the application shows in an assertion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The claim.
    pub claim: ClaimPath,
    /// The values of which one must be there; never empty.
    pub any_of: Vec<String>,
}

/// How a first login finds the member that came from the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScimMatch {
    /// By email.
    Email,
    /// By the `external_id` claim and the directory's `externalId`.
    ExternalId,
}
