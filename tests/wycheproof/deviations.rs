//! Where what Wycheproof calls valid is refused here, and the reverse, and why. The list is exact: a deviation that is new or gone
//! fails.

use self::Refused::{All, AllBut, These};

/// Valid vectors of one set that are refused.
pub(crate) struct Deviation {
    /// The set.
    pub(crate) set: &'static str,
    /// Which of its valid vectors.
    pub(crate) refused: Refused,
    /// Why.
    pub(crate) why: &'static str,
}

/// Which valid vectors of a set are refused.
pub(crate) enum Refused {
    /// Every one.
    All,
    /// Every one but those with these numbers.
    AllBut(&'static [usize]),
    /// Those with these numbers.
    These(&'static [usize]),
}

const LEGACY: &str =
    "`acceptable` to Wycheproof: the DigestInfo lacks its NULL (RFC 8017, 9.2 has it, and a MUST to compare whole)";
const EXPONENT: &str = "number 8 lacks its NULL, as below; the others have a key with exponent 3: only 65537 is taken";
const TOO_LONG: &str = "keys of 8192 bits: at most 4096 are taken, as work is bounded";
const OTHER_HASH: &str = "made with a hash that no `alg` of RSASSA-PKCS1-v1_5 has (RFC 7518, 3.3)";
const SALT: &str = "RFC 7518, 3.5: the salt is as long as the hash, and the mask is made with the same hash";
const NOT_THE_CURVES: &str = "RFC 7518, 3.4: ES256 is P-256 with SHA-256, ES384 is P-384 with SHA-384";
const DER: &str = "RFC 7518, 3.4: a JWS has R and S as they are, never DER";
const CURVE: &str = "no `alg` here has this curve";

/// All of them.
pub(crate) const ALL: &[Deviation] = &[
    one("rsa_signature_2048_sha224", All, OTHER_HASH),
    one("rsa_signature_2048_sha3_256", All, OTHER_HASH),
    one("rsa_signature_2048_sha512_256", All, OTHER_HASH),
    one("rsa_signature_2048_sha256", These(&[8, 258, 259]), EXPONENT),
    one("rsa_signature_2048_sha384", These(&[8]), LEGACY),
    one("rsa_signature_2048_sha512", These(&[8, 259]), EXPONENT),
    one("rsa_signature_3072_sha256", These(&[8, 259]), EXPONENT),
    one("rsa_signature_3072_sha384", These(&[8]), LEGACY),
    one("rsa_signature_3072_sha512", These(&[8, 260]), EXPONENT),
    one("rsa_signature_4096_sha256", These(&[8]), LEGACY),
    one("rsa_signature_4096_sha384", These(&[8]), LEGACY),
    one("rsa_signature_4096_sha512", These(&[8]), LEGACY),
    one("rsa_signature_8192_sha256", All, TOO_LONG),
    one("rsa_signature_8192_sha384", All, TOO_LONG),
    one("rsa_signature_8192_sha512", All, TOO_LONG),
    one("rsa_pss_2048_sha256_mgf1_0", All, SALT),
    one("rsa_pss_2048_sha256_mgf1sha1_20", All, SALT),
    one("rsa_pss_4096_sha512_mgf1_32", All, SALT),
    // Number 76 is the one with SHA-256, its mask and its salt.
    one("rsa_pss_misc", AllBut(&[76]), SALT),
    one("ecdsa_secp256r1_sha512_p1363", All, NOT_THE_CURVES),
    one("ecdsa_secp384r1_sha512_p1363", All, NOT_THE_CURVES),
    one("ecdsa_secp256k1_sha256_p1363", All, CURVE),
    one("ecdsa_brainpoolP256r1_sha256_p1363", All, CURVE),
    one("ecdsa_secp256r1_sha256", All, DER),
    one("ecdsa_secp384r1_sha384", All, DER),
    one("ed448", All, CURVE),
];

const TRUE_FOR_US: &str =
    "invalid only because the set is about another hash or salt: it is made as the `alg` that is asked about says";

/// What Wycheproof calls invalid and is accepted here: set, number, why.
pub(crate) const ACCEPTED: &[(&str, usize, &str)] = &[
    ("rsa_signature_2048_sha224", 219, TRUE_FOR_US),
    ("rsa_signature_2048_sha3_256", 221, TRUE_FOR_US),
    ("rsa_signature_2048_sha512_256", 221, TRUE_FOR_US),
    ("rsa_pss_2048_sha256_mgf1_0", 69, TRUE_FOR_US),
];

const fn one(set: &'static str, refused: Refused, why: &'static str) -> Deviation {
    Deviation { set, refused, why }
}

/// The valid vectors of a set that the list says are refused, and why.
pub(crate) fn refused(set: &str, valid: &[usize]) -> (Vec<usize>, &'static str) {
    let Some(deviation) = ALL.iter().find(|deviation| deviation.set == set) else { return (Vec::new(), "") };
    let ids = match deviation.refused {
        All => valid.to_vec(),
        AllBut(ids) => valid.iter().copied().filter(|id| !ids.contains(id)).collect(),
        These(ids) => ids.to_vec(),
    };
    (ids, deviation.why)
}

/// Whether all valid vectors of a set are refused.
pub(crate) fn refuses_all(set: &str) -> bool {
    ALL.iter().any(|deviation| deviation.set == set && matches!(deviation.refused, All))
}

/// Vectors of whole JWS and of key sets that are not taken as Wycheproof says: set, numbers, why.
const JOSE: &[(&str, &[u64], &str)] = &[
    ("json_web_signature", &[1, 348, 352, 357, 358, 359, 376, 377], HMAC),
    ("json_web_key", &[2, 13, 14, 15], HMAC),
    ("json_web_signature", &[346, 350], OWN_ALG),
    ("json_web_signature", &[347, 351], P521),
    ("json_web_signature", &[372, 373], NO_BASE64URL),
];

const HMAC: &str = "HS256 to HS512: no secret is shared with a provider, and no `alg` here is symmetric";
const OWN_ALG: &str =
    "the key's own `alg` is PS256, the header's PS384: RFC 8725, 3.1, a key is used with one algorithm";
const P521: &str = "ES512: no `alg` here has this curve (and the key's own `alg`, ES521, is none at all)";
const NO_BASE64URL: &str = "a `?` in header or payload: RFC 7515, 2, base64url has no such character (and it is HMAC)";

/// Each of them, and why.
pub(crate) fn of_jose() -> impl Iterator<Item = ((&'static str, u64), &'static str)> {
    JOSE.iter().flat_map(|(set, ids, why)| ids.iter().map(|id| ((*set, *id), *why)))
}
