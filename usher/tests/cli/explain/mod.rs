//! `usher explain`, with tokens signed here.

mod claims;
mod log_line;
mod steps;

use jwt_simple::prelude::{Claims, Duration, ECDSAP256KeyPairLike as _, ES256KeyPair, UnixTimeStamp};
use serde_json::{Value, json};

use crate::support::{Folder, Outcome, policy, usher, usher_with_input};

const NOW: u64 = 1_800_000_000;

/// A provider with one key, and a policy file that knows it.
struct Case {
    folder: Folder,
    key: ES256KeyPair,
    file: String,
}

impl Case {
    /// A policy whose keys are inline.
    fn new(organization: &Value) -> Self {
        Self::with_jwks(organization, |keys| json!({"inline": keys}))
    }

    fn with_jwks(organization: &Value, jwks: impl Fn(&Value) -> Value) -> Self {
        let folder = Folder::new();
        let key = ES256KeyPair::generate().with_key_id("k1");
        let jwk: Value = serde_json::from_str(&key.public_key().with_key_id("k1").to_jwk()).unwrap();
        let keys = json!({"keys": [jwk]});
        folder.file("keys.json", &keys.to_string());
        let file = folder.file("usher.json", &policy(&jwks(&keys), organization).to_string());
        Self { folder, key, file }
    }

    fn change_policy(&self, change: impl Fn(&mut Value)) {
        let mut policy = serde_json::from_str(&std::fs::read_to_string(&self.file).unwrap()).unwrap();
        change(&mut policy);
        std::fs::write(&self.file, policy.to_string()).unwrap();
    }

    fn token(&self, groups: &[&str]) -> String {
        let profile = json!({"email": "ada@acme.example", "email_verified": true, "groups": groups});
        let mut claims = Claims::with_custom_claims(profile, Duration::from_hours(1))
            .with_issuer("https://acme.okta.example")
            .with_subject("00u1")
            .with_audience("usher");
        claims.issued_at = Some(UnixTimeStamp::from_secs(NOW));
        claims.invalid_before = None;
        claims.expires_at = Some(UnixTimeStamp::from_secs(NOW + 3600));
        self.key.sign(claims).unwrap()
    }

    fn explain(&self, token: &str, more: &[&str]) -> Outcome {
        let now = (NOW + 10).to_string();
        let mut arguments = vec!["explain", &self.file, "--json", "--token", token];
        for (name, value) in [("--host", "chat.acme.example"), ("--path", "/"), ("--now", &now)] {
            if !more.contains(&name) {
                arguments.extend([name, value]);
            }
        }
        arguments.extend(more);
        usher(&arguments)
    }
}

fn mapped() -> Value {
    json!({
        "provisioning": {"mode": "jit", "group_mappings": {
            "roles": [{"group": "admins", "role": "admin"}, {"group": "staff", "role": "user"}],
            "seat_tiers": [{"group": "power", "tier": "premium"}],
        }},
        "access": [{"path": "/admin/", "roles": ["owner", "admin"]}],
        "bypass": [{"path": "/healthz"}],
    })
}

fn steps(explanation: &Value) -> Vec<&str> {
    explanation["steps"].as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap()).collect()
}

#[test]
fn an_allowed_login_tells_role_tier_plan_and_every_step_in_order() {
    let case = Case::new(&mapped());
    let outcome = case.explain(&case.token(&["staff", "admins", "power"]), &[]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let explanation = outcome.json();
    assert_eq!(explanation["verdict"], "allow");
    assert_eq!(explanation["reason"], Value::Null);
    assert_eq!(explanation["organization"], "acme-chat");
    assert_eq!(explanation["role"], "admin");
    assert_eq!(explanation["seat_tier"], "premium");
    assert_eq!(explanation["plan"], json!({"do": "assign", "role": "admin", "seat_tier": "premium"}));
    assert_eq!(
        steps(&explanation),
        [
            "route",
            "bypass",
            "credential",
            "connection",
            "signature",
            "clock",
            "email",
            "groups",
            "mapping",
            "plan",
            "store",
            "seat",
            "conclude",
            "access",
            "permit"
        ]
    );
}

#[test]
fn a_denial_exits_3_with_its_reason_as_the_last_step() {
    let case = Case::new(&mapped());
    let outcome = case.explain(&case.token(&["guests"]), &[]);
    assert_eq!(outcome.code, 3, "{outcome:?}");
    let explanation = outcome.json();
    assert_eq!((&explanation["verdict"], &explanation["reason"]), (&json!("deny"), &json!("no_mapped_group")));
    assert_eq!(explanation["plan"], json!({"do": "remove", "reason": "no_mapped_group"}));
    assert_eq!(explanation["role"], Value::Null);
    assert_eq!(steps(&explanation).last(), Some(&"conclude"));
}

#[test]
fn what_stops_a_request_before_the_store_is_told() {
    let case = Case::new(&mapped());
    let token = case.token(&["staff"]);
    let (before, after) = ((NOW - 61).to_string(), (NOW + 3661).to_string());
    let mut forged = token.clone();
    forged.replace_range(forged.len() - 4.., "AAAA");
    for (token, more, reason, last) in [
        (token.as_str(), ["--now", &after], "expired", "clock"),
        (&token, ["--now", &before], "not_yet_valid", "clock"),
        (&token, ["--host", "shop.acme.example"], "unknown_organization", "route"),
        (&token, ["--path", "/%2e%2e/admin/"], "ambiguous_request", "route"),
        (&forged, ["--path", "/"], "bad_signature", "signature"),
        ("a.b.c", ["--path", "/"], "malformed_token", "credential"),
        ("", ["--path", "/"], "no_credentials", "credential"),
        (&token, ["--path", "/admin/x"], "role_not_allowed", "access"),
    ] {
        let outcome = case.explain(token, &more);
        assert_eq!(outcome.code, 3, "{outcome:?}");
        let explanation = outcome.json();
        assert_eq!(explanation["reason"], reason, "{explanation}");
        assert_eq!(steps(&explanation).last(), Some(&last), "{explanation}");
    }
}

#[test]
fn what_is_no_assertion_is_told_by_its_form() {
    let case = Case::new(&mapped());
    let token = case.token(&["staff"]);
    let (broken, with_scheme) = (token.replacen('.', ".\n", 1), format!("Bearer {token}"));
    for (token, told) in [
        ("opaque", "1 part between dots"),
        ("a.b", "2 parts between dots"),
        (&broken, "white space in it"),
        (&with_scheme, "without `Bearer`"),
    ] {
        let explanation = case.explain(token, &[]).json();
        assert_eq!(explanation["reason"], "malformed_token");
        assert!(explanation["steps"].to_string().contains(told), "{explanation}");
    }
}

#[test]
fn two_tokens_that_arrive_joined_are_told_as_the_filter_answers_them() {
    let case = Case::new(&json!({"provisioning": {"mode": "jit"}}));
    let token = case.token(&[]);
    for (first, reason) in [
        (json!("authorization"), "ambiguous_request"),
        (json!({"header": "x-id-token"}), "ambiguous_request"),
        // Nobody joins cookies with commas.
        (json!({"cookie": "IdToken"}), "malformed_token"),
    ] {
        case.change_policy(|policy| policy["credentials"] = json!({"sources": [first]}));
        for joined in [format!("{token},{token}"), format!("{token},")] {
            let outcome = case.explain(&joined, &[]);
            assert_eq!((outcome.code, &outcome.json()["reason"]), (3, &json!(reason)), "{first}: {outcome:?}");
        }
    }
}

#[test]
fn a_file_without_its_at_is_not_taken_for_a_token_or_a_line() {
    let case = Case::new(&mapped());
    let file = case.folder.file("token.jwt", &case.token(&["staff"]));
    for arguments in [
        &["explain", &case.file, "--host", "chat.acme.example", "--path", "/", "--token", &file][..],
        &["explain", &case.file, "--log-line", &file],
    ] {
        let outcome = usher(arguments);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""), "{outcome:?}");
        assert!(outcome.stderr.contains("is a file; write `") && outcome.stderr.contains(&format!("@{file}`")));
    }
}

#[test]
fn a_token_that_is_not_believed_is_shown_next_to_what_would_be() {
    let case = Case::new(&mapped());
    let token = case.token(&["staff"]);
    case.change_policy(|policy| policy["parents"][0]["connections"][0]["issuer"] = json!("https://other.example"));
    let explanation = case.explain(&token, &[]).json();
    assert_eq!(explanation["reason"], "unknown_issuer");
    let told = explanation["steps"].to_string();
    for words in [r#"iss \"https://acme.okta.example\""#, r#"iss \"https://other.example\""#, r#"aud [\"usher\"]"#] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert!(!told.contains("ada@"), "no claim about the person: {told}");
}

#[test]
fn a_role_that_is_not_allowed_is_still_told() {
    let case = Case::new(&mapped());
    let explanation = case.explain(&case.token(&["staff"]), &["--path", "/admin/"]).json();
    assert_eq!((&explanation["reason"], &explanation["role"]), (&json!("role_not_allowed"), &json!("user")));
}

#[test]
fn a_bypass_needs_no_token() {
    let case = Case::new(&mapped());
    let outcome = usher(&["explain", &case.file, "--json", "--host", "chat.acme.example", "--path", "/healthz"]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert_eq!(steps(&outcome.json()), ["route", "bypass"]);
    let without = usher(&["explain", &case.file, "--json", "--host", "chat.acme.example", "--path", "/"]);
    assert_eq!((without.code, &without.json()["reason"]), (3, &json!("no_credentials")));
}

#[test]
fn the_assumed_member_decides_where_a_login_does_not() {
    let case = Case::new(&json!({"provisioning": {"mode": "manual"}}));
    let token = case.token(&[]);
    let nobody = case.explain(&token, &[]);
    assert_eq!((nobody.code, &nobody.json()["reason"]), (3, &json!("not_a_member")));

    let member = case.explain(&token, &["--member", "role=admin,tier=standard"]);
    assert_eq!(member.code, 0, "{member:?}");
    assert_eq!((&member.json()["role"], &member.json()["seat_tier"]), (&json!("admin"), &json!("standard")));

    let suspended = case.explain(&token, &["--member", "tier=standard,status=suspended"]);
    assert_eq!((suspended.code, &suspended.json()["reason"]), (3, &json!("member_suspended")));
}

#[test]
fn in_scim_modes_nobody_stored_is_not_provisioned() {
    let case = Case::new(&json!({"provisioning": {"mode": "scim"}}));
    let outcome = case.explain(&case.token(&[]), &["--member", "none"]);
    assert_eq!((outcome.code, &outcome.json()["reason"]), (3, &json!("not_provisioned")));
    let provisioned = case.explain(&case.token(&[]), &["--member", "tier=premium"]);
    assert_eq!((provisioned.code, &provisioned.json()["seat_tier"]), (0, &json!("premium")));
}

#[test]
fn an_assumed_member_that_cannot_be_is_an_error_and_no_verdict() {
    let case = Case::new(&mapped());
    let token = case.token(&["staff"]);
    for (member, message) in [
        ("role=admn", "unknown role `admn`; product `claude` has `owner`, `admin`, `user`"),
        ("tier=gold", "unknown seat tier `gold`; product `claude` has `premium`, `standard`"),
        ("admin", "must be `none` or some of role=ROLE"),
    ] {
        let outcome = case.explain(&token, &["--member", member]);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""), "{outcome:?}");
        assert!(outcome.stderr.contains(message), "{outcome:?}");
    }
}

#[test]
fn remote_keys_are_not_fetched_but_may_be_given() {
    let remote = |_: &Value| json!({"uri": "https://acme.okta.example/keys", "cluster": "okta"});
    let case = Case::with_jwks(&mapped(), remote);
    let token = case.token(&["staff"]);
    let without = case.explain(&token, &[]);
    assert_eq!(without.code, 3);
    let explanation = without.json();
    assert_eq!(explanation["reason"], "keys_unavailable");
    let told = explanation["steps"].to_string();
    assert!(told.contains("https://acme.okta.example/keys") && told.contains("--jwks okta=FILE"), "{told}");

    let keys = case.folder.path().join("keys.json").display().to_string();
    for name in ["okta", "acme/okta"] {
        let outcome = case.explain(&token, &["--jwks", &format!("{name}={keys}")]);
        assert_eq!((outcome.code, &outcome.json()["role"]), (0, &json!("user")), "{outcome:?}");
    }
    for (jwks, message) in [
        (format!("other={keys}"), "no connection"),
        ("okta=/no/such/file".to_owned(), "cannot be read"),
        (format!("okta={}", case.file), "not a usable key set"),
        ("okta".to_owned(), "CONNECTION=FILE"),
    ] {
        let outcome = case.explain(&token, &["--jwks", &jwks]);
        assert_eq!(outcome.code, 1, "{outcome:?}");
        assert!(outcome.stderr.contains(message), "{outcome:?}");
    }
}

#[test]
fn a_token_comes_from_a_file_or_standard_input_and_is_never_shown() {
    let case = Case::new(&mapped());
    let token = case.token(&["staff"]);
    let file = case.folder.file("token", &format!("{token}\n"));
    let now = NOW.to_string();
    let arguments = |token: &'static str| {
        ["explain", &case.file, "--host", "chat.acme.example", "--path", "/", "--now", &now, "--token", token]
            .map(str::to_owned)
    };
    let piped: Vec<_> = arguments("-").into();
    let piped = usher_with_input(&piped.iter().map(String::as_str).collect::<Vec<_>>(), &format!("{token}\n"));
    for outcome in [case.explain(&format!("@{file}"), &[]), case.explain(&token, &[]), piped] {
        assert_eq!(outcome.code, 0, "{outcome:?}");
        for part in token.split('.') {
            assert!(!outcome.stdout.contains(part) && !outcome.stderr.contains(part), "{outcome:?}");
        }
    }
    let missing = case.explain("@/no/such/token", &[]);
    assert_eq!(missing.code, 1, "{missing:?}");
    assert!(missing.stderr.contains("--token /no/such/token: cannot be read"), "{missing:?}");
}

#[test]
fn one_connection_id_under_two_parents_needs_the_parent_s() {
    let remote = |_: &Value| json!({"uri": "https://acme.okta.example/keys", "cluster": "okta"});
    let case = Case::with_jwks(&mapped(), remote);
    case.change_policy(|policy| {
        let mut other = policy["parents"][0].clone();
        other["id"] = json!("umbrella");
        other["domains"] = json!(["umbrella.example"]);
        other["connections"][0]["issuer"] = json!("https://umbrella.okta.example");
        other["directory"] = json!({"scim": true, "token_env": "UMBRELLA_SCIM_TOKEN"});
        other["organizations"][0]["id"] = json!("umbrella-chat");
        other["organizations"][0]["primary_owner"] = json!("owner@umbrella.example");
        other["organizations"][0]["hosts"] = json!(["chat.umbrella.example"]);
        policy["parents"].as_array_mut().unwrap().push(other);
    });
    let token = case.token(&["staff"]);
    let keys = case.folder.path().join("keys.json").display().to_string();
    let ambiguous = case.explain(&token, &["--jwks", &format!("okta={keys}")]);
    assert!(ambiguous.code == 1 && ambiguous.stderr.contains("write PARENT/okta"), "{ambiguous:?}");
    assert_eq!(case.explain(&token, &["--jwks", &format!("acme/okta={keys}")]).code, 0);
    let others = case.explain(&token, &["--jwks", &format!("umbrella/okta={keys}")]);
    assert_eq!((others.code, &others.json()["reason"]), (3, &json!("keys_unavailable")));
}

#[test]
fn shadow_and_unmatched_are_told() {
    let case = Case::new(&mapped());
    case.change_policy(|policy| {
        policy["enforcement"] = json!("shadow");
        policy["unmatched"] = json!("pass");
    });
    let denied = case.explain(&case.token(&["guests"]), &[]);
    assert_eq!((denied.code, &denied.json()["reason"]), (3, &json!("no_mapped_group")));
    assert_eq!(steps(&denied.json())[1], "enforcement");
    let unmatched = case.explain("", &["--host", "elsewhere.example"]);
    assert_eq!((unmatched.code, &unmatched.json()["organization"]), (0, &Value::Null), "{unmatched:?}");
}

#[test]
fn people_read_the_verdict_first_and_then_the_steps() {
    let case = Case::new(&mapped());
    let now = NOW.to_string();
    let token = case.token(&["guests"]);
    let outcome =
        usher(&["explain", &case.file, "--host", "chat.acme.example", "--path", "/", "--now", &now, "--token", &token]);
    assert_eq!(outcome.code, 3);
    let lines: Vec<_> = outcome.stdout.lines().collect();
    assert!(lines[0].starts_with("deny: no_mapped_group (403): "), "{outcome:?}");
    assert!(lines[1].starts_with("  1. route "), "{outcome:?}");
    assert!(lines.last().unwrap().contains("denied: no_mapped_group"), "{outcome:?}");
}

#[test]
fn a_faulty_policy_explains_nothing() {
    let folder = Folder::new();
    let file = folder.file("usher.yaml", "version: 2\n");
    let outcome = usher(&["explain", &file, "--host", "a", "--path", "/"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""));
    assert!(outcome.stderr.contains("version"), "{outcome:?}");
}
