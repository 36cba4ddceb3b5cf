//! Each reason between `unknown_issuer` and `not_yet_valid`, from both sides.

use std::rc::Rc;

use jwt_simple::algorithms::{HS256Key, MACLike as _};
use jwt_simple::claims::Claims;
use jwt_simple::prelude::Duration;
use serde_json::{Value, json};

use super::signing::{encode, jwk, jwks, kid, rsa, seal};
use super::world::{
    ISSUER, Keys, NOW, SKEW, claims, connection, header, listing, organization, plain, remote, signed, token, verified,
    verified_at, with,
};
use crate::Reason::{self, *};
use crate::id::{Issuer, OrganizationId};
use crate::model::Algorithm::{self, EdDsa, Es256, Es384, Ps256, Rs256};
use crate::model::{Connection, Jwks, Organization};
use crate::rules::conclude::conclude;
use crate::token::{Assertion, Claimant, JwtSimple, KeySet, VerifyError, recall, verify};
use crate::wire::LoginAnswer;

#[test]
fn every_algorithm_is_verified_with_inline_and_with_fetched_keys() {
    let inline = plain();
    let fetched = organization(vec![Connection { jwks: remote(), ..connection("okta") }]);
    let keys = Keys(Some(Rc::new(key_set(&jwks()))));
    for algorithm in Algorithm::ALL {
        let token = signed(&header(*algorithm), &claims(), *algorithm);
        let verified = verified(&inline, &token).unwrap();
        assert_eq!(verified.connection().id.as_str(), "okta");
        assert_eq!((verified.issuer().as_str(), verified.subject().as_str()), (ISSUER, "u-1"));
        assert_eq!((verified.issued_at(), verified.expires_at()), (NOW - 10, NOW + 300));
        assert_eq!(format!("{verified:?}"), "VerifiedAssertion { connection: ConnectionId(\"okta\"), .. }");
        let assertion = Assertion::parse(token.as_bytes()).unwrap();
        assert!(verify(&fetched, &assertion, &keys, &JwtSimple, NOW).is_ok(), "{algorithm}");
    }
}

#[test]
fn only_what_led_to_a_standing_is_recalled() {
    let plain = || Organization { seats: None, ..plain() };
    let organization = plain();
    let token = token(&claims());
    let assertion = Assertion::parse(token.as_bytes()).unwrap();
    let verified = verified(&organization, &token).unwrap();
    let login = Claimant::read(&organization, &verified).unwrap().login(&organization, false).unwrap();
    let answer = json!({"answer": "member", "position": "1", "member": {
        "id": "m1", "email": "ada@acme.example", "role": "user", "status": "active", "source": "jit"
    }});
    let answer: LoginAnswer = serde_json::from_value(answer).unwrap();
    let standing = conclude(&organization, &login, &answer).unwrap();
    let recalled = recall(&organization, &assertion, &standing).unwrap();
    assert_eq!(Claimant::read(&organization, &recalled).unwrap().login(&organization, false).unwrap(), login);
    let others = with(claims(), json!({"sub": "u-2"})).to_string();
    let another = Assertion::parse(seal(&header(EdDsa).to_string(), &others, EdDsa).as_bytes()).unwrap();
    assert!(recall(&organization, &another, &standing).is_none(), "somebody else");
    let elsewhere = Organization { id: OrganizationId::new("other"), ..plain() };
    assert!(recall(&elsewhere, &assertion, &standing).is_none(), "another organization");
    let without = Organization { connections: vec![], ..plain() };
    assert!(recall(&without, &assertion, &standing).is_none(), "no connection");
}

#[test]
fn an_issuer_is_compared_byte_by_byte() {
    for issuer in [
        "",
        "https://idp.acme.example/",
        "https://IDP.acme.example",
        "http://idp.acme.example",
        " https://idp.acme.example",
    ] {
        assert_eq!(reason(&plain(), json!({"iss": issuer})), Some(UnknownIssuer), "{issuer}");
    }
}

#[test]
fn the_connection_is_chosen_by_issuer_and_audience_and_must_be_listed() {
    let other_issuer = "https://other.example";
    let all = || {
        organization(vec![
            connection("first"),
            Connection { audiences: vec!["second".to_owned(), "2nd".to_owned()], ..connection("second") },
            Connection { issuer: Issuer::new(other_issuer), ..connection("other") },
        ])
    };
    let found = |organization: &Organization, edits: Value| {
        verified(organization, &token(&with(claims(), edits)))
            .map(|verified| verified.connection().id.as_str().to_owned())
    };
    for (listed, edits, expected) in [
        (&["first", "second", "other"][..], json!({}), Ok("first")),
        (&["first", "second", "other"], json!({"aud": "second"}), Ok("second")),
        (&["first", "second", "other"], json!({"aud": ["x", "2nd"]}), Ok("second")),
        (&["first", "second", "other"], json!({"iss": other_issuer}), Ok("other")),
        (&["first", "second", "other"], json!({"iss": other_issuer, "aud": "second"}), Err(WrongAudience)),
        (&["first", "second", "other"], json!({"aud": ["usher", "second"]}), Ok("first")),
        (&["first", "second", "other"], json!({"aud": "nobody"}), Err(WrongAudience)),
        // Not listed: as if the issuer were unknown.
        (&["second"], json!({}), Err(UnknownIssuer)),
        (&["second"], json!({"iss": other_issuer}), Err(UnknownIssuer)),
        (&["second"], json!({"aud": ["usher", "second"]}), Ok("second")),
        (&["second"], json!({"aud": "nobody"}), Err(WrongAudience)),
        (&["other"], json!({"aud": "second"}), Err(UnknownIssuer)),
        (&["other"], json!({"aud": "nobody"}), Err(UnknownIssuer)),
    ] {
        let organization = listing(all(), listed);
        assert_eq!(found(&organization, edits.clone()), expected.map(str::to_owned), "{listed:?} {edits}");
        // Before anything is verified it is known through which it would be.
        let assertion = Assertion::parse(token(&with(claims(), edits)).as_bytes()).unwrap();
        let chosen = verify::connection(&organization, &assertion).map(|connection| connection.id.as_str());
        assert_eq!(chosen.is_none(), expected == Err(UnknownIssuer), "{listed:?}");
        assert!(expected.is_err() || chosen == expected.ok(), "{listed:?}");
    }
}

#[test]
fn a_wrong_audience_is_told_only_to_who_holds_a_true_signature() {
    let no_audience = token(&with(claims(), json!({"aud": "nobody"})));
    assert_eq!(verified(&plain(), &no_audience).err(), Some(WrongAudience));
    assert_eq!(verified(&plain(), &forged(&no_audience)).err(), Some(BadSignature));
}

#[test]
fn an_algorithm_must_be_known_and_listed() {
    for name in [
        "none",
        "None",
        "NONE",
        "nOnE",
        "",
        "HS256",
        "HS384",
        "HS512",
        "RS1",
        "ES512",
        "ES256K",
        "Ed25519",
        "Ed448",
        "rs256",
        "eddsa",
        "EDDSA",
        "RS256 ",
        "RSA-OAEP",
        "dir",
        "ML-DSA-65",
    ] {
        let header = with(header(EdDsa), json!({"alg": name}));
        assert_eq!(verified(&plain(), &signed(&header, &claims(), EdDsa)).err(), Some(UnsupportedAlgorithm), "{name}");
        let sealed = seal(&header.to_string(), &claims().to_string(), EdDsa);
        let (message, _) = sealed.rsplit_once('.').unwrap();
        assert_eq!(verified(&plain(), &format!("{message}.")).err(), Some(UnsupportedAlgorithm), "{name} unsigned");
    }
    let only = |algorithms: &[Algorithm]| {
        organization(vec![Connection { algorithms: algorithms.to_vec(), ..connection("okta") }])
    };
    for algorithm in Algorithm::ALL {
        let token = signed(&header(*algorithm), &claims(), *algorithm);
        let others: Vec<_> = Algorithm::ALL.iter().copied().filter(|other| other != algorithm).collect();
        assert!(verified(&only(&[*algorithm]), &token).is_ok(), "{algorithm}");
        assert_eq!(verified(&only(&others), &token).err(), Some(UnsupportedAlgorithm), "{algorithm}");
    }
}

#[test]
fn a_public_key_is_no_hmac_secret() {
    let public = rsa().public_key();
    let jwk = jwk(Rs256);
    for secret in [public.to_der().unwrap(), public.to_pem().unwrap().into_bytes(), jwk["n"].as_str().unwrap().into()] {
        let key = HS256Key::from_bytes(&secret).with_key_id(kid(Rs256));
        let claims =
            Claims::with_custom_claims(claims(), Duration::from_mins(5)).with_issuer(ISSUER).with_subject("u-1");
        let mut claims = claims.with_audience("usher");
        // Our own claims have these already.
        let custom = claims.custom.as_object_mut().unwrap();
        for name in ["iss", "sub", "aud", "exp", "iat"] {
            custom.remove(name);
        }
        assert_eq!(verified(&plain(), &key.authenticate(claims).unwrap()).err(), Some(UnsupportedAlgorithm));
    }
}

#[test]
fn a_key_never_serves_another_algorithm_than_its_own() {
    for (signer, claimed, kid_of, expected) in [
        // The header names a key of another kind, whatever made the signature.
        (Es256, Rs256, Es256, BadSignature),
        (Es256, Es256, Rs256, BadSignature),
        (Es256, Es256, Es384, BadSignature),
        (Es256, Es384, Es256, BadSignature),
        (EdDsa, Es256, EdDsa, BadSignature),
        (EdDsa, EdDsa, Es256, BadSignature),
        // The right kind of key, but signed otherwise.
        (Rs256, Ps256, Rs256, BadSignature),
        (Ps256, Rs256, Rs256, BadSignature),
        (EdDsa, Es256, Es256, BadSignature),
        (Es256, EdDsa, EdDsa, BadSignature),
    ] {
        let header = with(header(claimed), json!({"kid": kid(kid_of)}));
        let token = signed(&header, &claims(), signer);
        assert_eq!(verified(&plain(), &token).err(), Some(expected), "{signer} {claimed} {kid_of}");
    }
}

#[test]
fn a_key_in_the_header_is_not_used() {
    let strangers = KeySet::parse(json!({"keys": [jwk(Es256)]}).to_string().as_bytes()).unwrap();
    let organization = organization(vec![Connection { jwks: Jwks::Inline(strangers), ..connection("okta") }]);
    let with_key = with(header(EdDsa), json!({"kid": null, "jwk": jwk(EdDsa), "jku": "https://evil.example"}));
    assert_eq!(verified(&organization, &signed(&with_key, &claims(), EdDsa)).err(), Some(UnknownKey));
}

#[test]
fn without_a_kid_the_one_key_that_fits_is_used() {
    let no_kid = |algorithm| signed(&with(header(algorithm), json!({"kid": null})), &claims(), algorithm);
    assert!(verified(&plain(), &no_kid(EdDsa)).is_ok());
    assert!(verified(&plain(), &no_kid(Rs256)).is_ok());
    let over = |keys: Value| {
        organization(vec![Connection { jwks: Jwks::Inline(key_set(&json!({"keys": keys}))), ..connection("okta") }])
    };
    let twice = over(json!([jwk(EdDsa), with(jwk(EdDsa), json!({"kid": "other"}))]));
    assert_eq!(verified(&twice, &no_kid(EdDsa)).err(), Some(UnknownKey));
    let none = over(json!([jwk(Es256)]));
    assert_eq!(verified(&none, &no_kid(EdDsa)).err(), Some(UnknownKey));
    // By `kid`, every key of that name is tried.
    let stranger =
        json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "ed25519"});
    assert!(verified(&over(json!([stranger, jwk(EdDsa)])), &token(&claims())).is_ok());
}

#[test]
fn an_error_says_whose_keys_are_wanted_and_the_assertion_can_be_tried_again() {
    let organization = organization(vec![
        Connection { audiences: vec!["elsewhere".to_owned()], ..connection("inline") },
        Connection { jwks: remote(), ..connection("okta") },
    ]);
    let assertion = Assertion::parse(token(&claims()).as_bytes()).unwrap();
    let with_keys = |keys| verify(&organization, &assertion, &Keys(keys), &JwtSimple, NOW);
    match with_keys(None) {
        Err(error @ VerifyError::NoKeys(_)) => assert_eq!(error.reason(), KeysUnavailable),
        other => panic!("{other:?}"),
    }
    match with_keys(Some(Rc::new(key_set(&json!({"keys": [jwk(Es256)]}))))) {
        Err(VerifyError::UnknownKey(connection)) => assert_eq!(connection.id.as_str(), "okta"),
        other => panic!("{other:?}"),
    }
    assert!(with_keys(Some(Rc::new(key_set(&jwks())))).is_ok());
    let unknown = signed(&with(header(EdDsa), json!({"kid": "nobody"})), &claims(), EdDsa);
    match verified_at(&plain(), &unknown, NOW) {
        Err(error @ VerifyError::UnknownKey(_)) => assert_eq!(error.reason(), UnknownKey),
        other => panic!("{other:?}"),
    }
}

#[test]
fn audiences_may_be_many_and_one_must_be_ours() {
    for aud in [json!("usher"), json!(["usher"]), json!(["a", "usher", "b"])] {
        assert_eq!(reason(&plain(), json!({"aud": aud})), None, "{aud}");
    }
    for aud in
        [json!(""), json!("Usher"), json!("usher "), json!("ushe"), json!("usher2"), json!(["a"]), json!(["usher,a"])]
    {
        assert_eq!(reason(&plain(), json!({"aud": aud})), Some(WrongAudience), "{aud}");
    }
}

#[test]
fn an_authorized_party_must_be_one_of_our_audiences() {
    let two =
        organization(vec![Connection { audiences: vec!["usher".to_owned(), "cli".to_owned()], ..connection("okta") }]);
    for azp in ["usher", "cli"] {
        assert_eq!(reason(&two, json!({"azp": azp})), None, "{azp}");
    }
    for azp in [json!("other"), json!(""), json!(1), json!(["usher"]), json!({"usher": 1}), json!(true)] {
        assert_eq!(reason(&two, json!({"azp": azp})), Some(WrongAudience), "{azp}");
    }
    let mut null = claims();
    null["azp"] = Value::Null;
    assert_eq!(verified(&two, &token(&null)).err(), Some(WrongAudience));
}

#[test]
fn an_assertion_expires_to_the_second() {
    let at = |exp: Value, now: u64| reason_at(&plain(), json!({"exp": exp}), now);
    for (exp, last_good) in [
        (json!(NOW), NOW + SKEW - 1),
        (json!(NOW as f64 + 0.5), NOW + SKEW),
        (json!(NOW as f64 - 0.5), NOW + SKEW - 1),
        (json!(NOW as f64), NOW + SKEW - 1),
    ] {
        assert_eq!(at(exp.clone(), last_good), None, "{exp}");
        assert_eq!(at(exp.clone(), last_good + 1), Some(Expired), "{exp}");
        assert_eq!(at(exp, u64::MAX), Some(Expired));
    }
    assert_eq!(reason(&plain(), json!({"exp": 0, "iat": 0})), Some(Expired));
    assert_eq!(reason(&plain(), json!({"exp": 9_007_199_254_740_991_u64})), None);
}

#[test]
fn a_session_never_outlives_the_exp() {
    for (exp, expires_at) in
        [(json!(NOW + 5), NOW + 5), (json!(NOW as f64 + 5.75), NOW + 5), (json!(NOW as f64 + 0.25), NOW)]
    {
        let verified = verified(&plain(), &token(&with(claims(), json!({"exp": exp})))).unwrap();
        assert_eq!(verified.expires_at(), expires_at);
    }
}

#[test]
fn an_assertion_begins_to_the_second() {
    for name in ["iat", "nbf"] {
        let at =
            |value: Value, now: u64| reason_at(&plain(), json!({"iat": NOW - 10, "exp": NOW + 9999, name: value}), now);
        for (value, first_good) in [
            (json!(NOW), NOW - SKEW),
            (json!(NOW as f64), NOW - SKEW),
            (json!(NOW as f64 + 0.5), NOW - SKEW + 1),
            (json!(NOW as f64 - 0.5), NOW - SKEW),
        ] {
            assert_eq!(at(value.clone(), first_good), None, "{name} {value}");
            assert_eq!(at(value.clone(), first_good - 1), Some(NotYetValid), "{name} {value}");
            assert_eq!(at(value, 0), Some(NotYetValid));
        }
    }
    assert_eq!(reason(&plain(), json!({"nbf": 0})), None);
    let verified = verified(&plain(), &token(&with(claims(), json!({"iat": NOW as f64 - 0.5})))).unwrap();
    assert_eq!(verified.issued_at(), NOW - 1);
}

#[test]
fn without_skew_the_times_are_exact() {
    let strict = organization(vec![Connection { clock_skew: std::time::Duration::ZERO, ..connection("okta") }]);
    let edits = || json!({"iat": NOW, "nbf": NOW, "exp": NOW + 1});
    assert_eq!(reason_at(&strict, edits(), NOW - 1), Some(NotYetValid));
    assert_eq!(reason_at(&strict, edits(), NOW), None);
    assert_eq!(reason_at(&strict, edits(), NOW + 1), Some(Expired));
}

#[test]
fn a_forged_token_is_refused() {
    let good = token(&claims());
    assert_eq!(verified(&plain(), &forged(&good)).err(), Some(BadSignature));
    let (message, _) = good.rsplit_once('.').unwrap();
    assert_eq!(verified(&plain(), &format!("{message}.")).err(), Some(BadSignature));
    let (_, other) = good.rsplit_once('.').unwrap();
    let changed = token(&with(claims(), json!({"sub": "u-2"})));
    let (message, _) = changed.rsplit_once('.').unwrap();
    assert_eq!(verified(&plain(), &format!("{message}.{other}")).err(), Some(BadSignature));
}

/// The token with another signature of the right length.
fn forged(token: &str) -> String {
    let (message, _) = token.rsplit_once('.').unwrap();
    format!("{message}.{}", encode([1; 64]))
}

fn key_set(document: &Value) -> KeySet {
    KeySet::parse(document.to_string().as_bytes()).unwrap()
}

fn reason(organization: &Organization, edits: Value) -> Option<Reason> {
    reason_at(organization, edits, NOW)
}

fn reason_at(organization: &Organization, edits: Value, now: u64) -> Option<Reason> {
    verified_at(organization, &token(&with(claims(), edits)), now).err().map(|error| error.reason())
}
