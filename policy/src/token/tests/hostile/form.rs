//! RFC 8725, 2.4 to 2.8 and 3.2: other serializations, other encodings, other documents.

use jwt_simple::reexports::ct_codecs::{Base64, Base64NoPadding, Base64UrlSafe, Encoder as _};
use serde_json::{Value, json};

use super::super::signing::{encode, seal, sign};
use super::super::world::{claims, header, plain, signed, token, verified, with};
use super::{Attack, assert_refused};
use crate::Reason::{BadSignature, MalformedToken, UnknownKey};
use crate::model::Algorithm::{EdDsa, Rs256};
use crate::token::Assertion;

#[test]
fn only_the_compact_serialization_is_read() {
    let good = token(&claims());
    let parts: Vec<&str> = good.split('.').collect();
    let [head, payload, signature] = parts.as_slice() else { panic!("three parts") };
    let malformed = |name: &str, token: String| (name.to_owned(), token, MalformedToken);
    let entry = json!({"protected": head, "signature": signature});
    let attacks: Vec<Attack> = vec![
        malformed("flattened JSON", with(entry.clone(), json!({"payload": payload})).to_string()),
        malformed("general JSON", json!({"payload": payload, "signatures": [entry]}).to_string()),
        malformed(
            "general JSON, none beside it",
            json!({"payload": payload, "signatures": [{"protected": encode(r#"{"alg":"none"}"#), "signature": ""}, entry]})
                .to_string(),
        ),
        malformed("JSON that has the token inside", json!(good).to_string()),
        malformed("an array with the token", json!([good]).to_string()),
        malformed("detached payload (RFC 7515, F)", format!("{head}..{signature}")),
        malformed("JWE, five parts", format!("{head}.{payload}.{signature}.{payload}.{signature}")),
        malformed("four parts, the last empty", format!("{good}.")),
        malformed("two parts", format!("{head}.{payload}")),
        malformed("two tokens", format!("{good}.{good}")),
        malformed("two tokens, a comma", format!("{good},{good}")),
        malformed("dots only", ".".repeat(1000)),
        malformed("SD-JWT, with a tilde", format!("{good}~")),
        malformed("SD-JWT, with a disclosure", format!("{good}~{payload}~")),
        malformed("a PASETO", format!("v4.public.{payload}{signature}")),
        malformed("parts swapped", format!("{payload}.{head}.{signature}")),
        malformed("percent-encoded dots", good.replace('.', "%2E")),
        malformed("a fraction slash for a dot", good.replacen('.', "\u{2024}", 1)),
    ];
    assert_refused(attacks, 18);
}

#[test]
fn a_part_has_one_encoding() {
    let header = header(EdDsa).to_string();
    // Bytes whose standard alphabet differs from the URL-safe one.
    let claims = with(claims(), json!({"x": "\u{fb}\u{ff}\u{fe}???>>>"})).to_string();
    let signature = |message: &str| encode(sign(EdDsa, message.as_bytes()));
    let sealed = |head: &str, payload: &str| {
        let message = format!("{head}.{payload}");
        let signature = signature(&message);
        format!("{message}.{signature}")
    };
    let standard = Base64NoPadding::encode_to_string(&claims).unwrap();
    assert!(standard.contains(['+', '/']), "the alphabets must differ: {standard}");
    let inserted = |at: usize, what: &str| {
        let encoded = encode(&claims);
        let (front, back) = encoded.split_at(at);
        format!("{front}{what}{back}")
    };
    let mut attacks: Vec<Attack> = vec![
        ("the standard alphabet".to_owned(), sealed(&encode(&header), &standard), MalformedToken),
        (
            "the standard alphabet, padded".to_owned(),
            sealed(&encode(&header), &Base64::encode_to_string(&claims).unwrap()),
            MalformedToken,
        ),
        (
            "padding".to_owned(),
            sealed(&format!("{}=", encode("{\"alg\":\"EdDSA\" }")), &Base64UrlSafe::encode_to_string("{}").unwrap()),
            MalformedToken,
        ),
        ("hexadecimal".to_owned(), sealed(&encode(&header), &hex(claims.as_bytes())), MalformedToken),
        ("encoded twice".to_owned(), sealed(&encode(&header), &encode(encode(&claims))), MalformedToken),
        ("not encoded".to_owned(), sealed(&header, &claims), MalformedToken),
        ("no payload, and signed so".to_owned(), sealed(&encode(&header), ""), MalformedToken),
        ("no header, and signed so".to_owned(), sealed("", &encode(&claims)), MalformedToken),
    ];
    for what in [" ", "\t", "\n", "\r\n", "\0", "=", "*", "\u{7f}", "é", "%41", "\\u0041"] {
        attacks.push((format!("{what:?} inside"), sealed(&encode(&header), &inserted(20, what)), MalformedToken));
        attacks.push((format!("{what:?} before"), sealed(&encode(&header), &inserted(0, what)), MalformedToken));
    }
    assert_refused(attacks, 30);
}

/// Where the last character of a part carries bits that mean nothing, each of its other spellings is refused, signed or not.
#[test]
fn trailing_bits_are_zero_in_every_part() {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let padded = |document: Value, len: usize| {
        let text = document.to_string();
        format!("{text}{}", " ".repeat((len + 3 - text.len() % 3) % 3))
    };
    let mut attacks = Vec::new();
    for (len, meaningless) in [(1, 16), (2, 4)] {
        let parts = [encode(padded(header(EdDsa), len)), encode(padded(claims(), len))];
        for part in 0..2 {
            let last = parts[part].chars().next_back().unwrap();
            let index = ALPHABET.find(last).unwrap();
            for step in 1..meaningless {
                let mut spelt = parts.clone();
                spelt[part].pop();
                spelt[part].push(ALPHABET.chars().nth(index + step).unwrap());
                let message = spelt.join(".");
                let signature = encode(sign(EdDsa, message.as_bytes()));
                attacks.push((format!("part {part}, {len}, {step}"), format!("{message}.{signature}"), MalformedToken));
            }
        }
    }
    assert_refused(attacks, 36);
}

#[test]
fn documents_are_bounded_in_depth_and_width() {
    let with_claim = |text: &str| {
        let claims = claims().to_string();
        seal(&header(EdDsa).to_string(), &claims.replacen('{', &format!("{{\"x\":{text},"), 1), EdDsa)
    };
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let objects = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    assert_refused(
        vec![
            ("127 arrays in the claims".to_owned(), with_claim(&nested(127)), MalformedToken),
            ("10,000 arrays".to_owned(), with_claim(&nested(10_000)), MalformedToken),
            ("127 objects".to_owned(), with_claim(&objects(127)), MalformedToken),
            ("arrays that never end".to_owned(), with_claim(&"[".repeat(20_000)), MalformedToken),
            (
                "a number of 20,000 digits in `x`".to_owned(),
                with_claim(&format!("{}e999", "9".repeat(20_000))),
                MalformedToken,
            ),
            (
                "deep in the header".to_owned(),
                seal(&format!("{{\"alg\":\"EdDSA\",\"x\":{}}}", nested(200)), &claims().to_string(), EdDsa),
                MalformedToken,
            ),
        ],
        6,
    );
    // What is wide but within the length is read, once over.
    let wide: Vec<String> = (0..3000).map(|number| format!("\"m{number}\":{number}")).collect();
    assert!(verified(&plain(), &with_claim(&format!("{{{}}}", wide.join(",")))).is_ok());
    assert!(verified(&plain(), &with_claim(&format!("[{}]", vec!["0"; 20_000].join(",")))).is_ok());
    let same = vec!["\"m\":1"; 4000].join(",");
    assert_eq!(verified(&plain(), &with_claim(&format!("{{{same}}}"))).err(), Some(MalformedToken));
}

#[test]
fn a_kid_is_only_looked_up() {
    let signed_as = |kid: Value| signed(&with(header(EdDsa), json!({"kid": kid})), &claims(), EdDsa);
    let mut attacks: Vec<Attack> = Vec::new();
    for kid in [
        "../../../../dev/null",
        "/dev/null",
        "file:///etc/passwd",
        "https://evil.example/key",
        "x' UNION SELECT 'key' --",
        "ed25519' OR '1'='1",
        "ed25519\0",
        "ed25519 ",
        " ed25519",
        "ED25519",
        "ed25519\n",
        "%65d25519",
        "ed25519;rsa",
        "*",
        "",
        "0",
        "null",
        "$(id)",
        "|/usr/bin/id",
        "{\"$ne\":null}",
        "\u{202e}91552de",
        "ｅd25519",
        &"x".repeat(1024),
    ] {
        attacks.push((format!("kid {kid:?}"), signed_as(json!(kid)), UnknownKey));
    }
    for (name, kid) in [
        ("longer than a key's may be", json!("x".repeat(1025))),
        ("40 KB", json!("x".repeat(40_000))),
        ("a number", json!(0)),
        ("an array", json!(["ed25519"])),
        ("an object", json!({"$ne": ""})),
        ("true", json!(true)),
    ] {
        attacks.push((format!("kid: {name}"), signed_as(kid), MalformedToken));
    }
    // 1 MB is no credential at all.
    attacks.push(("kid of 1 MB".to_owned(), signed_as(json!("x".repeat(1 << 20))), MalformedToken));
    assert_refused(attacks, 30);
}

#[test]
fn a_part_that_was_taken_from_another_token_does_not_fit() {
    let (mine, other) = (token(&claims()), token(&with(claims(), json!({"sub": "u-2"}))));
    let rsa = signed(&header(Rs256), &claims(), Rs256);
    let part = |token: &str, index: usize| token.split('.').nth(index).unwrap().to_owned();
    assert_refused(
        vec![
            ("another's claims".to_owned(), [part(&mine, 0), part(&other, 1), part(&mine, 2)].join("."), BadSignature),
            (
                "another's signature".to_owned(),
                [part(&mine, 0), part(&mine, 1), part(&other, 2)].join("."),
                BadSignature,
            ),
            ("another's header".to_owned(), [part(&rsa, 0), part(&mine, 1), part(&mine, 2)].join("."), BadSignature),
        ],
        3,
    );
}

#[test]
fn work_is_bounded_by_the_length_that_is_read_at_all() {
    for len in [Assertion::MAX_LEN + 1, 1 << 20, 8 << 20] {
        for fill in ["A", ".", "\0", "e"] {
            let token = fill.repeat(len);
            assert_eq!(Assertion::parse(token.as_bytes()).err(), Some(MalformedToken), "{len} of {fill:?}");
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
