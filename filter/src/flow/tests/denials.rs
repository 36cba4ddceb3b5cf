//! What the log says of a denial: enough to explain it, and nothing that opens anything.

use super::*;
use crate::log_line::Denial;

/// The line about the denial of a request, and what it leads to.
fn line(world: &mut World, headers: &[(&str, &str)], answer: Option<LoginAnswer>) -> Value {
    let pseudo = [(":authority", "chat.acme.example"), (":path", "/x?code=a-secret"), (":method", "GET")];
    let given = |name: &str| headers.iter().any(|header| header.0 == name);
    let pseudo = pseudo.into_iter().filter(|header| !given(header.0));
    let headers: Vec<(&str, &str)> = pseudo.chain(headers.iter().copied()).collect();
    let headers = HeaderMap::decode(HeaderMap::encode(&headers)).unwrap();
    let next = match world.step(|desk| arrive(&headers, desk)) {
        Next::AskStore(expect) => world.step(|desk| expect.answered(answer.ok_or(NoAnswer::Reset), desk)),
        next => next,
    };
    let Next::Deny(deny) = &next else { panic!("not turned away: {next:?}") };
    let credentials = &world.policy.credentials;
    let written = Denial { deny, headers: &headers, credentials, is_shadow: false, now: T0 + 1 }.line();
    assert!(!written.contains('\n') && !written.contains("a-secret"), "{written}");
    for (name, value) in headers.iter().filter(|(name, _)| matches!(*name, b"authorization" | b"cookie")) {
        for part in value.split(|byte| *byte == b'.').filter(|part| part.len() > 8) {
            let part = String::from_utf8_lossy(part);
            assert!(!written.contains(&*part), "{}: {written}", String::from_utf8_lossy(name));
        }
    }
    serde_json::from_str(&written).unwrap()
}

fn presented(token: &str) -> [(&'static str, String); 2] {
    [("authorization", format!("Bearer {token}")), ("x-request-id", "r-1".to_owned())]
}

fn line_of(world: &mut World, token: &str, answer: Option<LoginAnswer>) -> Value {
    let headers = presented(token);
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    line(world, &headers, answer)
}

#[test]
fn a_login_that_the_store_turns_away_is_told_with_the_person() {
    let mut world = World::new(policy(|_| {}));
    let expected = json!({
        "event": "denial", "verdict": "deny", "reason": "member_suspended", "organization": "acme-chat",
        "request_id": "r-1", "shadow": false, "at": T0 + 1, "method": "GET", "host": "chat.acme.example", "path": "/x",
        "issuer": "https://idp.example", "audience": "usher", "key_id": "k1", "algorithm": "EdDSA",
        "issued_at": T0, "expires_at": T0 + 600, "subject": "ada", "email": "ada@acme.example",
    });
    assert_eq!(line_of(&mut world, &token(|_| {}), Some(answer("suspended", ""))), expected);
    let down = line_of(&mut world, &token(|_| {}), None);
    assert_eq!((&down["reason"], &down["email"]), (&json!("store_unavailable"), &json!("ada@acme.example")));
}

#[test]
fn a_session_that_may_not_come_here_is_told_with_the_person() {
    let mut world = World::new(policy(|_| {}));
    let token = token(|_| {});
    world.log_in("/x", &token, Ok(answer("member", "user")));
    let headers = presented(&token);
    let told = line(&mut world, &[(":path", "/admin/"), (headers[0].0, &headers[0].1)], None);
    assert_eq!((&told["reason"], &told["subject"]), (&json!("role_not_allowed"), &json!("ada")));
    assert_eq!(told["email"], "ada@acme.example");
}

#[test]
fn nobody_is_named_by_what_nobody_has_proven() {
    let mut world = World::new(policy(|_| {}));
    world.verifier.says.set(false);
    let forged = line_of(&mut world, &token(|claims| claims["sub"] = json!("eve")), None);
    assert_eq!((&forged["reason"], &forged["key_id"]), (&json!("bad_signature"), &json!("k1")));
    assert_eq!((&forged["subject"], &forged["email"]), (&Value::Null, &Value::Null));

    world.verifier.says.set(true);
    for change in [json!(false), Value::Null] {
        let unverified = line_of(&mut world, &token(|claims| claims["email_verified"] = change), None);
        assert_eq!((&unverified["reason"], &unverified["subject"]), (&json!("email_not_verified"), &json!("ada")));
        assert_eq!(unverified["email"], Value::Null, "an email that the provider does not vouch for");
    }
}

#[test]
fn a_verified_email_is_told_where_the_claims_alone_deny() {
    let mut world = World::new(policy(|document| {
        document["parents"][0]["organizations"][0]["provisioning"] =
            json!({"mode": "jit", "group_mappings": {"roles": [{"group": "staff", "role": "user"}]}});
    }));
    let told = line_of(&mut world, &token(|_| {}), None);
    assert_eq!((&told["reason"], &told["email"]), (&json!("missing_claim"), &json!("ada@acme.example")));
}

#[test]
fn what_comes_before_the_token_says_nothing_of_one() {
    let mut world = World::new(policy(|_| {}));
    let bare = line(&mut world, &[], None);
    let expected = json!({
        "event": "denial", "verdict": "deny", "reason": "no_credentials", "organization": "acme-chat",
        "shadow": false, "at": T0 + 1, "method": "GET", "host": "chat.acme.example", "path": "/x",
    });
    assert_eq!(bare, expected);
    let unknown = line(&mut world, &[(":authority", "user:a-secret@elsewhere.example"), ("x-request-id", "a b")], None);
    assert_eq!((&unknown["reason"], &unknown["host"]), (&json!("unknown_organization"), &json!("elsewhere.example")));
    assert_eq!((&unknown["organization"], &unknown["request_id"]), (&Value::Null, &Value::Null));
    let bearer = format!("Bearer {}", token(|_| {}));
    let elsewhere = line(&mut world, &[(":authority", "elsewhere.example"), ("authorization", &bearer)], None);
    assert_eq!((&elsewhere["reason"], &elsewhere["issuer"]), (&json!("unknown_organization"), &Value::Null));
    let malformed = line_of(&mut world, "not-an-assertion.of-any.kind", None);
    assert_eq!((&malformed["reason"], &malformed["issuer"]), (&json!("malformed_token"), &Value::Null));
}

#[test]
fn whatever_a_client_writes_a_line_stays_short() {
    let mut world = World::new(policy(|_| {}));
    let long = "x".repeat(60_000);
    let told = line(&mut world, &[(":authority", &long), (":path", &long), (":method", &long)], None);
    assert!(told.to_string().len() < 1_200, "{}", told.to_string().len());
    let told = line_of(&mut world, &token(|claims| claims["iss"] = json!("x".repeat(40_000))), None);
    assert_eq!(told["reason"], "unknown_issuer");
    assert!(told.to_string().len() < 1_200, "{}", told.to_string().len());
}

#[test]
fn an_assertion_that_was_read_to_turn_it_away_is_not_read_again_for_the_log() {
    let mut world = World::new(policy(|_| {}));
    world.verifier.says.set(false);
    let bearer = format!("Bearer {}", token(|_| {}));
    let pseudo = [(":authority", "chat.acme.example"), (":path", "/"), (":method", "GET")];
    let [with, without] = [&[("authorization", bearer.as_str())][..], &[]].map(|credential| {
        let headers: Vec<_> = pseudo.iter().chain(credential).copied().collect();
        HeaderMap::decode(HeaderMap::encode(&headers)).unwrap()
    });
    let Next::Deny(deny) = world.step(|desk| arrive(&with, desk)) else { panic!("a forged token") };
    let credentials = &world.policy.credentials;
    let written = Denial { deny: &deny, headers: &without, credentials, is_shadow: false, now: T0 }.line();
    let told: Value = serde_json::from_str(&written).unwrap();
    assert_eq!((&told["reason"], &told["issuer"]), (&json!("bad_signature"), &json!("https://idp.example")));
}
