//! The compact serialization taken apart (RFC 7515, 7.1): strict, bounded, and not yet trusted.

use std::fmt;
use std::sync::Arc;

use super::base64url;
use super::claims::Claims;
use super::keys::MAX_KID_LEN;
use crate::Reason;
use crate::json::{Document, Json};
use crate::model::Algorithm;
use crate::scan::{self, Sought};

/// A well-formed assertion whose signature nobody has checked. Its claims are not readable from outside, but for what it
/// says of itself.
pub struct Assertion {
    /// The JWS signing input: encoded header, a dot, encoded payload.
    pub(super) message: Vec<u8>,
    pub(super) signature: Vec<u8>,
    pub(super) header: Header,
    pub(super) claims: Arc<Claims>,
}

/// What an assertion says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stated<'a> {
    /// The `iss`.
    pub issuer: &'a str,
    /// The first `aud`.
    pub audience: Option<&'a str>,
    /// The header's `kid`.
    pub key_id: Option<&'a str>,
    /// The header's `alg`, where it is one that we know.
    pub algorithm: Option<Algorithm>,
    /// The `iat`, in whole seconds.
    pub issued_at: u64,
    /// The `exp`, in whole seconds.
    pub expires_at: u64,
}

/// What the header says; nothing else in it is looked at (RFC 8725, 3.9 and 3.10).
pub(super) struct Header {
    /// `None` where the `alg` is one that we do not know.
    pub(super) algorithm: Option<Algorithm>,
    pub(super) kid: Option<String>,
}

impl Assertion {
    /// The longest credential that is read, in bytes.
    pub const MAX_LEN: usize = 64 * 1024;

    /// Takes a credential's bytes apart.
    ///
    /// # Errors
    /// `malformed_token`.
    pub fn parse(token: &[u8]) -> Result<Self, Reason> {
        Self::read(token).ok_or(Reason::MalformedToken)
    }

    /// What it says of itself, for logs: proof of nothing, and nothing about a person.
    pub fn stated(&self) -> Stated<'_> {
        Stated {
            issuer: self.claims.issuer(),
            audience: self.claims.audience().first(),
            key_id: self.header.kid.as_deref(),
            algorithm: self.header.algorithm,
            issued_at: self.claims.issued_at.floor(),
            expires_at: self.claims.expires_at.floor(),
        }
    }

    fn read(token: &[u8]) -> Option<Self> {
        if token.len() > Self::MAX_LEN {
            return None;
        }
        let (header, rest) = cut(token)?;
        let (payload, signature) = cut(rest)?;
        Some(Self {
            message: token.get(..header.len() + 1 + payload.len())?.to_vec(),
            // In which a further dot would be no letter.
            signature: base64url::decode(signature)?,
            header: Header::read(object(header)?.root())?,
            claims: Arc::new(Claims::read(object(payload)?)?),
        })
    }
}

impl fmt::Debug for Assertion {
    /// Shows nothing: an assertion is a credential.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assertion").finish_non_exhaustive()
    }
}

impl Header {
    fn read(header: Json<'_>) -> Option<Self> {
        // RFC 7515, 4.1.11: extensions that are not understood make the JWS invalid, and we understand none.
        // `b64` (RFC 7797) is one; without `crit` it must not be there at all.
        if header.get("crit").is_some() || header.get("b64").is_some() {
            return None;
        }
        // RFC 8725, 3.11: what was issued for another purpose says so in `typ`.
        let of_our_type = match header.get("typ") {
            Some(typ) => typ.as_str()?.eq_ignore_ascii_case("JWT"),
            None => true,
        };
        if !of_our_type {
            return None;
        }
        Some(Self {
            algorithm: Algorithm::named(header.get("alg")?.as_str()?),
            kid: match header.get("kid") {
                Some(kid) => Some(kid.as_str().filter(|kid| kid.len() <= MAX_KID_LEN)?.to_owned()),
                None => None,
            },
        })
    }
}

/// What stands before the first dot, and what after it.
fn cut(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (part, rest) = text.split_at_checked(scan::position(text, Sought::byte(b'.'))?)?;
    Some((part, rest.get(1..)?))
}

/// The JSON object that a part encodes.
fn object(part: &[u8]) -> Option<Document> {
    Document::read(base64url::decode(part)?).ok().filter(|document| document.root().is_object())
}
