//! The checks of an ID token (RFC 7519, RFC 8725, OpenID Connect Core 3.1.3.7), in the order of the reasons.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use super::claims::{Audience, Claims};
use super::keys::{KeySet, NoKey};
use super::parse::Assertion;
use super::signature::{self, SignatureVerifier};
use crate::Reason;
use crate::id::{Issuer, Subject};
use crate::json::Json;
use crate::model::{Algorithm, Connection, Jwks, Organization};
use crate::rules::conclude::Standing;

/// Where the keys of remote connections come from.
pub trait KeySource {
    /// The keys of a connection, if any are there and not too old. Not asked for inline keys.
    fn keys(&self, connection: &Connection) -> Option<Rc<KeySet>>;
}

/// An assertion whose signature, audience and times were checked. Only [`verify`] makes one, and [`recall`] makes it once more.
pub struct VerifiedAssertion {
    connection: Arc<Connection>,
    claims: Arc<Claims>,
}

impl VerifiedAssertion {
    /// The connection whose keys verified it.
    pub fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// The `iss`: that of the connection, which all its assertions share.
    pub fn issuer(&self) -> &Issuer {
        &self.connection.issuer
    }

    /// The `sub`.
    pub fn subject(&self) -> &Subject {
        &self.claims.subject
    }

    /// The `iat` without its fraction, seconds since the Unix epoch.
    pub fn issued_at(&self) -> u64 {
        self.claims.issued_at.floor()
    }

    /// The second from which no session may rest on it: the `exp` without its fraction and without clock skew, seconds since
    /// the Unix epoch.
    pub fn expires_at(&self) -> u64 {
        self.claims.expires_at.floor()
    }

    /// Every claim.
    pub(super) fn claims(&self) -> Json<'_> {
        self.claims.all.root()
    }
}

impl fmt::Debug for VerifiedAssertion {
    /// Shows no claims: they are about a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedAssertion").field("connection", &self.connection.id).finish_non_exhaustive()
    }
}

/// Why an assertion was not accepted.
#[derive(Debug)]
pub enum VerifyError {
    /// It is denied.
    Deny(Reason),
    /// The connection's keys are not there yet: `keys_unavailable`, unless they can be fetched.
    NoKeys(Arc<Connection>),
    /// The connection's keys do not have this `kid`: `unknown_key`, unless newer ones can be fetched.
    UnknownKey(Arc<Connection>),
}

impl VerifyError {
    /// The reason where nothing can be fetched.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Deny(reason) => *reason,
            Self::NoKeys(_) => Reason::KeysUnavailable,
            Self::UnknownKey(_) => Reason::UnknownKey,
        }
    }
}

impl From<Reason> for VerifyError {
    fn from(reason: Reason) -> Self {
        Self::Deny(reason)
    }
}

/// Verifies an assertion for an organization. `now` is in whole seconds since the Unix epoch.
///
/// It may be called again with the same assertion after keys were fetched.
///
/// # Errors
/// The first reason of design §2's precedence that applies.
pub fn verify(
    organization: &Organization,
    assertion: &Assertion,
    keys: &dyn KeySource,
    signatures: &dyn SignatureVerifier,
    now: u64,
) -> Result<VerifiedAssertion, VerifyError> {
    let claims = &assertion.claims;
    let connection = chosen(organization, claims).ok_or(Reason::UnknownIssuer)?;
    let algorithm = assertion
        .header
        .algorithm
        .filter(|algorithm| connection.algorithms.contains(algorithm))
        .ok_or(Reason::UnsupportedAlgorithm)?;
    match &connection.jwks {
        Jwks::Inline(keys) => check_signature(connection, keys, assertion, algorithm, signatures)?,
        Jwks::Remote(_) => {
            let keys = keys.keys(connection).ok_or_else(|| VerifyError::NoKeys(Arc::clone(connection)))?;
            check_signature(connection, &keys, assertion, algorithm, signatures)?;
        }
    }
    check_audience(connection, claims)?;
    check_times(connection, claims, now)?;
    Ok(VerifiedAssertion { connection: Arc::clone(connection), claims: Arc::clone(claims) })
}

/// Reads once more an assertion that [`verify`] has verified for this organization under this policy, so that nobody need
/// remember what is in it. `standing` is what it led to, and the witness that it was verified: an assertion about anybody else
/// is not recalled. Times are not looked at: whether it has expired is known to who remembers it.
pub fn recall(organization: &Organization, assertion: &Assertion, standing: &Standing) -> Option<VerifiedAssertion> {
    let claims = &assertion.claims;
    let connection = chosen(organization, claims)?;
    let is_its = *standing.organization() == organization.id && standing.subject() == claims.subject.as_str();
    is_its.then(|| VerifiedAssertion { connection: Arc::clone(connection), claims: Arc::clone(claims) })
}

/// The connection whose rules an assertion will be held to, if the organization lists one for it. Nothing is verified yet:
/// for those who want to say why an assertion is refused.
pub fn connection<'a>(organization: &'a Organization, assertion: &Assertion) -> Option<&'a Arc<Connection>> {
    chosen(organization, &assertion.claims)
}

/// The connection that an assertion claims to come through, by (issuer, audience) within the parent. Without a matching
/// audience it is the issuer's first that the organization lists: its keys decide whether the issuer said so.
fn chosen<'a>(organization: &'a Organization, claims: &Claims) -> Option<&'a Arc<Connection>> {
    // Each is a search among the claims, of which nobody knows yet who has signed them: one, however many connections there are.
    let (issuer, audience) = (claims.issuer(), claims.audience());
    let of_issuer = |connection: &&Arc<Connection>| connection.issuer.as_str() == issuer;
    let listed =
        |connection: &&Arc<Connection>| organization.connections.iter().any(|listed| listed.id == connection.id);
    let candidates = organization.parent.connections.iter().filter(of_issuer);
    let mut matching = candidates.clone().filter(|connection| has_audience(connection, audience)).peekable();
    match matching.peek() {
        Some(_) => matching.find(listed),
        None => candidates.clone().find(listed),
    }
}

fn check_signature(
    connection: &Arc<Connection>,
    keys: &KeySet,
    assertion: &Assertion,
    algorithm: Algorithm,
    signatures: &dyn SignatureVerifier,
) -> Result<(), VerifyError> {
    let candidates = match keys.candidates(assertion.header.kid.as_deref(), algorithm) {
        Ok(candidates) => candidates,
        Err(NoKey::Misfit) => return Err(Reason::BadSignature.into()),
        Err(NoKey::Unknown) => return Err(VerifyError::UnknownKey(Arc::clone(connection))),
    };
    let good = candidates.into_iter().any(|key| {
        signature::is_well_formed(algorithm, key, &assertion.signature)
            && signatures.verify(algorithm, key, &assertion.message, &assertion.signature)
    });
    if good { Ok(()) } else { Err(Reason::BadSignature.into()) }
}

/// `aud` names us, and `azp`, when present, does too (OpenID Connect Core 3.1.3.7, 3 and 5).
fn check_audience(connection: &Connection, claims: &Claims) -> Result<(), Reason> {
    let authorized = match claims.all.root().get("azp") {
        Some(azp) => connection.audiences.iter().any(|accepted| azp.as_str() == Some(accepted)),
        None => true,
    };
    if authorized && has_audience(connection, claims.audience()) { Ok(()) } else { Err(Reason::WrongAudience) }
}

fn has_audience(connection: &Connection, audience: Audience<'_>) -> bool {
    audience.has(|audience| connection.audiences.iter().any(|accepted| accepted == audience))
}

fn check_times(connection: &Connection, claims: &Claims, now: u64) -> Result<(), Reason> {
    let skew = connection.clock_skew.as_secs();
    if now >= claims.expires_at.ceil().saturating_add(skew) {
        return Err(Reason::Expired);
    }
    let latest = now.saturating_add(skew);
    let begun = |date: super::claims::NumericDate| date.ceil() <= latest;
    if begun(claims.issued_at) && claims.not_before.is_none_or(begun) { Ok(()) } else { Err(Reason::NotYetValid) }
}
