//! Signers for tests: raw signatures, so that a hostile token can be signed as well as a good one.

use std::sync::OnceLock;

use jwt_simple::algorithms::{Edwards25519KeyPair, P256KeyPair, P384KeyPair, RSAKeyPair};
use jwt_simple::reexports::ct_codecs::{Base64UrlSafeNoPadding, Encoder};
use p256::ecdsa::signature::Signer as _;
use serde_json::{Value, json};
use superboring::hash::MessageDigest;
use superboring::pkey::PKey;
use superboring::rsa::Padding;
use superboring::sign::Signer;

use crate::model::Algorithm;

/// The `kid` under which [`jwk`] publishes the key of an algorithm.
pub(super) fn kid(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::EdDsa => "ed25519",
        Algorithm::Es256 => "p256",
        Algorithm::Es384 => "p384",
        _ => "rsa",
    }
}

/// The public key for an algorithm, with `kid` and without `alg`.
pub(super) fn jwk(algorithm: Algorithm) -> Value {
    let mut jwk = match algorithm {
        Algorithm::EdDsa => json!({"kty": "OKP", "crv": "Ed25519", "x": encode(ed25519().public_key().to_bytes())}),
        Algorithm::Es256 => ec_jwk("P-256", &p256().public_key().to_bytes_uncompressed()),
        Algorithm::Es384 => ec_jwk("P-384", &p384().public_key().to_bytes_uncompressed()),
        _ => {
            let public = rsa().public_key().to_components();
            json!({"kty": "RSA", "n": encode(public.n), "e": encode(public.e)})
        }
    };
    jwk["kid"] = json!(kid(algorithm));
    jwk
}

/// One key of each kind.
pub(super) fn jwks() -> Value {
    let kinds = [Algorithm::Rs256, Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa];
    json!({"keys": kinds.map(jwk)})
}

/// A compact serialization of any two texts, signed with the algorithm's key.
pub(super) fn seal(header: &str, payload: &str, algorithm: Algorithm) -> String {
    let message = format!("{}.{}", encode(header), encode(payload));
    let signature = encode(sign(algorithm, message.as_bytes()));
    format!("{message}.{signature}")
}

pub(super) fn sign(algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
    match algorithm {
        Algorithm::EdDsa => ed25519().as_ref().sk.sign(message, None).to_vec(),
        Algorithm::Es256 => {
            let signature: p256::ecdsa::Signature = p256().as_ref().sign(message);
            signature.to_bytes().to_vec()
        }
        Algorithm::Es384 => {
            let signature: p384::ecdsa::Signature = p384().as_ref().sign(message);
            signature.to_bytes().to_vec()
        }
        Algorithm::Ps256 => sign_rsa(MessageDigest::sha256(), Padding::PKCS1_PSS, message),
        Algorithm::Ps384 => sign_rsa(MessageDigest::sha384(), Padding::PKCS1_PSS, message),
        Algorithm::Ps512 => sign_rsa(MessageDigest::sha512(), Padding::PKCS1_PSS, message),
        Algorithm::Rs256 => sign_rsa(MessageDigest::sha256(), Padding::PKCS1, message),
        Algorithm::Rs384 => sign_rsa(MessageDigest::sha384(), Padding::PKCS1, message),
        Algorithm::Rs512 => sign_rsa(MessageDigest::sha512(), Padding::PKCS1, message),
    }
}

pub(super) fn encode(bytes: impl AsRef<[u8]>) -> String {
    Base64UrlSafeNoPadding::encode_to_string(bytes).unwrap()
}

/// Made once in a test process: finding primes takes seconds.
pub(super) fn rsa() -> &'static RSAKeyPair {
    static PAIR: OnceLock<RSAKeyPair> = OnceLock::new();
    PAIR.get_or_init(|| RSAKeyPair::generate(2048).unwrap())
}

pub(super) fn p256() -> &'static P256KeyPair {
    static PAIR: OnceLock<P256KeyPair> = OnceLock::new();
    PAIR.get_or_init(P256KeyPair::generate)
}

pub(super) fn p384() -> &'static P384KeyPair {
    static PAIR: OnceLock<P384KeyPair> = OnceLock::new();
    PAIR.get_or_init(P384KeyPair::generate)
}

pub(super) fn ed25519() -> &'static Edwards25519KeyPair {
    static PAIR: OnceLock<Edwards25519KeyPair> = OnceLock::new();
    PAIR.get_or_init(Edwards25519KeyPair::generate)
}

fn ec_jwk(curve: &str, point: &[u8]) -> Value {
    let (x, y) = point[1..].split_at(point.len() / 2);
    json!({"kty": "EC", "crv": curve, "x": encode(x), "y": encode(y)})
}

fn sign_rsa(digest: MessageDigest, padding: Padding, message: &[u8]) -> Vec<u8> {
    let key = PKey::from_rsa(rsa().as_ref().clone()).unwrap();
    let mut signer = Signer::new(digest, &key).unwrap();
    signer.set_rsa_padding(padding).unwrap();
    signer.sign_oneshot_to_vec(message).unwrap()
}
