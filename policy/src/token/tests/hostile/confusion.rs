//! RFC 8725, 2.1, 3.1 and 3.5: another algorithm than was meant, another key than is trusted.

use hmac_sha512::sha384;
use serde_json::{Value, json};

use super::super::signing::{ed25519, encode, jwk, jwks, kid, p256, p384, rsa, seal, sign};
use super::super::world::{Keys, NOW, claims, header, signed, with};
use super::{Attack, assert_refused};
use crate::Reason::{BadSignature, UnknownKey, UnsupportedAlgorithm};
use crate::model::Algorithm::{self, EdDsa, Es256, Es384, Ps256, Rs256};
use crate::token::{Assertion, Key, SignatureVerifier, verify};

#[test]
fn none_has_no_spelling_that_passes() {
    let mut attacks: Vec<Attack> = Vec::new();
    for name in [
        "none",
        "None",
        "NONE",
        "nOnE",
        "NonE",
        "none ",
        " none",
        "none\0",
        "\0none",
        "none\n",
        "n\u{f6}ne",
        "nоne",
        "ｎone",
        "",
        " ",
        "null",
        "undefined",
        "false",
        "0",
        "NULL",
        "none,EdDSA",
        "EdDSA,none",
        "no\u{200b}ne",
        "n/a",
        "plain",
    ] {
        for kid in [json!("ed25519"), Value::Null] {
            let sealed = signed(&with(header(EdDsa), json!({"alg": name, "kid": kid})), &claims(), EdDsa);
            let (message, _) = sealed.rsplit_once('.').unwrap();
            for (how, token) in [
                ("without a signature", format!("{message}.")),
                ("with a true one", sealed.clone()),
                ("with some bytes", format!("{message}.{}", encode([0; 64]))),
            ] {
                attacks.push((format!("{name:?} {how}, kid {kid}"), token, UnsupportedAlgorithm));
            }
        }
    }
    assert_refused(attacks, 150);
}

/// The secret is whatever a library that knows only "the key" may take a public key for.
#[test]
fn no_form_of_a_public_key_is_an_hmac_secret() {
    let rsa_public = rsa().public_key();
    let components = rsa_public.to_components();
    let pem = rsa_public.to_pem().unwrap();
    let p256_public = p256().public_key();
    let p256_pem = p256_public.to_pem().unwrap();
    let secrets: Vec<(&str, Vec<u8>, Algorithm)> = vec![
        ("RSA PEM", pem.clone().into_bytes(), Rs256),
        ("RSA PEM, no line end", pem.trim_end().as_bytes().to_vec(), Rs256),
        ("RSA PEM, CRLF", pem.replace('\n', "\r\n").into_bytes(), Rs256),
        ("RSA PEM, one line", pem.replace('\n', "").into_bytes(), Rs256),
        ("RSA DER", rsa_public.to_der().unwrap(), Rs256),
        ("RSA DER in base64", encode(rsa_public.to_der().unwrap()).into_bytes(), Rs256),
        ("RSA modulus", components.n.clone(), Rs256),
        ("RSA modulus with a zero", [&[0], components.n.as_slice()].concat(), Rs256),
        ("RSA modulus in base64", encode(&components.n).into_bytes(), Rs256),
        ("RSA exponent", components.e.clone(), Rs256),
        ("RSA JWK", jwk(Rs256).to_string().into_bytes(), Rs256),
        ("the JWK set", jwks().to_string().into_bytes(), Rs256),
        ("the kid", b"rsa".to_vec(), Rs256),
        ("nothing", Vec::new(), Rs256),
        ("zeros", vec![0; 32], Rs256),
        ("P-256 PEM", p256_pem.into_bytes(), Es256),
        ("P-256 DER", p256_public.to_der().unwrap(), Es256),
        ("P-256 point", p256_public.to_bytes_uncompressed(), Es256),
        ("P-256 x in base64", jwk(Es256)["x"].as_str().unwrap().into(), Es256),
        ("P-256 JWK", jwk(Es256).to_string().into_bytes(), Es256),
        ("P-384 point", p384().public_key().to_bytes_uncompressed(), Es384),
        ("Ed25519 bytes", ed25519().public_key().to_bytes(), EdDsa),
        ("Ed25519 DER", ed25519().public_key().to_der(), EdDsa),
        ("Ed25519 JWK", jwk(EdDsa).to_string().into_bytes(), EdDsa),
    ];
    let mut attacks: Vec<Attack> = Vec::new();
    for (name, secret, own) in &secrets {
        for claimed in ["HS256", "HS384", "HS512", own.name()] {
            let head = with(header(*own), json!({"alg": claimed}));
            let message = format!("{}.{}", encode(head.to_string()), encode(claims().to_string()));
            let mac = match claimed {
                "HS384" => sha384::HMAC::mac(&message, secret).to_vec(),
                "HS512" => hmac_sha512::HMAC::mac(&message, secret).to_vec(),
                _ => hmac_sha256::HMAC::mac(&message, secret).to_vec(),
            };
            let expected = if claimed.starts_with("HS") { UnsupportedAlgorithm } else { BadSignature };
            attacks.push((format!("{name} with {claimed}"), format!("{message}.{}", encode(mac)), expected));
        }
    }
    assert_refused(attacks, 96);
}

/// Every algorithm under every key, signed by every other: only what is all of one kind is good.
#[test]
fn algorithm_key_and_signature_are_of_one_kind() {
    let kinds = [Rs256, Ps256, Es256, Es384, EdDsa];
    let mut attacks: Vec<Attack> = Vec::new();
    for claimed in kinds {
        for key in kinds {
            for signer in kinds {
                if claimed == signer && kid(claimed) == kid(key) {
                    continue;
                }
                let head = with(header(claimed), json!({"kid": kid(key)}));
                let token = signed(&head, &claims(), signer);
                attacks.push((format!("{claimed} under {key}, signed by {signer}"), token, BadSignature));
            }
        }
    }
    // Hashes of one family are as different as families are.
    for claimed in Algorithm::ALL {
        for signer in Algorithm::ALL.iter().filter(|signer| *signer != claimed && kid(**signer) == kid(*claimed)) {
            let token = signed(&header(*claimed), &claims(), *signer);
            attacks.push((format!("{claimed}, signed as {signer}"), token, BadSignature));
        }
    }
    assert_refused(attacks, 140);
}

#[test]
fn an_alg_that_is_nearly_one_of_ours_is_none_of_ours() {
    let mut attacks: Vec<Attack> = Vec::new();
    for name in [
        "rs256",
        "RS-256",
        "RS256 ",
        " RS256",
        "RS256\0",
        "RS256\n",
        "RS128",
        "RS1",
        "RSA",
        "RSASSA",
        "RS512/256",
        "SHA256withRSA",
        "ES512",
        "ES256K",
        "es256",
        "ECDSA",
        "P-256",
        "Ed25519",
        "Ed448",
        "EDDSA",
        "eddsa",
        "Ed25519ph",
        "PS1",
        "ps256",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "1.2.840.113549.1.1.11",
        "RSA1_5",
        "RSA-OAEP",
        "A128KW",
        "dir",
        "PBES2-HS256+A128KW",
        "ECDH-ES",
        "ML-DSA-44",
        "ML-DSA-65",
        "HS256 ",
        "hs256",
        "HS1",
        "*",
        "any",
    ] {
        for signer in [EdDsa, Rs256, Es256] {
            let token = signed(&with(header(signer), json!({"alg": name})), &claims(), signer);
            attacks.push((format!("{name:?}, signed by {signer}"), token, UnsupportedAlgorithm));
        }
    }
    assert_refused(attacks, 100);
}

/// RFC 8725, 3.10 and RFC 7515, 10.7: a token does not say with what it is to be checked.
#[test]
fn a_key_that_comes_with_the_token_is_not_used() {
    let attacker = jwt_simple::algorithms::Ed25519KeyPair::generate();
    let attacker_jwk: Value = serde_json::from_str(&attacker.public_key().to_jwk()).unwrap();
    let key_pair = ed25519_compact::KeyPair::from_slice(&attacker.to_bytes()).unwrap();
    let forge = |head: &Value| {
        let message = format!("{}.{}", encode(head.to_string()), encode(claims().to_string()));
        format!("{message}.{}", encode(*key_pair.sk.sign(&message, None)))
    };
    let evil = "https://evil.example/keys";
    let der = encode(attacker.public_key().to_der());
    let mut attacks: Vec<Attack> = Vec::new();
    for (name, edits) in [
        ("jwk", json!({"jwk": attacker_jwk})),
        ("jwk with our kid", json!({"jwk": with(attacker_jwk.clone(), json!({"kid": "ed25519"}))})),
        ("jku", json!({"jku": evil})),
        ("x5u", json!({"x5u": evil})),
        ("x5c", json!({"x5c": [der]})),
        ("x5t", json!({"x5t": encode([1; 20]), "x5t#S256": encode([1; 32])})),
        ("all of them", json!({"jwk": attacker_jwk, "jku": evil, "x5u": evil, "x5c": [der]})),
        ("a key of another name", json!({"key": attacker_jwk, "cnf": {"jwk": attacker_jwk}, "keys": [attacker_jwk]})),
        ("a verifier's own member", json!({"epk": attacker_jwk, "apu": "", "apv": ""})),
        ("an oct key", json!({"jwk": {"kty": "oct", "k": encode([0; 32])}})),
    ] {
        let ours = with(header(EdDsa), edits.clone());
        attacks.push((format!("{name}, under our kid"), forge(&ours), BadSignature));
        attacks.push((
            format!("{name}, without a kid"),
            forge(&with(ours.clone(), json!({"kid": null}))),
            BadSignature,
        ));
        attacks.push((format!("{name}, under its own kid"), forge(&with(ours, json!({"kid": "evil"}))), UnknownKey));
    }
    // A key in the claims is no more than one in the header.
    let message_claims = with(claims(), json!({"cnf": {"jwk": attacker_jwk}, "sub_jwk": attacker_jwk}));
    let message = format!("{}.{}", encode(header(EdDsa).to_string()), encode(message_claims.to_string()));
    let token = format!("{message}.{}", encode(*key_pair.sk.sign(&message, None)));
    attacks.push(("a key in the claims (self-issued)".to_owned(), token, BadSignature));
    assert_refused(attacks, 31);
}

#[test]
fn a_signature_has_one_form() {
    let es256 = |signature: Vec<u8>| spliced(Es256, &signature);
    let good = |algorithm: Algorithm| sign(algorithm, message(algorithm).as_bytes());
    let (p256_good, p384_good, ed_good, rsa_good) = (good(Es256), good(Es384), good(EdDsa), good(Rs256));
    let half = |bytes: &[u8], which: usize| bytes.chunks(bytes.len() / 2).nth(which).unwrap().to_vec();
    let (r, s) = (half(&p256_good, 0), half(&p256_good, 1));
    let order: Vec<u8> = [
        &[0xff; 4][..],
        &[0; 4],
        &[0xff; 8],
        &[0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51],
    ]
    .concat();
    let zero = vec![0; 32];
    let one = [vec![0; 31], vec![1]].concat();
    let der = crate::token::signature::ecdsa_der(&p256_good).unwrap();
    let named = |name: &str, token: String| (name.to_owned(), token, BadSignature);
    let ed_s_plus_order = plus_order(&ed_good);
    assert_refused(
        vec![
            named("r and s zero (CVE-2022-21449)", es256([zero.clone(), zero.clone()].concat())),
            named("r zero", es256([zero.clone(), s.clone()].concat())),
            named("s zero", es256([r.clone(), zero.clone()].concat())),
            named("r the order", es256([order.clone(), s.clone()].concat())),
            named("s the order", es256([r.clone(), order.clone()].concat())),
            named("r and s the order", es256([order.clone(), order.clone()].concat())),
            named("r and s one", es256([one.clone(), one.clone()].concat())),
            named("r and s all ones", es256(vec![0xff; 64])),
            named("r one, s of the signature", es256([one.clone(), s.clone()].concat())),
            named("r and s swapped", es256([s.clone(), r.clone()].concat())),
            named("DER for raw", es256(der.clone())),
            named("DER in a length of raw", es256(der.iter().copied().chain([0; 64]).take(64).collect())),
            named("nothing", es256(Vec::new())),
            named("one byte short", es256(p256_good[..63].to_vec())),
            named("one byte long", es256([&p256_good[..], &[0]].concat())),
            named("a zero in front", es256([&[0], &p256_good[..]].concat())),
            named("without its leading byte", es256(p256_good[1..].to_vec())),
            named("twice", es256([&p256_good[..], &p256_good[..]].concat())),
            named("r alone", es256(r.clone())),
            named("of P-384's length", es256([vec![0; 16], r.clone(), vec![0; 16], s.clone()].concat())),
            named("P-384 cut to P-256's length", es256(p384_good[..64].to_vec())),
            named("Ed25519: s plus the order (malleable)", spliced(EdDsa, &ed_s_plus_order)),
            named("Ed25519: zeros", spliced(EdDsa, &[0; 64])),
            named("Ed25519: the neutral point and zero", spliced(EdDsa, &[vec![1], vec![0; 63]].concat())),
            named("Ed25519: R alone", spliced(EdDsa, &ed_good[..32])),
            named("Ed25519: with the message after it", spliced(EdDsa, &[&ed_good[..], b"message"].concat())),
            named("RSA: zero", spliced(Rs256, &[0; 256])),
            named("RSA: one", spliced(Rs256, &[vec![0; 255], vec![1]].concat())),
            named("RSA: the modulus", spliced(Rs256, &rsa().public_key().to_components().n)),
            named("RSA: all ones", spliced(Rs256, &[0xff; 256])),
            named("RSA: a zero in front", spliced(Rs256, &[&[0], &rsa_good[..]].concat())),
            named("RSA: one byte short", spliced(Rs256, &rsa_good[..255])),
            named("RSA: reversed", spliced(Rs256, &rsa_good.iter().rev().copied().collect::<Vec<_>>())),
        ],
        33,
    );
}

/// Whoever checks signatures is asked only about what can be one: even a verifier that believes everything lets nothing else by.
#[test]
fn a_verifier_is_asked_only_about_signatures_of_the_right_form() {
    struct Credulous;
    impl SignatureVerifier for Credulous {
        fn verify(&self, _: Algorithm, _: &Key, _: &[u8], _: &[u8]) -> bool {
            true
        }
    }
    let reason = |token: &str| {
        let assertion = Assertion::parse(token.as_bytes()).unwrap();
        verify(&super::plain(), &assertion, &Keys(None), &Credulous, NOW).err().map(|error| error.reason())
    };
    for (algorithm, len) in [(Rs256, 256), (Ps256, 256), (Es256, 64), (Es384, 96), (EdDsa, 64)] {
        assert_eq!(reason(&spliced(algorithm, &vec![1; len])), None, "{algorithm}");
        for wrong in [0, 1, len - 1, len + 1, 2 * len] {
            assert_eq!(reason(&spliced(algorithm, &vec![1; wrong])), Some(BadSignature), "{algorithm} {wrong}");
        }
    }
    for algorithm in [Es256, Es384] {
        let len = if algorithm == Es256 { 64 } else { 96 };
        assert_eq!(reason(&spliced(algorithm, &vec![0; len])), Some(BadSignature), "{algorithm}: zeros");
        assert_eq!(reason(&spliced(algorithm, &vec![0xff; len])), Some(BadSignature), "{algorithm}: beyond the order");
    }
}

/// The good header and claims of an algorithm, as they are signed.
fn message(algorithm: Algorithm) -> String {
    format!("{}.{}", encode(header(algorithm).to_string()), encode(claims().to_string()))
}

fn spliced(algorithm: Algorithm, signature: &[u8]) -> String {
    format!("{}.{}", message(algorithm), encode(signature))
}

/// RFC 8032, 8.4: `s` plus the order of the group satisfies the same equation and must not be taken.
fn plus_order(signature: &[u8]) -> Vec<u8> {
    let mut order = [0_u8; 32];
    order[..16].copy_from_slice(&[
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    ]);
    order[31] = 0x10;
    let mut sum = signature.to_vec();
    let mut carry = 0_u16;
    for (byte, of_order) in sum[32..].iter_mut().zip(order) {
        carry += u16::from(*byte) + u16::from(of_order);
        *byte = carry as u8;
        carry >>= 8;
    }
    sum
}

/// The signers of these tests do sign: what they make of the same message is good.
#[test]
fn what_is_not_tampered_with_is_accepted() {
    for algorithm in [Rs256, Ps256, Es256, Es384, EdDsa] {
        let token = spliced(algorithm, &sign(algorithm, message(algorithm).as_bytes()));
        assert!(super::verified(&super::plain(), &token).is_ok(), "{algorithm}");
    }
    assert!(super::verified(&super::plain(), &seal(&header(EdDsa).to_string(), &claims().to_string(), EdDsa)).is_ok());
}
