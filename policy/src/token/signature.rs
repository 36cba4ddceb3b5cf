//! The one place where a signature is checked: by jwt-simple's parts, or by whatever else implements the trait.

use usher_primitives::{Digest, Scheme, is_ecdsa};

use super::der;
use super::keys::Key;
use crate::model::Algorithm;

/// Something that can check signatures; all of them must agree on what they support.
pub trait SignatureVerifier {
    /// Whether `signature`, as the JWS has it (RFC 7518, 3; RFC 8037, 3.1), was made over `message` with `key`.
    ///
    /// It is asked only about a key that fits the algorithm and a signature of the right form.
    fn verify(&self, algorithm: Algorithm, key: &Key, message: &[u8], signature: &[u8]) -> bool;
}

/// jwt-simple's own primitives, without its reading of header and claims.
#[derive(Clone, Copy, Debug, Default)]
pub struct JwtSimple;

impl SignatureVerifier for JwtSimple {
    fn verify(&self, algorithm: Algorithm, key: &Key, message: &[u8], signature: &[u8]) -> bool {
        key.material().verify(scheme(algorithm), message, signature)
    }
}

/// RFC 7518, 3.1 and RFC 8037, 3.1.
fn scheme(algorithm: Algorithm) -> Scheme {
    match algorithm {
        Algorithm::EdDsa => Scheme::EdDsa,
        Algorithm::Es256 => Scheme::EcdsaP256,
        Algorithm::Es384 => Scheme::EcdsaP384,
        Algorithm::Ps256 => Scheme::RsaPss(Digest::Sha256),
        Algorithm::Ps384 => Scheme::RsaPss(Digest::Sha384),
        Algorithm::Ps512 => Scheme::RsaPss(Digest::Sha512),
        Algorithm::Rs256 => Scheme::RsaPkcs1(Digest::Sha256),
        Algorithm::Rs384 => Scheme::RsaPkcs1(Digest::Sha384),
        Algorithm::Rs512 => Scheme::RsaPkcs1(Digest::Sha512),
    }
}

/// Whether the signature has the one form that goes with algorithm and key; checked before any verifier is asked, so that
/// all of them refuse the same.
pub fn is_well_formed(algorithm: Algorithm, key: &Key, signature: &[u8]) -> bool {
    key.fits(algorithm)
        && signature.len() == key.signature_len()
        && match algorithm {
            Algorithm::Es256 | Algorithm::Es384 => ecdsa_der(signature).is_some(),
            _ => true,
        }
}

/// The DER form (RFC 3279, 2.2.3) of a JWS ECDSA signature (RFC 7518, 3.4), for verifiers that want that: 64 bytes are of
/// P-256, 96 of P-384. `None` for another length, and where `r` or `s` is zero or not below the curve's order.
pub fn ecdsa_der(raw: &[u8]) -> Option<Vec<u8>> {
    let (r, s) = raw.split_at(raw.len() / 2);
    is_ecdsa(raw).then(|| der::ecdsa_signature(r, s))
}
