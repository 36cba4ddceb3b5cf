//! The checks of an ID token (RFC 7519, RFC 8725, OpenID Connect Core 3.1.3.7), in the order of the reasons.

use std::rc::Rc;
use std::sync::Arc;

use super::keys::KeySet;
use super::parse::Assertion;
use super::signature::SignatureVerifier;
use crate::Reason;
use crate::model::{Connection, Organization};

/// Where the keys of remote connections come from.
pub trait KeySource {
    /// The keys of a connection, if any are there and not too old.
    fn keys(&self, connection: &Connection) -> Option<Rc<KeySet>>;
}

/// An assertion whose signature and times were checked. Only [`verify`] makes one.
#[derive(Debug)]
pub struct VerifiedAssertion {
    pub(super) connection: Arc<Connection>,
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

/// Verifies an assertion for an organization. `now` is in seconds since the Unix epoch.
///
/// # Errors
/// The first reason of design §2's precedence that applies.
pub fn verify(
    _organization: &Organization,
    _assertion: Assertion,
    _keys: &dyn KeySource,
    _signatures: &dyn SignatureVerifier,
    _now: u64,
) -> Result<VerifiedAssertion, VerifyError> {
    Err(VerifyError::Deny(Reason::MalformedToken))
}
