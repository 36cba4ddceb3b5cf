//! The attacks on assertions, through a real Envoy: refused with the right reason in both workers, and never logged.

use anyhow::{Result, ensure};
use jwt_simple::prelude::*;
use serde_json::{Map, Value, json};
use usher_scenario::token::KeyRing;
use usher_tests::http::Request;
use usher_tests::http2::{self, Answer, fields};
use usher_tests::policy;
use usher_tests::stage::denied;
use usher_tests::stage::envoy::RealEnvoy;
use usher_tests::wait;

use crate::attack::{HOST, pseudo};

/// A name, the token, the reason.
type Attack = (String, String, &'static str);

#[test]
fn every_attack_on_an_assertion_is_refused_in_every_worker_and_no_token_is_logged() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::base("claude")?)?;
    let good = stage.request_of("{login: ada, pass: true}")?;
    let claims = claims_of(&good)?;
    let mut attacks = Vec::new();
    attacks.extend(algorithms(&claims)?);
    attacks.extend(headers(&claims)?);
    attacks.extend(forms(&claims)?);
    attacks.extend(documents(&claims));
    attacks.extend(registered_claims(&claims));
    attacks.extend(signatures(&claims)?);
    ensure!(attacks.len() >= 120, "only {} attacks", attacks.len());
    // As many connections as reach both workers, all but surely.
    let mut connections = (0..8).map(|_| stage.system.envoy.connect()).collect::<Result<Vec<_>>>()?;
    let mut wrong = Vec::new();
    for (name, token, expected) in &attacks {
        stage.remember(token);
        let head = [fields(&pseudo("GET", "/")), fields(&[("authorization", &format!("Bearer {token}"))])].concat();
        let said = match http2::exchange(stage.system.envoy.address(), &head, None, &[])? {
            Answer::Whole(body) => String::from_utf8_lossy(&body).into_owned(),
            // So long a field is none that Envoy takes in HTTP/2.
            Answer::Refused if token.len() > 1 << 16 => format!("\"{expected}\""),
            Answer::Refused => String::new(),
        };
        if !said.contains(&format!("\"{expected}\"")) {
            wrong.push(format!("{name}, in HTTP/2: {said}, not {expected}"));
        }
        let request = Request::new("GET", HOST, "/").bearer(token);
        for at in [0, attacks.len() % 7 + 1] {
            let Some(connection) = connections.get_mut(at) else { continue };
            let response = connection.send(&request)?;
            match denied(&response) {
                Ok(reason) if reason.code() == *expected => {}
                Ok(reason) => wrong.push(format!("{name}: {}, not {expected}", reason.code())),
                Err(error) => wrong.push(format!("{name}: {error:#}")),
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    ensure!(stage.system.upstream.attempts() == 0, "the upstream saw a request");
    ensure!(stage.system.logins() == 0, "the store was asked about an assertion that is none");
    for connection in &mut connections {
        ensure!(connection.send(&good)?.status == 200, "the same worker lets ada in");
    }
    wait::until("the denials are in the access log", || {
        Ok((stage.system.envoy.log().matches("\"reason\":").count() >= attacks.len()).then_some(()))
    })?;
    stage.no_filter_died()?;
    stage.no_token_was_logged()
}

#[test]
fn nothing_that_a_token_names_is_ever_fetched() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::changed("claude", "connection: {jwks: {remote: {}}}")?)?;
    let trap = usher_tests::server::Server::start(|_: &Request| usher_tests::http::Response::json(200, &json!({})))?;
    let good = stage.request_of("{login: ada, pass: true}")?;
    ensure!(stage.system.envoy.send(&good)?.status == 200, "ada is let in");
    let (claims, asked) = (claims_of(&good)?, stage.system.key_server.attempts());
    let here = format!("http://{}/keys", trap.address());
    let attacker = KeyRing::Stranger;
    for name in ["jku", "x5u", "iss", "kid", "url", "jwks_uri"] {
        let mut head = head();
        head.insert(name.to_owned(), json!(here));
        let token = attacker.sign_under(&head, &json!(claims));
        let response = stage.system.envoy.send(&Request::new("GET", HOST, "/").bearer(&token))?;
        ensure!(response.status == 401, "{name}: {}", response.status);
    }
    let mut pointing = claims.clone();
    pointing.insert("_claim_names".to_owned(), json!({"groups": "src"}));
    pointing.insert("_claim_sources".to_owned(), json!({"src": {"endpoint": here}}));
    pointing.insert("picture".to_owned(), json!(here));
    pointing.insert("profile".to_owned(), json!(here));
    pointing.insert("jti".to_owned(), json!("pointing"));
    let token = KeyRing::Main.sign_under(&head(), &json!(pointing));
    stage.system.envoy.send(&Request::new("GET", HOST, "/").bearer(&token))?;
    ensure!(trap.attempts() == 0, "somebody went where a token pointed");
    ensure!(stage.system.key_server.attempts() <= asked + 3, "keys were fetched for a token");
    stage.no_filter_died()
}

fn head() -> Map<String, Value> {
    let mut head = Map::new();
    head.insert("alg".to_owned(), json!("EdDSA"));
    head.insert("typ".to_owned(), json!("JWT"));
    head.insert("kid".to_owned(), json!("main-ed25519"));
    head
}

fn keys_of(set: &Value) -> Vec<Value> {
    set.get("keys").and_then(Value::as_array).cloned().unwrap_or_default()
}

fn with(members: &Map<String, Value>, edits: Value) -> Map<String, Value> {
    let mut members = members.clone();
    for (name, value) in edits.as_object().cloned().unwrap_or_default() {
        match value {
            Value::Null => drop(members.remove(&name)),
            value => drop(members.insert(name, value)),
        }
    }
    members
}

/// The claims with which ada would be let in.
fn claims_of(request: &Request) -> Result<Map<String, Value>> {
    let value = String::from_utf8_lossy(request.first("authorization").unwrap_or_default()).into_owned();
    let payload = value.split('.').nth(1).unwrap_or_default();
    Ok(serde_json::from_slice(&Base64UrlSafeNoPadding::decode_to_vec(payload, None)?)?)
}

fn encode(bytes: impl AsRef<[u8]>) -> Result<String> {
    Ok(Base64UrlSafeNoPadding::encode_to_string(bytes)?)
}

/// A good header and good claims, both changed, signed as they are.
fn sealed(header: Value, claims: &Map<String, Value>, edits: Value) -> String {
    KeyRing::Main.sign_under(&with(&head(), header), &json!(with(claims, edits)))
}

fn algorithms(claims: &Map<String, Value>) -> Result<Vec<Attack>> {
    let mut attacks = Vec::new();
    for name in ["none", "None", "NONE", "nOnE", "none ", "", "null"] {
        let token = sealed(json!({"alg": name}), claims, json!({}));
        let unsigned = token.rsplit_once('.').map(|(message, _)| format!("{message}.")).unwrap_or_default();
        attacks.push((format!("{name:?}, signed"), token, "unsupported_algorithm"));
        attacks.push((format!("{name:?}, unsigned"), unsigned, "unsupported_algorithm"));
    }
    for name in
        ["HS256", "HS384", "HS512", "RS1", "ES512", "ES256K", "Ed25519", "eddsa", "RSA-OAEP", "dir", "ML-DSA-65"]
    {
        let token = sealed(json!({"alg": name}), claims, json!({}));
        attacks.push((format!("alg {name}"), token, "unsupported_algorithm"));
    }
    // HMAC with what everybody can fetch.
    for jwk in keys_of(&KeyRing::Main.jwks()?) {
        let member = |name: &str| jwk.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        for secret in [jwk.to_string(), member("n"), member("x")] {
            let header = json!({"alg": "HS256", "typ": "JWT", "kid": member("kid")});
            let message = format!("{}.{}", encode(header.to_string())?, encode(json!(claims).to_string())?);
            let token = format!("{message}.{}", encode(hmac_sha256::HMAC::mac(&message, secret.as_bytes()))?);
            attacks.push((format!("HMAC with {}", member("kid")), token, "unsupported_algorithm"));
        }
    }
    // One kind of key for another, signed by Ed25519.
    for (algorithm, kid) in [
        ("EdDSA", "main-rsa"),
        ("EdDSA", "main-es256"),
        ("RS256", "main-rsa"),
        ("PS256", "main-rsa"),
        ("ES256", "main-es256"),
        ("ES384", "main-es384"),
        ("RS256", "main-ed25519"),
        ("ES256", "main-ed25519"),
        ("ES256", "main-es384"),
        ("ES384", "main-es256"),
    ] {
        let token = sealed(json!({"alg": algorithm, "kid": kid}), claims, json!({}));
        attacks.push((format!("{algorithm} under {kid}"), token, "bad_signature"));
    }
    Ok(attacks)
}

fn headers(claims: &Map<String, Value>) -> Result<Vec<Attack>> {
    let mut attacks = Vec::new();
    for kid in [
        "../../../../dev/null",
        "/dev/null",
        "x' UNION SELECT 'k' --",
        "main-ed25519' OR 1=1 --",
        "MAIN-ED25519",
        "main-ed25519 ",
        "",
        "https://evil.example",
        "main-ed25519\0",
        "%6dain-ed25519",
    ] {
        attacks.push((format!("kid {kid:?}"), sealed(json!({"kid": kid}), claims, json!({})), "unknown_key"));
    }
    for (name, header) in [
        ("kid of 2 KB", json!({"kid": "x".repeat(2000)})),
        ("kid of 40 KB", json!({"kid": "x".repeat(40_000)})),
        ("kid a number", json!({"kid": 1})),
        ("kid an object", json!({"kid": {"$ne": ""}})),
        ("crit", json!({"crit": ["exp"], "exp": 1})),
        ("crit of nothing", json!({"crit": []})),
        ("b64", json!({"crit": ["b64"], "b64": false})),
        ("b64 alone", json!({"b64": false})),
        ("an access token", json!({"typ": "at+jwt"})),
        ("a logout token", json!({"typ": "logout+jwt"})),
        ("typ a number", json!({"typ": 1})),
        ("no alg", json!({"alg": null})),
        ("alg an array", json!({"alg": ["EdDSA"]})),
    ] {
        attacks.push((name.to_owned(), sealed(header, claims, json!({})), "malformed_token"));
    }
    let stranger = KeyRing::Stranger;
    let evil = "https://evil.example/keys";
    let jwk = keys_of(&stranger.jwk_set("EdDSA")?).pop().unwrap_or_default();
    for (name, header) in [
        ("jwk", json!({"jwk": jwk})),
        ("jku", json!({"jku": evil})),
        ("x5u", json!({"x5u": evil})),
        ("x5c", json!({"x5c": ["AAAA"]})),
        ("all", json!({"jwk": jwk, "jku": evil, "x5u": evil, "x5c": ["AAAA"]})),
    ] {
        let token = stranger.sign_under(&with(&head(), header.clone()), &json!(claims));
        attacks.push((format!("{name} under our kid"), token, "bad_signature"));
        let token = stranger.sign_under(&with(&with(&head(), header), json!({"kid": "evil"})), &json!(claims));
        attacks.push((format!("{name} under its own"), token, "unknown_key"));
    }
    Ok(attacks)
}

fn forms(claims: &Map<String, Value>) -> Result<Vec<Attack>> {
    let good = sealed(json!({}), claims, json!({}));
    let parts: Vec<&str> = good.split('.').collect();
    let [header, payload, signature] = parts.as_slice() else { anyhow::bail!("three parts") };
    let mut text = json!(claims).to_string();
    // Of some lengths it is written alike in both alphabets.
    let mut standard = Base64::encode_to_string(&text)?;
    while !standard.contains(['+', '/', '=']) {
        text.push(' ');
        standard = Base64::encode_to_string(&text)?;
    }
    Ok([
        ("two parts", format!("{header}.{payload}")),
        ("four parts", format!("{good}.{signature}")),
        ("five parts", format!("{good}.{payload}.{signature}")),
        ("an empty fourth", format!("{good}.")),
        ("detached", format!("{header}..{signature}")),
        ("padded", format!("{good}==")),
        ("padding inside", format!("{header}=.{payload}.{signature}")),
        ("standard base64", KeyRing::Main.sign_parts(header, &standard)),
        ("a space inside", KeyRing::Main.sign_parts(header, &format!("{} {}", encode("{")?, encode("}")?))),
        ("not encoded", KeyRing::Main.sign_parts("{}", "{}")),
        ("encoded twice", KeyRing::Main.sign_parts(header, &encode(payload)?)),
        (
            "JSON, flattened",
            json!({"protected": header, "payload": payload, "signature": signature}).to_string().replace(',', " "),
        ),
        ("dots", ".".repeat(50)),
        ("a tilde", format!("{good}~")),
        ("percent", good.replace('.', "%2E")),
        ("70 KB", format!("{}.{payload}.{signature}", "A".repeat(70_000))),
    ]
    .into_iter()
    .map(|(name, token)| (name.to_owned(), token, "malformed_token"))
    .collect())
}

fn documents(claims: &Map<String, Value>) -> Vec<Attack> {
    let (head, text) = (json!(head()).to_string(), json!(claims).to_string());
    let also = |member: &str| text.replacen('{', &format!("{{{member},"), 1);
    let mut attacks = Vec::new();
    for member in [
        r#""sub":"eve""#,
        r#""s\u0075b":"eve""#,
        r#""email":"eve@acme.example""#,
        r#""exp":9999999999"#,
        r#""aud":"usher""#,
        r#""x":{"a":1,"a":2}"#,
        r#""x":1e999"#,
        r#""x":"\ud800""#,
        r#""x":01"#,
        r#""x":NaN"#,
    ] {
        attacks.push((
            member.to_owned(),
            KeyRing::Main.seal(head.as_bytes(), also(member).as_bytes()),
            "malformed_token",
        ));
    }
    let deep = |open: &str, close: &str, depth: usize| format!("\"x\":{}1{}", open.repeat(depth), close.repeat(depth));
    for (name, document) in [
        ("deep arrays", also(&deep("[", "]", 200))),
        ("very deep arrays", also(&deep("[", "]", 10_000))),
        ("deep objects", also(&deep("{\"a\":", "}", 200))),
        ("never closed", also(&format!("\"x\":{}", "[".repeat(30_000)))),
        ("an array", format!("[{text}]")),
        ("null", "null".to_owned()),
        ("nothing", String::new()),
        ("two documents", format!("{text}{text}")),
        ("a byte order mark", format!("\u{feff}{text}")),
    ] {
        attacks.push((name.to_owned(), KeyRing::Main.seal(head.as_bytes(), document.as_bytes()), "malformed_token"));
    }
    for header in [
        r#"{"alg":"EdDSA","alg":"none"}"#,
        r#"{"alg":"none","a\u006cg":"EdDSA"}"#,
        "[]",
        "",
        "\"EdDSA\"",
        r#"{"alg":"EdDSA","kid":"a","kid":"b"}"#,
    ] {
        attacks.push((
            format!("header {header}"),
            KeyRing::Main.seal(header.as_bytes(), text.as_bytes()),
            "malformed_token",
        ));
    }
    let latin = [b"{\"sub\":\"", &[0xff, 0xfe][..], b"\"}"].concat();
    attacks.push(("not UTF-8".to_owned(), KeyRing::Main.seal(head.as_bytes(), &latin), "malformed_token"));
    attacks
}

fn registered_claims(claims: &Map<String, Value>) -> Vec<Attack> {
    let mut attacks = Vec::new();
    for (name, edits, reason) in [
        ("exp as text", json!({"exp": "9999999999"}), "malformed_token"),
        ("exp negative", json!({"exp": -1}), "malformed_token"),
        ("exp huge", json!({"exp": 1e300}), "malformed_token"),
        ("exp an array", json!({"exp": [9_999_999_999_u64]}), "malformed_token"),
        ("iat as text", json!({"iat": "1"}), "malformed_token"),
        ("nbf true", json!({"nbf": true}), "malformed_token"),
        ("no exp", json!({"exp": null}), "malformed_token"),
        ("no iat", json!({"iat": null}), "malformed_token"),
        ("no sub", json!({"sub": null}), "malformed_token"),
        ("no aud", json!({"aud": null}), "malformed_token"),
        ("no iss", json!({"iss": null}), "malformed_token"),
        ("aud empty", json!({"aud": []}), "malformed_token"),
        ("aud mixed", json!({"aud": ["usher", 1]}), "malformed_token"),
        ("sub empty", json!({"sub": ""}), "malformed_token"),
        ("sub with a line", json!({"sub": "a\r\nx-usher-role: owner"}), "malformed_token"),
        ("sub too long", json!({"sub": "x".repeat(256)}), "malformed_token"),
        ("sub a number", json!({"sub": 1}), "malformed_token"),
        ("events", json!({"events": {}}), "malformed_token"),
        ("exp long ago", json!({"exp": 1000, "iat": 1000}), "expired"),
        ("iat to come", json!({"iat": 9_999_999_999_u64}), "not_yet_valid"),
        ("iat in milliseconds", json!({"iat": 1_800_000_000_000_u64}), "not_yet_valid"),
        ("nbf to come", json!({"nbf": 9_999_999_999.5}), "not_yet_valid"),
        ("another audience", json!({"aud": "other"}), "wrong_audience"),
        ("our audience in another case", json!({"aud": "Usher"}), "wrong_audience"),
        ("azp of another", json!({"azp": "other"}), "wrong_audience"),
        ("azp an array", json!({"aud": ["usher", "other"], "azp": ["usher"]}), "wrong_audience"),
        ("another issuer", json!({"iss": "https://evil.example"}), "unknown_issuer"),
        ("our issuer with a slash", json!({"iss": "https://acme.okta.example/"}), "unknown_issuer"),
        ("our issuer in capitals", json!({"iss": "https://ACME.okta.example"}), "unknown_issuer"),
        ("our issuer as a user name", json!({"iss": "https://acme.okta.example@evil.example"}), "unknown_issuer"),
        ("no email", json!({"email": null}), "missing_claim"),
        ("emails", json!({"email": ["ada@acme.example"]}), "missing_claim"),
        ("unverified", json!({"email_verified": false}), "email_not_verified"),
        ("verified by a number", json!({"email_verified": 1}), "email_not_verified"),
        ("another domain", json!({"email": "ada@evil.example"}), "domain_not_verified"),
        ("two at", json!({"email": "ada@evil.example@acme.example"}), "domain_not_verified"),
        ("a homograph", json!({"email": "ada@\u{430}cme.example"}), "domain_not_verified"),
        ("a subdomain", json!({"email": "ada@x.acme.example"}), "domain_not_verified"),
    ] {
        attacks.push((name.to_owned(), sealed(json!({}), claims, edits), reason));
    }
    attacks
}

fn signatures(claims: &Map<String, Value>) -> Result<Vec<Attack>> {
    let mut attacks = Vec::new();
    for (algorithm, kid, lengths) in [
        ("EdDSA", "main-ed25519", [0, 32, 63, 64, 65, 128]),
        ("ES256", "main-es256", [0, 32, 63, 64, 72, 96]),
        ("ES384", "main-es384", [0, 48, 64, 95, 96, 104]),
        ("RS256", "main-rsa", [0, 64, 255, 256, 257, 512]),
        ("PS256", "main-rsa", [0, 64, 255, 256, 257, 512]),
    ] {
        let header = with(&head(), json!({"alg": algorithm, "kid": kid}));
        let message = format!("{}.{}", encode(json!(header).to_string())?, encode(json!(claims).to_string())?);
        for length in lengths {
            for fill in [0, 0xff] {
                let token = format!("{message}.{}", encode(vec![fill; length])?);
                attacks.push((format!("{algorithm}: {length} bytes of {fill}"), token, "bad_signature"));
            }
        }
        let der = [vec![0x30, 6, 2, 1, 1, 2, 1, 1], vec![0; 56]].concat();
        attacks.push((format!("{algorithm}: DER"), format!("{message}.{}", encode(der)?), "bad_signature"));
    }
    Ok(attacks)
}
