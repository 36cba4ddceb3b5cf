//! A provider's keys (RFC 7517): the ones that can verify, and nothing else of the document.

use serde_json::{Map, Value};
use usher_primitives::PublicKey;

use super::{base64url, der, roca};
use crate::json;
use crate::model::Algorithm;

/// The longest `kid` that is taken, in bytes; the same in keys and in assertions.
pub(super) const MAX_KID_LEN: usize = 1024;

/// The usable keys of a JWK set; never empty.
#[derive(Debug)]
pub struct KeySet {
    keys: Vec<Key>,
    /// Named keys of the document that cannot verify anything here: under their `kid`, no signature is good.
    unusable: Vec<String>,
}

/// One public key, checked and ready to verify.
#[derive(Debug)]
pub struct Key {
    id: Option<String>,
    algorithm: Option<Algorithm>,
    material: PublicKey,
    spki: Vec<u8>,
}

/// The document is not a JWK set that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// Not JSON, or with a duplicate member.
    #[error("not JSON: {0}")]
    Json(#[from] json::JsonError),
    /// No `keys` array at the top.
    #[error("not a JWK set: an object with an array `keys` is needed")]
    NoKeys,
    /// Not one key in it can verify.
    #[error(
        "no usable key: needed is an RSA key of 2048 to 4096 bits with exponent 65537, an EC key on P-256 or P-384, \
         or an OKP key on Ed25519, for signatures"
    )]
    NoUsableKey,
    /// Longer than [`KeySet::MAX_LEN`].
    #[error("longer than {} bytes", KeySet::MAX_LEN)]
    TooLong,
    /// More keys than [`KeySet::MAX_KEYS`].
    #[error("more than {} keys", KeySet::MAX_KEYS)]
    TooManyKeys,
}

/// Why no key of a set can be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoKey {
    /// The keys under the `kid` are of another kind, or made for another algorithm.
    Misfit,
    /// There is no such `kid`; or, without one, not exactly one key fits.
    Unknown,
}

impl KeySet {
    /// The longest document that is read, in bytes.
    pub const MAX_LEN: usize = 1 << 20;
    /// The most keys that a set may have.
    pub const MAX_KEYS: usize = 256;
    /// The most keys of one name that a signature is tried with: names should be distinct (RFC 7517, 4.5), and two are enough to
    /// change one for another. More would make one request dear that nobody has vouched for.
    pub const MAX_NAMESAKES: usize = 4;

    /// Reads a JWK set document. Keys that cannot verify here are skipped, as RFC 7517, 5 asks; private parts are never kept.
    ///
    /// # Errors
    /// See [`KeySetError`].
    pub fn parse(document: &[u8]) -> Result<Self, KeySetError> {
        if document.len() > Self::MAX_LEN {
            return Err(KeySetError::TooLong);
        }
        Self::read(&json::parse(document)?)
    }

    /// The same of a document that has been read.
    ///
    /// # Errors
    /// See [`KeySetError`].
    pub fn read(document: &Value) -> Result<Self, KeySetError> {
        let jwks = document.as_object().and_then(|set| set.get("keys")?.as_array()).ok_or(KeySetError::NoKeys)?;
        if jwks.len() > Self::MAX_KEYS {
            return Err(KeySetError::TooManyKeys);
        }
        let mut keys = Vec::new();
        let mut unusable = Vec::new();
        for jwk in jwks {
            match jwk.as_object().and_then(Key::read) {
                Some(key) => keys.push(key),
                None => unusable.extend(jwk.get("kid").and_then(Value::as_str).map(str::to_owned)),
            }
        }
        if keys.is_empty() { Err(KeySetError::NoUsableKey) } else { Ok(Self { keys, unusable }) }
    }

    /// The usable keys, in the order of the document.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Whether a key of an earlier set is no longer in this one, so that what was signed with it proves nothing now.
    pub fn withdraws_from(&self, earlier: &Self) -> bool {
        let is_here = |old: &Key| self.keys.iter().any(|key| key.is_same(old));
        !earlier.keys.iter().all(is_here)
    }

    /// The keys that a signature of this algorithm may have been made with (design §5, step 4); never an empty list.
    pub(super) fn candidates(&self, kid: Option<&str>, algorithm: Algorithm) -> Result<Vec<&Key>, NoKey> {
        let fitting = |key: &&Key| key.fits(algorithm);
        let Some(kid) = kid else {
            let keys: Vec<_> = self.keys.iter().filter(fitting).collect();
            return if keys.len() == 1 { Ok(keys) } else { Err(NoKey::Unknown) };
        };
        let named = |key: &&Key| key.id.as_deref() == Some(kid);
        if !self.keys.iter().any(|key| named(&key)) && !self.unusable.iter().any(|unusable| unusable == kid) {
            return Err(NoKey::Unknown);
        }
        let keys: Vec<_> = self.keys.iter().filter(named).filter(fitting).take(Self::MAX_NAMESAKES).collect();
        if keys.is_empty() { Err(NoKey::Misfit) } else { Ok(keys) }
    }
}

impl Key {
    /// The `kid`.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Whether signatures of this algorithm can be checked with it: its type, its curve and, where it has one, its own `alg`
    /// (RFC 8725, 3.1: "each key MUST be used with exactly one algorithm").
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        fits(&self.material, algorithm) && self.algorithm.is_none_or(|own| own == algorithm)
    }

    /// Whether it verifies the same signatures under the same name.
    fn is_same(&self, other: &Self) -> bool {
        self.id == other.id && self.algorithm == other.algorithm && self.spki == other.spki
    }

    /// The DER of its SubjectPublicKeyInfo (RFC 5280, 4.1), as BoringSSL reads it.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The exact length of a signature made with it, in bytes.
    pub fn signature_len(&self) -> usize {
        self.material.signature_len()
    }

    pub(super) fn material(&self) -> &PublicKey {
        &self.material
    }

    /// Reads one JWK; `None` where it cannot verify a signature here.
    fn read(jwk: &Map<String, Value>) -> Option<Self> {
        let for_signatures = jwk.get("use").is_none_or(|usage| usage == "sig");
        let for_verifying = jwk.get("key_ops").is_none_or(|operations| {
            operations.as_array().is_some_and(|listed| listed.iter().any(|one| one == "verify"))
        });
        if !for_signatures || !for_verifying {
            return None;
        }
        let id = match jwk.get("kid") {
            Some(kid) => Some(kid.as_str().filter(|kid| kid.len() <= MAX_KID_LEN)?.to_owned()),
            None => None,
        };
        let algorithm = match jwk.get("alg") {
            Some(name) => Some(Algorithm::named(name.as_str()?)?),
            None => None,
        };
        let (material, spki) = material(jwk)?;
        // A key that contradicts its own `alg` can never be used.
        let consistent = algorithm.is_none_or(|own| fits(&material, own));
        consistent.then_some(Self { id, algorithm, material, spki })
    }
}

/// The key itself, and its SubjectPublicKeyInfo.
fn material(jwk: &Map<String, Value>) -> Option<(PublicKey, Vec<u8>)> {
    let text = |name: &str| jwk.get(name)?.as_str();
    let bytes = |name: &str| base64url::decode(text(name)?.as_bytes());
    match (text("kty")?, text("crv")) {
        ("RSA", _) => {
            let (modulus, exponent) = (bytes("n")?, bytes("e")?);
            // Checks size, exponent and that the modulus is odd.
            let key = PublicKey::rsa(&modulus, &exponent)?;
            if roca::is_marked(&modulus) {
                return None;
            }
            Some((key, der::rsa(&modulus, &exponent)))
        }
        ("EC", Some("P-256")) => {
            let point = uncompressed(&bytes("x")?, &bytes("y")?, 32)?;
            Some((PublicKey::p256(&point)?, der::p256(&point)))
        }
        ("EC", Some("P-384")) => {
            let point = uncompressed(&bytes("x")?, &bytes("y")?, 48)?;
            Some((PublicKey::p384(&point)?, der::p384(&point)))
        }
        ("OKP", Some("Ed25519")) => {
            let x = bytes("x")?;
            Some((PublicKey::ed25519(&x)?, der::ed25519(&x)))
        }
        _ => None,
    }
}

fn fits(material: &PublicKey, algorithm: Algorithm) -> bool {
    match algorithm {
        Algorithm::EdDsa => matches!(material, PublicKey::Ed25519(_)),
        Algorithm::Es256 => matches!(material, PublicKey::P256(_)),
        Algorithm::Es384 => matches!(material, PublicKey::P384(_)),
        Algorithm::Ps256
        | Algorithm::Ps384
        | Algorithm::Ps512
        | Algorithm::Rs256
        | Algorithm::Rs384
        | Algorithm::Rs512 => matches!(material, PublicKey::Rsa(_)),
    }
}

/// The point as SEC 1, 2.3.3 writes it; RFC 7518, 6.2.1.2: each coordinate "MUST be the full size" of the curve.
fn uncompressed(x: &[u8], y: &[u8], size: usize) -> Option<Vec<u8>> {
    (x.len() == size && y.len() == size).then(|| [&[4], x, y].concat())
}
