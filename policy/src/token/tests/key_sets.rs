//! Which keys of a JWK set are taken, and which one a token means.

use jwt_simple::algorithms::RSAPublicKey;
use serde_json::{Value, json};

use super::signing::{ed25519, encode, jwk, jwks, p256, p384, rsa};
use super::world::with;
use crate::model::Algorithm::{self, EdDsa, Es256, Es384, Ps256, Rs256, Rs512};
use crate::token::keys::{KeySet, KeySetError, NoKey};

#[test]
fn every_kind_of_key_is_taken_and_knows_its_algorithms() {
    let set = parse(&jwks()).unwrap();
    let fitting: Vec<Vec<_>> = set
        .keys()
        .iter()
        .map(|key| Algorithm::ALL.iter().filter(|algorithm| key.fits(**algorithm)).collect())
        .collect();
    let rsa_algorithms: Vec<_> = Algorithm::ALL.iter().take(6).collect();
    assert_eq!(fitting, [rsa_algorithms, vec![&Es256], vec![&Es384], vec![&EdDsa]]);
    let lengths: Vec<_> = set.keys().iter().map(|key| (key.id(), key.signature_len())).collect();
    assert_eq!(lengths, [(Some("rsa"), 256), (Some("p256"), 64), (Some("p384"), 96), (Some("ed25519"), 64)]);
}

#[test]
fn a_key_gives_its_subject_public_key_info() {
    let set = parse(&jwks()).unwrap();
    let [rsa_key, p256_key, p384_key, ed25519_key] = set.keys() else { panic!("four keys") };
    assert_eq!(RSAPublicKey::from_der(rsa_key.spki()).unwrap().to_components().n, rsa().public_key().to_components().n);
    assert_eq!(p256_key.spki(), p256().public_key().to_der().unwrap());
    assert_eq!(p384_key.spki(), p384().public_key().to_der().unwrap());
    assert_eq!(ed25519_key.spki(), ed25519().public_key().to_der());
    for key in set.keys() {
        // A SEQUENCE over the whole.
        assert_eq!(key.spki()[0], 0x30);
    }
}

#[test]
fn what_a_provider_adds_to_a_key_is_ignored() {
    for edits in [
        json!({"use": "sig", "key_ops": ["verify"], "alg": "ES256", "x5c": ["AA=="], "x5t": "AA", "extra": {"a": 1}}),
        json!({"key_ops": ["sign", "verify"]}),
        json!({"kid": null}),
        // A private part is no secret any more; it is not kept either.
        json!({"d": encode([1; 32])}),
    ] {
        let set = parse(&json!({"keys": [with(jwk(Es256), edits.clone())], "other": 1})).unwrap();
        assert_eq!(set.keys().len(), 1, "{edits}");
        assert!(!format!("{set:?}").contains(&encode([1; 32])));
    }
}

#[test]
fn a_modulus_may_have_a_zero_in_front() {
    let public = rsa().public_key().to_components();
    let padded = with(jwk(Rs256), json!({"n": encode([&[0], public.n.as_slice()].concat())}));
    assert_eq!(parse(&json!({"keys": [padded]})).unwrap().keys()[0].signature_len(), 256);
}

#[test]
fn keys_that_cannot_verify_are_skipped() {
    let public = rsa().public_key().to_components();
    let even = [&public.n[..255], &[public.n[255] & 0xfe]].concat();
    let point = p256().public_key().to_bytes_uncompressed();
    let p256_y = jwk(Es256)["y"].as_str().unwrap().to_owned();
    for unusable in [
        json!(null),
        json!("RSA"),
        json!({}),
        json!({"kty": "oct", "k": encode([7; 32]), "alg": "HS256"}),
        json!({"kty": "AKP", "alg": "ML-DSA-65", "pub": "AA"}),
        with(jwk(Rs256), json!({"kty": "rsa"})),
        with(jwk(Rs256), json!({"kty": 1})),
        with(jwk(Rs256), json!({"n": null})),
        with(jwk(Rs256), json!({"e": null})),
        with(jwk(Rs256), json!({"n": encode(&public.n[..128])})),
        with(jwk(Rs256), json!({"n": encode([&public.n[..], &public.n[..], &public.n[..]].concat())})),
        with(jwk(Rs256), json!({"n": encode(even)})),
        with(jwk(Rs256), json!({"n": ""})),
        with(jwk(Rs256), json!({"n": format!("{}=", encode(&public.n))})),
        with(jwk(Rs256), json!({"n": format!("{} ", encode(&public.n))})),
        with(jwk(Rs256), json!({"e": ""})),
        with(jwk(Rs256), json!({"e": "AQ"})),
        with(jwk(Rs256), json!({"e": "Aw"})),
        with(jwk(Rs256), json!({"e": "AQAA"})),
        with(jwk(Rs256), json!({"e": 65537})),
        with(jwk(Rs256), json!({"alg": "ES256"})),
        with(jwk(Rs256), json!({"alg": "RSA-OAEP"})),
        with(jwk(Rs256), json!({"alg": "HS256"})),
        with(jwk(Rs256), json!({"alg": "none"})),
        with(jwk(Rs256), json!({"alg": 1})),
        with(jwk(Rs256), json!({"use": "enc"})),
        with(jwk(Rs256), json!({"use": ["sig"]})),
        with(jwk(Rs256), json!({"key_ops": ["sign"]})),
        with(jwk(Rs256), json!({"key_ops": []})),
        with(jwk(Rs256), json!({"key_ops": "verify"})),
        with(jwk(Rs256), json!({"kid": 7})),
        with(jwk(Rs256), json!({"kid": "x".repeat(1025)})),
        with(jwk(Es256), json!({"crv": "P-384"})),
        with(jwk(Es256), json!({"crv": "P-521"})),
        with(jwk(Es256), json!({"crv": "secp256k1"})),
        with(jwk(Es256), json!({"crv": null})),
        with(jwk(Es256), json!({"y": null})),
        with(jwk(Es256), json!({"x": p256_y})),
        with(jwk(Es256), json!({"x": encode([0; 32]), "y": encode([0; 32])})),
        with(jwk(Es256), json!({"x": encode([0xff; 32])})),
        with(jwk(Es256), json!({"x": encode([1; 31])})),
        with(jwk(Es256), json!({"x": encode([0; 33])})),
        // The same point, cut elsewhere.
        with(jwk(Es256), json!({"x": encode(&point[1..32]), "y": encode(&point[32..])})),
        with(jwk(Es256), json!({"x": encode(&point[1..34]), "y": encode(&point[34..])})),
        with(jwk(Es256), json!({"alg": "ES384"})),
        with(jwk(Es384), json!({"crv": "P-256"})),
        with(jwk(EdDsa), json!({"crv": "X25519"})),
        with(jwk(EdDsa), json!({"crv": "Ed448"})),
        with(jwk(EdDsa), json!({"kty": "EC"})),
        with(jwk(EdDsa), json!({"x": encode([1; 31])})),
        with(jwk(EdDsa), json!({"x": encode([0; 32])})),
        // The neutral element: of small order, verifies anything.
        with(jwk(EdDsa), json!({"x": encode([&[1], [0; 31].as_slice()].concat())})),
    ] {
        assert_eq!(parse(&json!({"keys": [unusable]})).err(), Some(KeySetError::NoUsableKey), "{unusable}");
        let both = parse(&json!({"keys": [unusable, with(jwk(EdDsa), json!({"kid": "good"}))]})).unwrap();
        assert_eq!(both.keys().iter().map(|key| key.id()).collect::<Vec<_>>(), [Some("good")], "{unusable}");
    }
}

#[test]
fn a_document_that_is_no_key_set_is_an_error() {
    for bad in ["null", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":null}"#, r#"{"Keys":[]}"#, "\"keys\""] {
        assert_eq!(KeySet::parse(bad.as_bytes()).err(), Some(KeySetError::NoKeys), "{bad}");
    }
    for bad in ["", "{", r#"{"keys":[],"keys":[]}"#, r#"{"keys":[{"kty":"RSA","kty":"EC"}]}"#, "<html>"] {
        assert!(matches!(KeySet::parse(bad.as_bytes()), Err(KeySetError::Json(_))), "{bad}");
    }
    assert!(matches!(KeySet::parse(b"{\"keys\":[\xff]}"), Err(KeySetError::Json(_))));
    assert_eq!(parse(&json!({"keys": []})).err(), Some(KeySetError::NoUsableKey));
    let many = |count: usize| parse(&json!({"keys": vec![jwk(EdDsa); count]}));
    assert_eq!(many(KeySet::MAX_KEYS).unwrap().keys().len(), KeySet::MAX_KEYS);
    assert_eq!(many(KeySet::MAX_KEYS + 1).err(), Some(KeySetError::TooManyKeys));
    let mut longest = jwks().to_string();
    longest += &" ".repeat(KeySet::MAX_LEN - longest.len());
    assert!(KeySet::parse(longest.as_bytes()).is_ok());
    assert_eq!(KeySet::parse(format!("{longest} ").as_bytes()).err(), Some(KeySetError::TooLong));
}

#[test]
fn a_kid_picks_every_key_of_that_name_that_fits() {
    let named = |kid: &str, jwk: Value| with(jwk, json!({"kid": kid}));
    let set = parse(&json!({"keys": [
        named("a", jwk(Rs256)),
        named("a", jwk(Es256)),
        named("b", with(jwk(Rs256), json!({"alg": "RS512"}))),
        named("c", jwk(Es256)),
        named("c", jwk(Es256)),
        named("d", json!({"kty": "oct", "k": "AA"})),
        named("e", with(jwk(Rs256), json!({"use": "enc"}))),
        with(jwk(EdDsa), json!({"kid": null})),
    ]}))
    .unwrap();
    let found = |kid, algorithm| set.candidates(Some(kid), algorithm).map(|keys| keys.len());
    for (kid, algorithm, expected) in [
        ("a", Rs256, Ok(1)),
        ("a", Es256, Ok(1)),
        ("a", EdDsa, Err(NoKey::Misfit)),
        ("b", Rs512, Ok(1)),
        ("b", Rs256, Err(NoKey::Misfit)),
        ("b", Ps256, Err(NoKey::Misfit)),
        ("c", Es256, Ok(2)),
        ("c", Es384, Err(NoKey::Misfit)),
        ("d", Rs256, Err(NoKey::Misfit)),
        ("e", Rs256, Err(NoKey::Misfit)),
        ("A", Rs256, Err(NoKey::Unknown)),
        ("", EdDsa, Err(NoKey::Unknown)),
    ] {
        assert_eq!(found(kid, algorithm), expected, "{kid} {algorithm}");
    }
}

#[test]
fn without_a_kid_exactly_one_key_must_fit() {
    let set = parse(&json!({"keys": [
        jwk(EdDsa),
        with(jwk(Rs256), json!({"alg": "RS256"})),
        with(jwk(Rs256), json!({"alg": "RS512", "kid": null})),
        jwk(Es256),
        with(jwk(Es256), json!({"kid": "other"})),
    ]}))
    .unwrap();
    let found = |algorithm| set.candidates(None, algorithm).map(|keys| keys[0].id());
    assert_eq!(found(EdDsa), Ok(Some("ed25519")));
    assert_eq!(found(Rs256), Ok(Some("rsa")));
    assert_eq!(found(Rs512), Ok(None));
    assert_eq!(found(Es256), Err(NoKey::Unknown));
    assert_eq!(found(Es384), Err(NoKey::Unknown));
}

fn parse(document: &Value) -> Result<KeySet, KeySetError> {
    KeySet::parse(document.to_string().as_bytes())
}
