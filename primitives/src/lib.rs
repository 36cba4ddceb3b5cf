//! Public keys and signatures, by the parts of jwt-simple, without its reading of header and claims. A crate of its own, which
//! the filter has compiled for size: in Envoy the host checks nearly all signatures.

use hmac_sha512::sha384;
use jwt_simple::algorithms::{Edwards25519PublicKey, P256PublicKey, P384PublicKey, RSAPublicKey};
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use superboring::hash::MessageDigest;
use superboring::pkey::{PKey, Public};
use superboring::rsa::Padding;
use superboring::sign::Verifier;

/// A public key that can verify signatures.
#[derive(Debug)]
pub enum PublicKey {
    /// RFC 8032.
    Ed25519(Edwards25519PublicKey),
    /// On the curve of this name (FIPS 186-5).
    P256(P256PublicKey),
    /// On the curve of this name.
    P384(P384PublicKey),
    /// RFC 8017.
    Rsa(Box<RsaKey>),
}

/// An RSA key, with the length of its modulus in bytes.
#[derive(Debug)]
pub struct RsaKey {
    key: PKey<Public>,
    len: usize,
}

/// How a signature is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Ed25519.
    EdDsa,
    /// ECDSA on P-256, of a digest by SHA-256; `r` and `s` one after the other, 32 bytes each.
    EcdsaP256,
    /// ECDSA on P-384, of a digest by SHA-384; `r` and `s` one after the other, 48 bytes each.
    EcdsaP384,
    /// RSASSA-PKCS1-v1_5.
    RsaPkcs1(Digest),
    /// RSASSA-PSS with a salt as long as the digest.
    RsaPss(Digest),
}

/// How a message is digested for RSA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl PublicKey {
    /// A key by modulus and exponent, both big-endian. `None` unless the modulus is odd and has 2048 to 4096 bits, and the
    /// exponent is 65537.
    pub fn rsa(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let key = RSAPublicKey::from_components(modulus, exponent).ok()?;
        let len = usize::try_from(key.as_ref().size()).ok()?;
        Some(Self::Rsa(Box::new(RsaKey { key: PKey::from_rsa(key.as_ref().clone()).ok()?, len })))
    }

    /// A key by its point as SEC 1, 2.3.3 writes it; `None` where that is not on the curve.
    pub fn p256(point: &[u8]) -> Option<Self> {
        P256PublicKey::from_bytes(point).ok().map(Self::P256)
    }

    /// The same on the other curve.
    pub fn p384(point: &[u8]) -> Option<Self> {
        P384PublicKey::from_bytes(point).ok().map(Self::P384)
    }

    /// A key by its 32 bytes; `None` where the point is not on the curve or not of full order.
    pub fn ed25519(key: &[u8]) -> Option<Self> {
        Edwards25519PublicKey::from_bytes(key).ok().map(Self::Ed25519)
    }

    /// The length of its signatures, in bytes.
    pub fn signature_len(&self) -> usize {
        match self {
            Self::Ed25519(_) | Self::P256(_) => 64,
            Self::P384(_) => 96,
            Self::Rsa(key) => key.len,
        }
    }

    /// Whether a signature was made over a message with this key, in this way.
    pub fn verify(&self, scheme: Scheme, message: &[u8], signature: &[u8]) -> bool {
        match (scheme, self) {
            (Scheme::EdDsa, Self::Ed25519(key)) => ed25519_compact::Signature::from_slice(signature)
                .is_ok_and(|signature| key.as_ref().verify(message, &signature).is_ok()),
            // The digests that RSA needs anyway: the curves' crates would bring a second copy of each.
            (Scheme::EcdsaP256, Self::P256(key)) => {
                let digest = hmac_sha256::Hash::hash(message);
                p256::ecdsa::Signature::from_slice(signature)
                    .is_ok_and(|signature| key.as_ref().verify_prehash(&digest, &signature).is_ok())
            }
            (Scheme::EcdsaP384, Self::P384(key)) => {
                let digest = sha384::Hash::hash(message);
                p384::ecdsa::Signature::from_slice(signature)
                    .is_ok_and(|signature| key.as_ref().verify_prehash(&digest, &signature).is_ok())
            }
            (Scheme::RsaPkcs1(digest), Self::Rsa(key)) => rsa(key, digest, Padding::PKCS1, message, signature),
            (Scheme::RsaPss(digest), Self::Rsa(key)) => rsa(key, digest, Padding::PKCS1_PSS, message, signature),
            (_, Self::Ed25519(_) | Self::P256(_) | Self::P384(_) | Self::Rsa(_)) => false,
        }
    }
}

/// Whether this is an ECDSA signature of P-256 (64 bytes) or P-384 (96), in the form of [`Scheme`]: neither `r` nor `s` is
/// zero, both are below the curve's order.
pub fn is_ecdsa(signature: &[u8]) -> bool {
    match signature.len() {
        64 => p256::ecdsa::Signature::from_slice(signature).is_ok(),
        96 => p384::ecdsa::Signature::from_slice(signature).is_ok(),
        _ => false,
    }
}

/// For PSS the salt is as long as the digest by superboring's default.
fn rsa(key: &RsaKey, digest: Digest, padding: Padding, message: &[u8], signature: &[u8]) -> bool {
    let digest = match digest {
        Digest::Sha256 => MessageDigest::sha256(),
        Digest::Sha384 => MessageDigest::sha384(),
        Digest::Sha512 => MessageDigest::sha512(),
    };
    let Ok(mut verifier) = Verifier::new(digest, &key.key) else {
        return false;
    };
    verifier.set_rsa_padding(padding).is_ok() && verifier.verify_oneshot(signature, message).unwrap_or(false)
}
