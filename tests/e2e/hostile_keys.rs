//! Keys that verify nothing here: weak ones that a provider publishes, public ones taken for secrets, and names too long for one.

use anyhow::{Context, Result, ensure};
use jwt_simple::prelude::*;
use serde_json::{Value, json};
use usher_policy::token::KeySet;
use usher_scenario::token::KeyRing;
use usher_tests::http::Request;
use usher_tests::http2::{self, fields};
use usher_tests::policy;
use usher_tests::server::Fault;
use usher_tests::stage::denied;
use usher_tests::stage::envoy::RealEnvoy;
use usher_tests::system::{Setup, upstream};

use crate::attack::{HOST, pseudo, unharmed};

/// A key of 1024 bits, and what it has truly signed for an issuer, as in the tests of the rules.
const WEAK_MODULUS: &str = concat!(
    "6F9ne-hqqXYUJzV9ttbKlwsvSZWmihB5rU_6HRzJzNgCQMjw7D6KgcSnmqhuwiqLUqLPNiZD5akuGDsKqMY9D4qPqIPNCoATfLyL",
    "xs7gTajA1vNpJQOmCKrwLOqmc2oJPnxVSzlrGQz13hbeh65zhcZ-Ln5gnmiD21uF7g0BgK0",
);
const SIGNED_WEAKLY: &str = concat!(
    "eyJhbGciOiJSUzI1NiIsImtpZCI6IndlYWsifQ.eyJpc3MiOiJodHRwczovL2lkcC5hY21lLmV4YW1wbGUiLCJzdWIiOiJ1LTEiL",
    "CJhdWQiOiJ1c2hlciIsImV4cCI6MTgwMDAwMDMwMCwiaWF0IjoxNzk5OTk5OTkwLCJlbWFpbCI6ImFkYUBhY21lLmV4YW1wbGUiL",
    "CJlbWFpbF92ZXJpZmllZCI6dHJ1ZSwiZ3JvdXBzIjpbInN0YWZmIl19.zLHRD6llWjVieSnTLkU8ueJ8897HsIOdrOZ5ywrfVqu8",
    "SNAxrlE7pOPM6IXgzqm6IM9TP7TpMeLKtdhkHbB4-ziFrTguPVJTAJDn9kTwh1rYgJxEhbGoBJBGrpyPMq1McawP_9reckG_AcyY",
    "5TjMF2rbOY7TAanPR7es6Xx5Nkg",
);

/// Whenever it is: were the key taken, the time would be what is wrong, or nothing.
#[test]
fn a_true_signature_by_a_weak_key_opens_no_door() -> Result<()> {
    let good = KeyRing::Main.jwks()?.get("keys").and_then(|keys| keys.get(0)).cloned().context("a key")?;
    let weak = |e: &str| json!({"kty": "RSA", "kid": "weak", "n": WEAK_MODULUS, "e": e});
    for keys in [json!([weak("AQAB"), good]), json!([weak("AQ"), good]), json!([weak("AAAB"), good])] {
        let jwks = json!({"keys": keys}).to_string();
        let setup = Setup { key_fault: Some(Fault::Wrong(200, jwks)), ..Setup::default() };
        let ours = "connection: {issuer: 'https://idp.acme.example', jwks: {remote: {}}}";
        let mut stage = RealEnvoy::start_with(&policy::changed("claude", ours)?, &setup)?;
        stage.remember(SIGNED_WEAKLY);
        let response = stage.system.envoy.send(&Request::new("GET", HOST, "/").bearer(SIGNED_WEAKLY))?;
        ensure!(denied(&response)?.code() == "bad_signature", "{}", denied(&response)?.code());
        stage.no_filter_died()?;
        stage.no_token_was_logged()?;
    }
    Ok(())
}

#[test]
fn no_form_of_a_public_key_is_a_secret_and_no_name_of_a_key_is_too_long() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::base("claude")?)?;
    let good = stage.request_of("{login: ada, pass: true}")?;
    let value = String::from_utf8_lossy(good.first("authorization").unwrap_or_default()).into_owned();
    let payload = value.split('.').nth(1).context("claims")?.to_owned();
    let encode = |bytes: &[u8]| Base64UrlSafeNoPadding::encode_to_string(bytes);
    let mut attacks = Vec::new();
    let jwks = KeyRing::Main.jwks()?;
    for key in KeySet::parse(jwks.to_string().as_bytes())?.keys() {
        let der = key.spki();
        let lines = Base64::encode_to_string(der)?;
        let lines: Vec<&str> = lines.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", lines.join("\n"));
        for (form, secret) in [
            ("DER", der.to_vec()),
            ("PEM", pem.clone().into_bytes()),
            ("PEM and a line end", format!("{pem}\n").into_bytes()),
        ] {
            let header = json!({"alg": "HS256", "typ": "JWT", "kid": key.id()});
            let message = format!("{}.{payload}", encode(header.to_string().as_bytes())?);
            let token = format!("{message}.{}", encode(&hmac_sha256::HMAC::mac(&message, &secret))?);
            attacks.push((format!("HMAC with {form} of {:?}", key.id()), token, 401));
        }
    }
    ensure!(attacks.len() >= 12, "only {} attacks", attacks.len());
    // What Envoy takes, the filter refuses; what is longer never comes so far.
    for (length, status) in [(1_024, 401), (1_025, 401), (45_000, 401), (60_000, 401), (1 << 20, 431)] {
        let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": "k".repeat(length)});
        let payload: Value = serde_json::from_slice(&Base64UrlSafeNoPadding::decode_to_vec(&payload, None)?)?;
        let token = KeyRing::Main.sign_under(header.as_object().context("an object")?, &payload);
        attacks.push((format!("a kid of {length} bytes"), token, status));
    }
    for (name, token, expected) in &attacks {
        stage.remember(token);
        let response = stage.system.envoy.send(&Request::new("GET", HOST, "/").bearer(token))?;
        ensure!(response.status == *expected && upstream::saw(&response)?.is_none(), "{name}: {}", response.status);
        let bearer = format!("Bearer {token}");
        let head = [fields(&pseudo("GET", "/")), fields(&[("authorization", &bearer)])].concat();
        http2::exchange(stage.system.envoy.address(), &head, None, &[]).with_context(|| name.clone())?;
    }
    ensure!(stage.system.upstream.attempts() == 0 && stage.system.logins() == 0, "somebody was asked");
    unharmed(&mut stage)
}
