//! Who sends requests: tokens that a provider signed, and the requests that carry them.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use usher_scenario::token::{KeyRing, Members};

/// The host of the one organization.
pub(crate) const HOST: &str = "chat.acme.example";

/// The six headers that every way of authorizing sets, as one who is asked answers them for everybody.
pub(crate) const TAGS: [(&str, &str); 6] = [
    ("x-usher-organization", "acme-chat"),
    ("x-usher-member", "019a1f60-5d7b-7c3e-9b1a-2f64c0a8e001"),
    ("x-usher-subject", "00u1a2b3c4d5e6f7g8h9"),
    ("x-usher-email", "ada.lovelace@acme.example"),
    ("x-usher-role", "user"),
    ("x-usher-seat-tier", "premium"),
];

/// The claims that hold the same, for filters that make headers of claims.
pub(crate) const CLAIMS: [(&str, &str); 6] = [
    ("x-usher-organization", "organization"),
    ("x-usher-member", "member"),
    ("x-usher-subject", "sub"),
    ("x-usher-email", "email"),
    ("x-usher-role", "role"),
    ("x-usher-seat-tier", "seat_tier"),
];

/// The issuer of every token.
pub(crate) const ISSUER: &str = "https://acme.okta.example/oauth2/default";

/// Tokens of one algorithm; the person `number` is the same in all of them.
///
/// # Errors
/// No key can be made.
pub(crate) fn tokens(algorithm: &str, numbers: std::ops::Range<usize>) -> Result<Vec<String>> {
    numbers
        .map(|number| sign(algorithm, claims(&format!("person-{number}"), &["engineering", "staff", "power"])?))
        .collect()
}

/// Tokens of people whose groups are others each time they come, so that each login changes its member; nobody comes twice at
/// once, because logins with one token would share a call.
///
/// # Errors
/// No key can be made.
pub(crate) fn changing_tokens(count: usize) -> Result<Vec<String>> {
    let mut tokens = Vec::new();
    for group in ["engineering", "admins"] {
        for number in 0..count {
            tokens.push(sign("RS256", claims(&format!("changing-{number}"), &[group, "staff", "power"])?)?);
        }
    }
    Ok(tokens)
}

/// The claims of a person in these groups.
///
/// # Errors
/// The clock is before 1970.
pub(crate) fn claims(person: &str, groups: &[&str]) -> Result<Members> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let mut claims = json!({
        "iss": ISSUER,
        "aud": "usher",
        "sub": format!("00u1a2b3c4-{person}"),
        "email": format!("{person}@acme.example"),
        "email_verified": true,
        "name": "Ada Lovelace",
        "groups": groups,
        "iat": now - 60,
        "exp": now + 6 * 60 * 60,
        "jti": "ID.4f3cD9aXbq0V1tq3tq0e8q2Xx1",
    });
    let members = claims.as_object_mut().context("claims are an object")?;
    for (name, claim) in CLAIMS {
        let value = TAGS.iter().find(|(tag, _)| *tag == name).map_or("", |(_, value)| *value);
        members.entry(claim).or_insert_with(|| json!(value));
    }
    Ok(members.clone())
}

/// A login of somebody who has no token, as the filter puts it to the store.
///
/// # Errors
/// The clock is before 1970.
pub(crate) fn login() -> Result<Value> {
    let claims = claims("nobody-else", &[])?;
    Ok(json!({
        "connection": "okta", "issuer": claims.get("iss"), "subject": claims.get("sub"), "email": claims.get("email"),
        "name": claims.get("name"), "issued_at": claims.get("iat"),
        "plan": {"do": "assign", "role": "user", "seat_tier": "premium"},
    }))
}

/// The answer of a store that says the same to every login of one person, after so many changes.
pub(crate) fn login_answer(person: &str, changes: u64) -> Vec<u8> {
    let member = json!({
        "id": "019a1f60-5d7b-7c3e-9b1a-2f64c0a8e001", "organization": "acme-chat", "email": format!("{person}@acme.example"),
        "name": "Ada Lovelace", "issuer": ISSUER, "subject": format!("00u1a2b3c4-{person}"), "role": "user",
        "seat_tier": "premium", "status": "active", "source": "jit", "primary_owner": false, "created_at": 1,
        "updated_at": 1, "last_login_at": 1,
    });
    let body = json!({"answer": "member", "member": member, "position": format!("bench-bench-{changes}")}).to_string();
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len())
        .into_bytes()
}

/// Signs claims with the key that the policy trusts.
///
/// # Errors
/// No key can be made.
pub(crate) fn sign(algorithm: &str, claims: Members) -> Result<String> {
    KeyRing::Main.sign(algorithm, Some(&KeyRing::Main.kid(algorithm)?), &claims)
}

/// A request of a browser with a token, as bytes.
pub(crate) fn request(token: &str) -> Vec<u8> {
    format!(
        "GET /conversations/1 HTTP/1.1\r\nhost: {HOST}\r\nuser-agent: Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0\r\n\
         accept: application/json\r\naccept-language: en-GB,en;q=0.8\r\naccept-encoding: gzip, br\r\n\
         authorization: Bearer {token}\r\n\r\n"
    )
    .into_bytes()
}

/// Requests with tokens.
pub(crate) fn requests(tokens: &[String]) -> Vec<Vec<u8>> {
    tokens.iter().map(|token| request(token)).collect()
}

/// The policy, with room for so many sessions.
///
/// # Errors
/// No key can be made.
pub(crate) fn policy(capacity: usize) -> Result<Value> {
    Ok(json!({
        "version": 1,
        "store": {"cluster": "store", "authority": "store", "timeout": "5s", "token_env": "USHER_STORE_TOKEN"},
        "sessions": {"capacity": capacity},
        "parents": [{
            "id": "acme",
            "plan": "enterprise",
            "domains": ["acme.example"],
            "connections": [{
                "id": "okta", "issuer": ISSUER, "audiences": ["usher"], "jwks": {"inline": KeyRing::Main.jwks()?},
            }],
            "organizations": [{
                "id": "acme-chat",
                "product": "claude",
                "hosts": [HOST],
                "provisioning": {
                    "mode": "jit",
                    "group_mappings": {
                        "roles": [{"group": "admins", "role": "admin"}, {"group": "staff", "role": "user"}],
                        "seat_tiers": [{"group": "power", "tier": "premium"}],
                    },
                },
            }],
        }],
    }))
}
