//! RFC 8725, 3.5: weak, contradictory and foreign keys in a provider's own set.

use serde_json::{Value, json};
use superboring::bn::BigNum;
use superboring::hash::MessageDigest;
use superboring::pkey::PKey;
use superboring::rsa::{Padding, Rsa};
use superboring::sign::Verifier;

use super::super::signing::{encode, jwk, rsa, seal};
use super::super::world::{claims, connection, header, organization, token, verified, with};
use crate::Reason::{self, BadSignature, UnknownKey};
use crate::model::Algorithm::{EdDsa, Es256, Rs256};
use crate::model::{Connection, Jwks};
use crate::token::KeySet;
use crate::token::base64url;

#[test]
fn a_weak_or_odd_rsa_key_verifies_nothing() {
    let public = rsa().public_key().to_components();
    let with_key = |n: &[u8], e: &[u8]| with(jwk(Rs256), json!({"n": encode(n), "e": encode(e)}));
    let small = |bits: usize| {
        let mut modulus = vec![0xff; bits / 8];
        if !bits.is_multiple_of(8) {
            modulus.insert(0, (1 << (bits % 8)) - 1);
        }
        modulus
    };
    let even = [&public.n[..255], &[public.n[255] & 0xfe]].concat();
    for (name, key) in [
        ("512 bits", with_key(&small(512), &public.e)),
        ("768 bits (factored)", with_key(&small(768), &public.e)),
        ("1024 bits", with_key(&small(1024), &public.e)),
        ("2047 bits", with_key(&small(2047), &public.e)),
        ("1024 bits, zeros in front", with_key(&[vec![0; 128], small(1024)].concat(), &public.e)),
        ("16384 bits", with_key(&small(16_384), &public.e)),
        ("an even modulus", with_key(&even, &public.e)),
        ("modulus zero", with_key(&[0; 256], &public.e)),
        ("modulus one", with_key(&[vec![0; 255], vec![1]].concat(), &public.e)),
        ("no modulus", with_key(&[], &public.e)),
        ("exponent 0", with_key(&public.n, &[0])),
        ("exponent 1", with_key(&public.n, &[1])),
        ("exponent 2", with_key(&public.n, &[2])),
        ("exponent 3", with_key(&public.n, &[3])),
        ("exponent 65536", with_key(&public.n, &[1, 0, 0])),
        ("an even exponent of 64 bits", with_key(&public.n, &[0xff; 8].map(|byte: u8| byte & 0xfe))),
        ("an exponent as long as the modulus", with_key(&public.n, &public.n)),
        ("no exponent", with_key(&public.n, &[])),
    ] {
        assert!(KeySet::parse(json!({"keys": [key]}).to_string().as_bytes()).is_err(), "{name}");
        // Beside a good key it is skipped, and under its `kid` nothing is good any more.
        let good = with(jwk(EdDsa), json!({"kid": "good"}));
        let organization = over(&json!([key, good]));
        assert!(reason(&organization, &seal_as(json!("good"), EdDsa)).is_none(), "{name}");
        assert_eq!(reason(&organization, &seal_as(json!("rsa"), Rs256)), Some(BadSignature), "{name}");
    }
}

/// A true signature by a key of 1024 bits: whoever can factor it must not get in.
#[test]
fn a_true_signature_by_a_weak_key_is_refused() {
    let key = json!({"kty": "RSA", "kid": "weak", "n": WEAK_MODULUS, "e": "AQAB"});
    assert_eq!(reason(&over(&json!([key, jwk(EdDsa)])), SIGNED_WEAKLY), Some(BadSignature));
    // Nor does it pass for the strong one of the same name.
    let strong = with(jwk(Rs256), json!({"kid": "weak"}));
    assert_eq!(reason(&over(&json!([key, strong])), SIGNED_WEAKLY), Some(BadSignature));
    assert_eq!(reason(&over(&json!([key, strong])), &seal_as(json!("weak"), Rs256)), None);
    // It is the key alone that is wrong with it.
    assert!(weakly_verified());
}

#[test]
fn a_secret_in_a_key_set_is_no_key() {
    let secret = encode([7; 32]);
    for oct in [
        json!({"kty": "oct", "k": secret}),
        json!({"kty": "oct", "k": secret, "kid": "ed25519", "alg": "HS256"}),
        json!({"kty": "oct", "k": secret, "kid": "ed25519", "alg": "EdDSA"}),
        json!({"kty": "oct", "k": secret, "crv": "Ed25519", "x": secret, "kid": "ed25519"}),
    ] {
        assert!(KeySet::parse(json!({"keys": [oct]}).to_string().as_bytes()).is_err(), "{oct}");
        let organization = over(&json!([oct, with(jwk(Es256), json!({"kid": "good"}))]));
        let head = with(header(EdDsa), json!({"alg": "HS256"}));
        let message = format!("{}.{}", encode(head.to_string()), encode(claims().to_string()));
        let token = format!("{message}.{}", encode(hmac_sha256::HMAC::mac(&message, [7; 32])));
        assert_eq!(reason(&organization, &token), Some(Reason::UnsupportedAlgorithm), "{oct}");
    }
}

#[test]
fn keys_of_one_name_do_not_stand_for_each_other() {
    let same = |jwk: Value| with(jwk, json!({"kid": "same"}));
    let mixed = over(&json!([same(jwk(Rs256)), same(jwk(Es256)), same(jwk(EdDsa))]));
    for algorithm in [Rs256, Es256, EdDsa] {
        assert_eq!(reason(&mixed, &seal_as(json!("same"), algorithm)), None, "{algorithm}");
    }
    let stranger =
        json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "same"});
    // Of two of a kind either may have signed; a third may not.
    assert_eq!(reason(&over(&json!([stranger, same(jwk(EdDsa))])), &seal_as(json!("same"), EdDsa)), None);
    assert_eq!(reason(&over(&json!([stranger])), &seal_as(json!("same"), EdDsa)), Some(BadSignature));
    // A key of another name has not signed it, whoever has that key; nor does one stand in for a key that is of no use.
    let other = with(jwk(EdDsa), json!({"kid": "other"}));
    assert_eq!(reason(&over(&json!([stranger, other])), &seal_as(json!("same"), EdDsa)), Some(BadSignature));
    let secret = json!({"kty": "oct", "k": "AAAA", "kid": "same"});
    assert_eq!(reason(&over(&json!([secret, other])), &seal_as(json!("same"), EdDsa)), Some(BadSignature));
    // Without a name nobody guesses.
    assert_eq!(reason(&over(&json!([stranger, jwk(EdDsa)])), &seal_as(Value::Null, EdDsa)), Some(UnknownKey));
}

/// Whoever publishes many keys of one name makes nobody compute with all of them.
#[test]
fn a_signature_is_tried_with_few_keys_of_one_name() {
    let stranger =
        json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "same"});
    let last = |strangers: usize| {
        let mut keys = vec![stranger.clone(); strangers];
        keys.push(with(jwk(EdDsa), json!({"kid": "same"})));
        reason(&over(&Value::Array(keys)), &seal_as(json!("same"), EdDsa))
    };
    assert_eq!(last(3), None);
    assert_eq!(last(4), Some(BadSignature));
    assert_eq!(last(255), Some(BadSignature));
}

/// Points of small order on Curve25519 (RFC 7748, 7; RFC 8032, 5.1.7): under them anything verifies that is made for it.
#[test]
fn an_ed25519_key_of_small_order_is_none() {
    for point in [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ] {
        let digits: Vec<u8> = point.chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
        let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect();
        let key = with(jwk(EdDsa), json!({"x": encode(bytes)}));
        assert!(KeySet::parse(json!({"keys": [key]}).to_string().as_bytes()).is_err(), "{point}");
    }
}

#[test]
fn reading_a_set_is_bounded() {
    let many = vec![jwk(Es256); KeySet::MAX_KEYS + 1];
    assert!(KeySet::parse(json!({"keys": many}).to_string().as_bytes()).is_err());
    for document in [
        format!("{{\"keys\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000)),
        format!("{{\"keys\":[{}]}}", vec!["{}"; 300_000].join(",")),
        " ".repeat(KeySet::MAX_LEN + 1),
        format!("{{\"keys\":[{{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"{}\"}}]}}", "A".repeat(900_000)),
        format!("{{\"keys\":[{{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"{0}\",\"y\":\"{0}\"}}]}}", "A".repeat(500_000)),
    ] {
        assert!(KeySet::parse(document.as_bytes()).is_err(), "{} bytes", document.len());
    }
    assert!(verified(&over(&json!([jwk(EdDsa)])), &token(&claims())).is_ok());
}

fn over(keys: &Value) -> crate::model::Organization {
    let keys = KeySet::parse(json!({"keys": keys}).to_string().as_bytes()).unwrap();
    organization(vec![Connection { jwks: Jwks::Inline(keys), ..connection("okta") }])
}

fn reason(organization: &crate::model::Organization, token: &str) -> Option<Reason> {
    verified(organization, token).err()
}

fn seal_as(kid: Value, algorithm: crate::model::Algorithm) -> String {
    seal(&with(header(algorithm), json!({"kid": kid})).to_string(), &claims().to_string(), algorithm)
}

/// Whether the weak key's signature is true, as one would see who does not look at the key's size.
fn weakly_verified() -> bool {
    let (message, signature) = SIGNED_WEAKLY.rsplit_once('.').unwrap();
    let modulus = base64url::decode(WEAK_MODULUS.as_bytes()).unwrap();
    let number = |bytes: &[u8]| BigNum::from_slice(bytes).unwrap();
    let key = Rsa::from_public_components(number(&modulus), number(&[1, 0, 1])).unwrap();
    let key = PKey::from_rsa(key).unwrap();
    let mut verifier = Verifier::new(MessageDigest::sha256(), &key).unwrap();
    verifier.set_rsa_padding(Padding::PKCS1).unwrap();
    verifier.verify_oneshot(&base64url::decode(signature.as_bytes()).unwrap(), message.as_bytes()).unwrap()
}

const WEAK_MODULUS: &str = concat!(
    "6F9ne-hqqXYUJzV9ttbKlwsvSZWmihB5rU_6HRzJzNgCQMjw7D6KgcSnmqhuwiqLUqLPNiZD5akuGDsKqMY9D4qPqIPNCoATfLyL",
    "xs7gTajA1vNpJQOmCKrwLOqmc2oJPnxVSzlrGQz13hbeh65zhcZ-Ln5gnmiD21uF7g0BgK0",
);

/// Good in every other way.
const SIGNED_WEAKLY: &str = concat!(
    "eyJhbGciOiJSUzI1NiIsImtpZCI6IndlYWsifQ.eyJpc3MiOiJodHRwczovL2lkcC5hY21lLmV4YW1wbGUiLCJzdWIiOiJ1LTEiL",
    "CJhdWQiOiJ1c2hlciIsImV4cCI6MTgwMDAwMDMwMCwiaWF0IjoxNzk5OTk5OTkwLCJlbWFpbCI6ImFkYUBhY21lLmV4YW1wbGUiL",
    "CJlbWFpbF92ZXJpZmllZCI6dHJ1ZSwiZ3JvdXBzIjpbInN0YWZmIl19.zLHRD6llWjVieSnTLkU8ueJ8897HsIOdrOZ5ywrfVqu8",
    "SNAxrlE7pOPM6IXgzqm6IM9TP7TpMeLKtdhkHbB4-ziFrTguPVJTAJDn9kTwh1rYgJxEhbGoBJBGrpyPMq1McawP_9reckG_AcyY",
    "5TjMF2rbOY7TAanPR7es6Xx5Nkg",
);
