//! `malformed_token`: what is refused before anybody is asked whose it is.

use serde_json::{Value, json};

use super::signing::{encode, seal, sign};
use super::world::{claims, header, plain, signed, token, verified, with};
use crate::Reason;
use crate::model::Algorithm::EdDsa;
use crate::token::Assertion;

#[test]
fn a_good_token_is_read_and_its_debug_form_shows_nothing() {
    let token = token(&claims());
    let assertion = Assertion::parse(token.as_bytes()).unwrap();
    assert_eq!(format!("{assertion:?}"), "Assertion { .. }");
    assert!(verified(&plain(), &token).is_ok());
}

#[test]
fn the_compact_form_has_three_parts_in_strict_base64url() {
    let good = token(&claims());
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = message.split_once('.').unwrap();
    let json_form = json!({"protected": header, "payload": payload, "signature": signature}).to_string();
    for bad in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        "....".to_owned(),
        message.to_owned(),
        format!(".{payload}.{signature}"),
        format!("{header}..{signature}"),
        format!("{good}."),
        format!(".{good}"),
        format!("{good}.{signature}"),
        format!("{header}.{payload}.{signature}.{signature}.{signature}"),
        format!("{good}="),
        format!("{good}=="),
        format!("{header}=.{payload}.{signature}"),
        format!("{good} "),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{header}.{payload}.\t{signature}"),
        format!("{good}\0"),
        format!("{good}é"),
        format!("{message}.{signature}+"),
        format!("Bearer {good}"),
        json_form,
        format!("{header}\u{2024}{payload}\u{2024}{signature}"),
    ] {
        assert_malformed(&bad);
    }
    assert_eq!(Assertion::parse(&[good.as_bytes(), b"\xff"].concat()).err(), Some(Reason::MalformedToken));
}

#[test]
fn trailing_bits_of_a_part_must_be_zero() {
    // 64 bytes are 86 characters, the last of which carries four bits that mean nothing.
    let good = token(&claims());
    let last = good.chars().next_back().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let index = alphabet.find(last).unwrap();
    assert_eq!(index % 16, 0);
    for step in 1..16 {
        let other = alphabet.chars().nth(index + step).unwrap();
        assert_malformed(&format!("{}{other}", good.strip_suffix(last).unwrap()));
    }
}

#[test]
fn a_token_has_a_greatest_length() {
    let padded = |length: usize| token(&with(claims(), json!({"padding": "x".repeat(length)})));
    let overhead = padded(3).len() - 4;
    let fitting = padded((Assertion::MAX_LEN - overhead) / 4 * 3);
    assert!(fitting.len() <= Assertion::MAX_LEN && fitting.len() > Assertion::MAX_LEN - 8, "{}", fitting.len());
    assert!(Assertion::parse(fitting.as_bytes()).is_ok());
    assert_malformed(&padded(Assertion::MAX_LEN / 4 * 3));
}

#[test]
fn an_assertion_has_so_many_audiences() {
    let named = |count: usize| {
        let others = (1..count).map(|number| format!("other-{number}"));
        token(&with(claims(), json!({"aud": others.chain(["usher".to_owned()]).collect::<Vec<_>>()})))
    };
    assert!(verified(&plain(), &named(256)).is_ok());
    assert_malformed(&named(257));
    assert_malformed(&named(3_000));
}

#[test]
fn header_and_claims_are_json_objects_without_duplicates() {
    let (good_header, good_claims) = (header(EdDsa).to_string(), claims().to_string());
    for bad in [
        "",
        "null",
        "[]",
        "\"x\"",
        "1",
        "{",
        "{}{}",
        "{'alg':'EdDSA'}",
        r#"{"alg":"EdDSA","alg":"EdDSA"}"#,
        r#"{"alg":"none","\u0061lg":"EdDSA"}"#,
        r#"{"alg":"EdDSA","x":{"y":1,"y":1}}"#,
        r#"{"alg":"EdDSA","x":"\ud800"}"#,
        r#"{"alg":"EdDSA",}"#,
        "\u{feff}{\"alg\":\"EdDSA\"}",
    ] {
        assert_malformed(&seal(bad, &good_claims, EdDsa));
    }
    let twice = |member: &str| good_claims.replacen('{', &format!("{{{member},"), 1);
    for bad in [
        String::new(),
        "null".to_owned(),
        format!("[{good_claims}]"),
        format!("{good_claims}x"),
        twice(r#""sub":"u-2""#),
        twice(r#""\u0065xp":99999999999"#),
        twice(r#""x":[{"a":1,"a":2}]"#),
        twice(&format!(r#""x":{}{}"#, "[".repeat(200), "]".repeat(200))),
        twice(r#""x":1e999"#),
    ] {
        assert_malformed(&seal(&good_header, &bad, EdDsa));
    }
    let bytes = [b"{\"alg\":\"EdDSA\",\"x\":\"".as_slice(), b"\xff", b"\"}"].concat();
    let message = format!("{}.{}", encode(bytes), encode(&good_claims));
    assert_malformed(&format!("{message}.{}", encode(sign(EdDsa, message.as_bytes()))));
}

#[test]
fn a_header_says_alg_and_nothing_critical() {
    for edits in [
        json!({"alg": null}),
        json!({"alg": 1}),
        json!({"alg": ["EdDSA"]}),
        json!({"alg": {}}),
        json!({"alg": false}),
        json!({"crit": []}),
        json!({"crit": ["exp"], "exp": 1}),
        json!({"crit": ["b64"], "b64": false}),
        json!({"crit": "x"}),
        json!({"b64": true}),
        json!({"b64": false}),
        json!({"kid": 1}),
        json!({"kid": ["ed25519"]}),
        json!({"kid": "x".repeat(1025)}),
        json!({"typ": "at+jwt"}),
        json!({"typ": "logout+jwt"}),
        json!({"typ": "JOSE"}),
        json!({"typ": "application/jwt"}),
        json!({"typ": ""}),
        json!({"typ": "JWT "}),
        json!({"typ": 1}),
        json!({"typ": ["JWT"]}),
    ] {
        assert_malformed(&signed(&with(header(EdDsa), edits), &claims(), EdDsa));
    }
    // `null` is a value too.
    for name in ["alg", "crit", "b64", "kid", "typ"] {
        let mut header = header(EdDsa);
        header[name] = Value::Null;
        assert_malformed(&signed(&header, &claims(), EdDsa));
    }
}

#[test]
fn what_else_a_header_says_is_ignored() {
    for edits in [
        json!({"typ": null}),
        json!({"typ": "jwt"}),
        json!({"cty": "JWT"}),
        json!({"kid": null, "jwk": {"kty": "OKP"}}),
        json!({"jku": "https://evil.example/keys", "x5u": "https://evil.example/cert", "x5c": ["AA=="], "x5t": "AA"}),
        json!({"zip": "DEF", "enc": "A256GCM"}),
    ] {
        let token = signed(&with(header(EdDsa), edits.clone()), &claims(), EdDsa);
        assert!(verified(&plain(), &token).is_ok(), "{edits}");
    }
}

#[test]
fn the_claims_that_must_be_there_have_the_right_types() {
    let not_dates =
        [json!("1800000000"), json!(true), json!([1]), json!({}), json!(-1), json!(-0.5), json!(1e16), json!(u64::MAX)];
    let mut bad =
        vec![json!({"events": {}}), json!({"events": {"http://schemas.openid.net/event/backchannel-logout": {}}})];
    for name in ["iss", "sub", "aud", "exp", "iat"] {
        bad.push(json!({name: null}));
    }
    for name in ["exp", "iat", "nbf"] {
        bad.extend(not_dates.iter().map(|value| json!({name: value})));
    }
    for value in [json!(1), json!(["x"]), json!({}), json!(true)] {
        bad.push(json!({"iss": value}));
        bad.push(json!({"sub": value}));
    }
    for value in [json!(1), json!([]), json!({}), json!(["usher", 1]), json!([["usher"]]), json!(["usher", null])] {
        bad.push(json!({"aud": value}));
    }
    for subject in [
        String::new(),
        "x".repeat(256),
        "é".repeat(128),
        "a\nb".to_owned(),
        "a\0".to_owned(),
        "\u{7f}".to_owned(),
        "\u{85}".to_owned(),
    ] {
        bad.push(json!({"sub": subject}));
    }
    for edits in bad {
        assert_malformed(&token(&with(claims(), edits)));
    }
    for name in ["iss", "sub", "aud", "exp", "iat", "nbf", "events"] {
        let mut claims = claims();
        claims[name] = Value::Null;
        assert_malformed(&token(&claims));
    }
}

#[test]
fn a_subject_has_up_to_255_bytes() {
    for subject in ["x", "ü|@ /%", "auth0|5f7c8ec7c33c6c004bbafe82", &"x".repeat(255)] {
        let verified = verified(&plain(), &token(&with(claims(), json!({"sub": subject})))).unwrap();
        assert_eq!(verified.subject().as_str(), subject);
    }
}

#[track_caller]
fn assert_malformed(token: &str) {
    assert_eq!(Assertion::parse(token.as_bytes()).err(), Some(Reason::MalformedToken), "{token:?}");
}
