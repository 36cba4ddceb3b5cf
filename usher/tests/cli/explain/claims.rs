//! `usher explain --claims`: claims instead of a token.

use serde_json::{Value, json};

use super::{Case, NOW, mapped, steps};
use crate::support::{Outcome, usher, usher_with_input};

fn claims() -> Value {
    json!({
        "iss": "https://acme.okta.example", "sub": "00u1", "aud": "usher", "iat": NOW, "exp": NOW + 3600,
        "email": "ada@acme.example", "email_verified": true, "groups": ["staff", "admins"],
    })
}

impl Case {
    fn claim(&self, claims: &Value, more: &[&str]) -> Outcome {
        let file = self.folder.file("claims.json", &claims.to_string());
        let now = (NOW + 10).to_string();
        let mut arguments = vec!["explain", &self.file, "--json", "--claims", &file, "--host", "chat.acme.example"];
        arguments.extend(["--path", "/", "--now", &now]);
        arguments.extend(more);
        usher(&arguments)
    }
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

#[test]
fn claims_get_the_verdict_that_a_token_with_them_gets() {
    let case = Case::new(&mapped());
    let (of_token, of_claims) = (case.explain(&case.token(&["staff", "admins"]), &[]), case.claim(&claims(), &[]));
    assert_eq!((of_token.code, of_claims.code), (0, 0), "{of_claims:?}");
    let (of_token, of_claims) = (of_token.json(), of_claims.json());
    for field in ["verdict", "reason", "organization", "role", "seat_tier", "plan"] {
        assert_eq!(of_token[field], of_claims[field], "{field}");
    }
    assert_eq!(steps(&of_token), steps(&of_claims));
}

#[test]
fn it_is_said_that_no_signature_was_checked() {
    let case = Case::new(&mapped());
    let explanation = case.claim(&claims(), &[]).json();
    let step = explanation["steps"].as_array().unwrap().iter().find(|step| step["step"] == "signature").unwrap();
    assert_eq!(step["facts"], json!({"checked": false}));
    assert!(step["detail"].as_str().unwrap().starts_with("not checked"), "{step}");
    let denied = case.claim(&without("sub"), &[]).json()["steps"].to_string();
    assert!(denied.contains("no signature is checked"), "{denied}");
}

#[test]
fn every_reason_of_the_claims_is_the_real_one() {
    let case = Case::new(&mapped());
    for (claims, reason, told) in [
        (without("iat"), "malformed_token", "it lacks the claim `iat`"),
        (without("exp"), "malformed_token", "it lacks the claim `exp`"),
        (without("iss"), "malformed_token", "it lacks the claim `iss`"),
        (json!({}), "malformed_token", "it lacks the claims `iss`, `sub`, `aud`, `exp`, `iat`"),
        (with("iat", json!("now")), "malformed_token", "are numbers of seconds"),
        (with("events", json!({})), "malformed_token", "a logout token"),
        (with("iss", json!("https://other.example")), "unknown_issuer", r#"iss "https://other.example""#),
        (with("aud", json!("other")), "wrong_audience", "has the audience `usher`"),
        (with("azp", json!("other")), "wrong_audience", r#"`azp` is "other""#),
        (with("exp", json!(NOW - 52)), "expired", "expired 62 s ago (`exp`), and the clock skew ended 2 s ago"),
        (with("iat", json!(NOW + 71)), "not_yet_valid", "issued 61 s ahead"),
        (without("email"), "missing_claim", "claim `email` holds no email: it is absent"),
        (with("email_verified", json!(false)), "email_not_verified", "`email_verified` is false"),
        (with("email", json!("ada@elsewhere.example")), "domain_not_verified", "which has `acme.example`"),
        (without("groups"), "missing_claim", "claim `groups` is absent: groups cannot be known"),
        (with("groups", json!(["a", 1])), "missing_claim", "is a list, but not of texts only"),
        (with("hasgroups", json!(true)), "groups_overage", "too many groups"),
        (with("groups", json!(["guests"])), "no_mapped_group", "in no mapping: `guests`; no group gives a role"),
        (with("groups", json!(["STAFF"])), "no_mapped_group", "`STAFF` differs from `staff` of roles["),
    ] {
        let outcome = case.claim(&claims, &[]);
        let explanation = outcome.json();
        assert_eq!((outcome.code, &explanation["reason"]), (3, &json!(reason)), "{claims}: {explanation}");
        let words = words(&explanation);
        assert!(words.contains(told), "{told}: {words}");
    }
}

/// The words of all steps.
fn words(explanation: &Value) -> String {
    let steps = explanation["steps"].as_array().unwrap().iter();
    steps.map(|step| step["detail"].as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

#[test]
fn claims_are_signed_with_an_algorithm_that_the_connection_takes() {
    let case = Case::new(&mapped());
    for algorithm in ["EdDSA", "ES384", "RS256", "PS512"] {
        case.change_policy(|policy| policy["parents"][0]["connections"][0]["algorithms"] = json!([algorithm]));
        let outcome = case.claim(&claims(), &[]);
        assert_eq!((outcome.code, &outcome.json()["role"]), (0, &json!("admin")), "{algorithm}: {outcome:?}");
    }
}

#[test]
fn no_keys_are_needed_for_claims_and_the_file_s_are_not_used() {
    let remote = |_: &Value| json!({"uri": "https://acme.okta.example/keys", "cluster": "okta"});
    let case = Case::with_jwks(&mapped(), remote);
    assert_eq!(case.claim(&claims(), &[]).code, 0);
}

#[test]
fn claims_come_from_standard_input_too() {
    let case = Case::new(&mapped());
    let now = NOW.to_string();
    let arguments =
        ["explain", &case.file, "--host", "chat.acme.example", "--path", "/", "--now", &now, "--claims", "-"];
    let outcome = usher_with_input(&arguments, &claims().to_string());
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{outcome:?}");
    assert_eq!(outcome.stdout, include_str!("allow.txt"));
}

#[test]
fn what_is_no_claims_file_is_an_error_and_no_verdict() {
    let case = Case::new(&mapped());
    let token = case.token(&[]);
    for (content, message) in [
        (token.as_str(), "a token goes to --token"),
        ("[]", "not a JSON object"),
        (r#"{"a":1,"a":2}"#, "not a JSON object"),
        ("", "not a JSON object"),
    ] {
        let file = case.folder.file("claims.json", content);
        let outcome = usher(&["explain", &case.file, "--host", "a", "--path", "/", "--claims", &file]);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""), "{outcome:?}");
        assert!(outcome.stderr.contains(message) && !outcome.stderr.contains(&token), "{outcome:?}");
    }
    for more in [["--token", "x"], ["--jwks", "okta=x"]] {
        let outcome = case.claim(&claims(), &more);
        assert!(outcome.code == 1 && outcome.stderr.contains("cannot be used with"), "{outcome:?}");
    }
    let missing = usher(&["explain", &case.file, "--host", "a", "--path", "/", "--claims", "/no/such/file"]);
    assert!(missing.code == 1 && missing.stderr.contains("--claims /no/such/file: cannot be read"), "{missing:?}");
}
