//! The one place where a signature is checked: by jwt-simple's parts, or by whatever else implements the trait.

use hmac_sha512::sha384;
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use superboring::hash::MessageDigest;
use superboring::pkey::{PKey, Public};
use superboring::rsa::Padding;
use superboring::sign::Verifier;

use super::keys::{Key, Material};
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
        let rsa = |digest, padding| match key.material() {
            Material::Rsa(key) => verify_rsa(key, digest, padding, message, signature),
            Material::Ed25519(_) | Material::P256(_) | Material::P384(_) => false,
        };
        match (algorithm, key.material()) {
            (Algorithm::EdDsa, Material::Ed25519(key)) => ed25519_compact::Signature::from_slice(signature)
                .is_ok_and(|signature| key.as_ref().verify(message, &signature).is_ok()),
            // Digests are jwt-simple's own, which RSA needs anyway: the curves' crates bring a second copy of each.
            (Algorithm::Es256, Material::P256(key)) => {
                let digest = hmac_sha256::Hash::hash(message);
                p256::ecdsa::Signature::from_slice(signature)
                    .is_ok_and(|signature| key.as_ref().verify_prehash(&digest, &signature).is_ok())
            }
            (Algorithm::Es384, Material::P384(key)) => {
                let digest = sha384::Hash::hash(message);
                p384::ecdsa::Signature::from_slice(signature)
                    .is_ok_and(|signature| key.as_ref().verify_prehash(&digest, &signature).is_ok())
            }
            (Algorithm::EdDsa | Algorithm::Es256 | Algorithm::Es384, _) => false,
            (Algorithm::Ps256, _) => rsa(MessageDigest::sha256(), Padding::PKCS1_PSS),
            (Algorithm::Ps384, _) => rsa(MessageDigest::sha384(), Padding::PKCS1_PSS),
            (Algorithm::Ps512, _) => rsa(MessageDigest::sha512(), Padding::PKCS1_PSS),
            (Algorithm::Rs256, _) => rsa(MessageDigest::sha256(), Padding::PKCS1),
            (Algorithm::Rs384, _) => rsa(MessageDigest::sha384(), Padding::PKCS1),
            (Algorithm::Rs512, _) => rsa(MessageDigest::sha512(), Padding::PKCS1),
        }
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
    match raw.len() {
        64 => Some(p256::ecdsa::Signature::from_slice(raw).ok()?.to_der().as_bytes().to_vec()),
        96 => Some(p384::ecdsa::Signature::from_slice(raw).ok()?.to_der().as_bytes().to_vec()),
        _ => None,
    }
}

/// For PSS the salt is as long as the digest, as RFC 7518, 3.5 asks: superboring's default.
fn verify_rsa(key: &PKey<Public>, digest: MessageDigest, padding: Padding, message: &[u8], signature: &[u8]) -> bool {
    let Ok(mut verifier) = Verifier::new(digest, key) else {
        return false;
    };
    verifier.set_rsa_padding(padding).is_ok() && verifier.verify_oneshot(signature, message).unwrap_or(false)
}
