//! Every byte at every place that vector instructions look at together: the filter reads it as the rules do natively.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use jwt_simple::prelude::*;
use serde_json::json;
use usher_policy::token::Assertion;
use usher_tests::http::Request;
use usher_tests::policy;
use usher_tests::stage::denied;
use usher_tests::stage::envoy::RealEnvoy;
use usher_tests::system::upstream;

use crate::attack::HOST;

/// So many bytes are looked at together.
const BLOCK: usize = 16;

#[test]
fn each_byte_of_a_token_is_read_as_it_is_natively() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::base("claude")?)?;
    let good = stage.request_of("{login: ada, pass: true}")?;
    let bearer = String::from_utf8_lossy(good.first("authorization").unwrap_or_default()).into_owned();
    let parts: Vec<&str> = bearer.trim_start_matches("Bearer ").split('.').collect();
    let [header, payload, signature] = parts.try_into().ok().context("a token has three parts")?;
    let claims = Base64UrlSafeNoPadding::decode_to_vec(payload, None)?;
    let mut tokens = Vec::new();
    for place in 0..BLOCK {
        // Those that can stand in a header and are no comma, which would make two credentials of it.
        for byte in (b'!'..=u8::MAX).filter(|byte| !matches!(byte, b',' | 0x7f)) {
            let mut signature = signature.as_bytes().to_vec();
            signature[BLOCK + place] = byte;
            tokens.push((
                format!("letter {byte:#x} at {place}"),
                [header.as_bytes(), payload.as_bytes(), &signature].join(&b'.'),
            ));
        }
        for byte in 0..=u8::MAX {
            let text = [&b"a".repeat(place)[..], &[byte], &b"a".repeat(2 * BLOCK - place)].concat();
            let claims = [br#"{"note":""#, &text[..], br#"","#, &claims[1..]].concat();
            let payload = Base64UrlSafeNoPadding::encode_to_string(claims)?;
            tokens.push((format!("byte {byte:#x} at {place}"), [header, &payload, signature].join(".").into_bytes()));
        }
    }
    let mut connection = stage.system.envoy.connect()?;
    let (mut wrong, mut reasons) = (Vec::new(), BTreeMap::new());
    for (name, token) in tokens.into_iter().filter(|(_, token)| !bearer.as_bytes().ends_with(token)) {
        let expected = Assertion::parse(&token).map_or_else(|reason| reason.code(), |_| "bad_signature");
        let request = Request::new("GET", HOST, "/").header("authorization", [b"Bearer ", &token[..]].concat());
        let reason = denied(&connection.send(&request)?).with_context(|| name.clone())?.code();
        *reasons.entry(reason).or_insert(0) += 1;
        if reason != expected {
            wrong.push(format!("{name}: {reason}, not {expected}"));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    // 63 other letters, and in a text all of ASCII but what ends it, escapes or controls.
    let expected = BTreeMap::from([("bad_signature", BLOCK * (63 + 94)), ("malformed_token", BLOCK * (157 + 162))]);
    ensure!(reasons == expected, "{reasons:?}, not {expected:?}");
    ensure!(connection.send(&good)?.status == 200, "the same worker lets ada in");
    stage.no_filter_died()
}

#[test]
fn each_byte_of_a_tag_that_is_no_visible_ascii_is_encoded_wherever_it_stands() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::base("claude")?)?;
    let odds = [("é", "%C3%A9"), ("%", "%25"), (" ", "%20"), ("\u{fffd}", "%EF%BF%BD"), ("~!", "~!")];
    for (number, (odd, encoded)) in odds.into_iter().enumerate() {
        for place in 0..=BLOCK {
            let around = ["a".repeat(place), "a".repeat(2 * BLOCK - place)];
            let claims = json!({"sub": around.join(odd), "email": format!("a{number}-{place}@acme.example")});
            let request = stage.request_of(&format!("{{login: ada, pass: true, claims: {claims}}}"))?;
            let response = stage.system.envoy.send(&request)?;
            let headers = upstream::saw(&response)?.with_context(|| format!("{odd} at {place}: {response:?}"))?;
            let subject = headers.iter().find(|(name, _)| name == "x-usher-subject").map(|(_, value)| value.as_str());
            ensure!(subject == Some(&around.join(encoded)), "{odd} at {place}: {subject:?}");
        }
    }
    stage.no_filter_died()
}
