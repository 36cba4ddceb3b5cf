//! Every algorithm accepts a true signature, and nothing that differs from it in one bit.

use jwt_simple::prelude::*;
use serde_json::json;

use super::signing::{jwk, jwks, kid, p256, rsa, sign};
use crate::model::Algorithm::{self, EdDsa, Es256, Rs256};
use crate::token::base64url;
use crate::token::keys::{Key, KeySet};
use crate::token::signature::{JwtSimple, SignatureVerifier as _, ecdsa_der, is_well_formed};

const MESSAGE: &[u8] = b"header.payload";

#[test]
fn every_algorithm_accepts_its_signature_and_no_other() {
    let set = key_set();
    for signed in Algorithm::ALL {
        let signature = sign(*signed, MESSAGE);
        for claimed in Algorithm::ALL {
            for key in set.keys() {
                let expected = signed == claimed && key.id() == Some(kid(*signed));
                assert_eq!(accepts(*claimed, key, MESSAGE, &signature), expected, "{signed} {claimed} {:?}", key.id());
                // The verifier alone, too, never takes one algorithm for another.
                assert_eq!(JwtSimple.verify(*claimed, key, MESSAGE, &signature), expected);
            }
        }
    }
}

#[test]
fn no_byte_of_signature_or_message_can_be_changed() {
    let set = key_set();
    for algorithm in Algorithm::ALL {
        let key = key_of(&set, *algorithm);
        let signature = sign(*algorithm, MESSAGE);
        for position in 0..signature.len() {
            let mut altered = signature.clone();
            altered[position] ^= 1 << (position % 8);
            assert!(!accepts(*algorithm, key, MESSAGE, &altered), "{algorithm} signature byte {position}");
        }
        for position in 0..MESSAGE.len() {
            let mut altered = MESSAGE.to_vec();
            altered[position] ^= 1 << (position % 8);
            assert!(!accepts(*algorithm, key, &altered, &signature), "{algorithm} message byte {position}");
        }
    }
}

#[test]
fn a_signature_has_its_exact_length() {
    let set = key_set();
    for algorithm in Algorithm::ALL {
        let key = key_of(&set, *algorithm);
        let good = sign(*algorithm, MESSAGE);
        for bad in [
            vec![],
            vec![0],
            good[1..].to_vec(),
            good[..good.len() - 1].to_vec(),
            [&good[..], &[0]].concat(),
            [&[0], &good[..]].concat(),
            [&good[..], &good[..]].concat(),
            vec![0; good.len()],
            vec![0xff; good.len()],
        ] {
            assert!(!accepts(*algorithm, key, MESSAGE, &bad), "{algorithm} {} bytes", bad.len());
            assert!(!JwtSimple.verify(*algorithm, key, MESSAGE, &bad), "{algorithm} {} bytes, verifier", bad.len());
        }
        // ECDSA knows no `r` or `s` of zero (FIPS 186-5, 6.4.2): no verifier is asked about it.
        let has_two_numbers = matches!(algorithm, Algorithm::Es256 | Algorithm::Es384);
        assert_eq!(is_well_formed(*algorithm, key, &vec![0; good.len()]), !has_two_numbers, "{algorithm}");
    }
}

#[test]
fn jwt_simple_signs_what_we_verify() {
    let set = key_set();
    let rs256 = RS256KeyPair::from_der(&rsa().to_der().unwrap()).unwrap();
    let ps512 = PS512KeyPair::from_der(&rsa().to_der().unwrap()).unwrap();
    let es256 = ES256KeyPair::from_bytes(&p256().to_bytes()).unwrap();
    let claims = || Claims::create(Duration::from_mins(1)).with_subject("u-1");
    for (algorithm, token) in [
        (Algorithm::Rs256, rs256.sign(claims()).unwrap()),
        (Algorithm::Ps512, ps512.sign(claims()).unwrap()),
        (Algorithm::Es256, es256.sign(claims()).unwrap()),
    ] {
        let (message, signature) = token.rsplit_once('.').unwrap();
        let signature = base64url::decode(signature.as_bytes()).unwrap();
        assert!(accepts(algorithm, key_of(&set, algorithm), message.as_bytes(), &signature), "{algorithm}");
    }
}

/// RFC 7515, A.3.1 and RFC 8037, A.4.
#[test]
fn the_examples_of_the_rfcs_verify() {
    let set = json!({"keys": [
        {"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
         "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
        {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
    ]});
    let set = KeySet::parse(set.to_string().as_bytes()).unwrap();
    for (key, algorithm, message, signature) in [
        (
            &set.keys()[0],
            Es256,
            "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        ),
        (
            &set.keys()[1],
            EdDsa,
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        ),
    ] {
        let signature = base64url::decode(signature.as_bytes()).unwrap();
        assert!(accepts(algorithm, key, message.as_bytes(), &signature), "{algorithm}");
    }
}

#[test]
fn an_ecdsa_signature_becomes_shortest_der() {
    let raw = |r: &[u8], s: &[u8], size: usize| {
        let pad = |number: &[u8]| [vec![0; size - number.len()], number.to_vec()].concat();
        [pad(r), pad(s)].concat()
    };
    assert_eq!(ecdsa_der(&raw(&[1], &[2], 32)), Some(vec![0x30, 6, 2, 1, 1, 2, 1, 2]));
    assert_eq!(ecdsa_der(&raw(&[0x80], &[0x7f], 32)), Some(vec![0x30, 7, 2, 2, 0, 0x80, 2, 1, 0x7f]));
    assert_eq!(ecdsa_der(&raw(&[1, 0], &[0xff, 0], 48)), Some(vec![0x30, 9, 2, 2, 1, 0, 2, 3, 0, 0xff, 0]));
    let full = ecdsa_der(&raw(&[0x80; 32], &[0x80; 32], 32)).unwrap();
    assert_eq!((full.len(), &full[..5]), (72, &[0x30, 70, 2, 33, 0][..]));
    let full = ecdsa_der(&raw(&[0x80; 48], &[0x80; 48], 48)).unwrap();
    assert_eq!((full.len(), &full[..5]), (104, &[0x30, 102, 2, 49, 0][..]));
}

#[test]
fn an_ecdsa_signature_out_of_range_has_no_der() {
    // The order of P-256 (FIPS 186-5; SP 800-186, 3.2.1.3).
    let order = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad,
        0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let mut below = order;
    below[31] -= 1;
    let one = [[0; 31].as_slice(), &[1]].concat();
    assert!(ecdsa_der(&[below.as_slice(), &one].concat()).is_some());
    assert!(ecdsa_der(&[one.as_slice(), &below].concat()).is_some());
    for bad in [
        [order.as_slice(), &one].concat(),
        [one.as_slice(), &order].concat(),
        [[0; 32].as_slice(), &one].concat(),
        [one.as_slice(), &[0; 32]].concat(),
        [[0xff; 32].as_slice(), &one].concat(),
        vec![],
        vec![1; 63],
        vec![1; 65],
        vec![1; 95],
        vec![1; 97],
        vec![1; 132],
        [[0; 48].as_slice(), &[1; 48]].concat(),
        [[1; 48].as_slice(), &[0xff; 48]].concat(),
    ] {
        assert_eq!(ecdsa_der(&bad), None, "{bad:?}");
    }
}

#[test]
fn a_key_with_its_own_alg_serves_no_other() {
    let mut jwk = jwk(Rs256);
    jwk["alg"] = json!("RS256");
    let set = KeySet::parse(json!({"keys": [jwk]}).to_string().as_bytes()).unwrap();
    for algorithm in
        Algorithm::ALL.iter().filter(|algorithm| algorithm.name().ends_with("S256") && **algorithm != Es256)
    {
        let signature = sign(*algorithm, MESSAGE);
        assert_eq!(accepts(*algorithm, &set.keys()[0], MESSAGE, &signature), *algorithm == Rs256, "{algorithm}");
    }
}

fn accepts(algorithm: Algorithm, key: &Key, message: &[u8], signature: &[u8]) -> bool {
    is_well_formed(algorithm, key, signature) && JwtSimple.verify(algorithm, key, message, signature)
}

fn key_set() -> KeySet {
    KeySet::parse(jwks().to_string().as_bytes()).unwrap()
}

fn key_of(set: &KeySet, algorithm: Algorithm) -> &Key {
    set.keys().iter().find(|key| key.fits(algorithm)).unwrap_or_else(|| panic!("no key for {algorithm}"))
}
