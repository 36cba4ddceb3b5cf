//! What is allowed and warned of.

mod entry;
mod hosts;
mod lines;
mod mappings;
mod paths;
mod seats;

use serde_json::{Value, json};

use super::super::{Warning, WarningCode, check_json};
use super::{base, change};

const O: &str = "/parents/0/organizations/0";

/// The warnings after these changes to a base that has none; `{O}` is its organization.
fn warnings(changes: &[(&str, Value)]) -> Vec<Warning> {
    let mut document = base();
    let roles = json!([{"group": "heads", "role": "owner"}, {"group": "staff", "role": "user"}]);
    change(&mut document, &format!("{O}/provisioning/group_mappings/roles"), roles);
    for (pointer, value) in changes {
        change(&mut document, &pointer.replace("{O}", O), value.clone());
    }
    check_json(&serde_json::to_vec(&document).unwrap()).unwrap().warnings
}

/// Their codes and paths, the organization's own written `{O}`.
fn warned(changes: &[(&str, Value)]) -> Vec<(&'static str, String)> {
    let told = |warning: Warning| {
        // What to write instead is part of every message.
        let message = &warning.message;
        assert!(message.len() > 40 && !message.ends_with('.') && !message.contains('\n'), "{message}");
        (warning.code.name(), warning.path.replace("parents[0].organizations[0]", "{O}"))
    };
    warnings(changes).into_iter().map(told).collect()
}

fn expected(list: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    list.iter().map(|(code, path)| (*code, (*path).to_owned())).collect()
}

/// Changes to the base, and the codes and paths that they are warned of with.
type Row<'a> = (&'a [(&'a str, Value)], &'a [(&'static str, &'a str)]);

/// Each row changes some values of the base, which then has exactly these warnings.
fn check(rows: Vec<Row<'_>>) {
    for (changes, warnings) in rows {
        assert_eq!(warned(changes), expected(warnings), "{changes:?}");
    }
}

/// A second organization of the base's parent.
fn another(id: &str, host: &str, prefix: Option<&str>) -> Value {
    let mut organization = json!({"id": id, "product": "console", "hosts": [host]});
    if let Some(prefix) = prefix {
        organization["path_prefix"] = json!(prefix);
    }
    organization
}

#[test]
fn a_policy_that_means_what_it_says_has_no_warning() {
    check(vec![(&[], &[])]);
}

#[test]
fn keys_in_the_clear_are_warned_of() {
    let jwks = |uri: &str| ("/parents/0/connections/0/jwks", json!({"uri": uri, "cluster": "idp", "insecure": true}));
    check(vec![
        (&[jwks("http://idp.example/k")], &[("insecure_jwks", "parents[0].connections[0].jwks.insecure")]),
        (&[jwks("http://127.0.0.1/k")], &[]),
        (&[jwks("https://idp.example/k")], &[]),
    ]);
}

#[test]
fn another_claim_than_email_is_warned_of_unless_it_is_trusted() {
    let claim = |name: &str| ("/parents/0/connections/0/claims", json!({"email": name}));
    let email = |how: &str| ("/parents/0/connections/0/email", json!(how));
    let warning: &[_] = &[("email_unvouched", "parents[0].connections[0].claims.email")];
    check(vec![
        (&[claim("upn"), email("verified")], warning),
        (&[claim("/contact/email"), email("verified")], warning),
        (&[claim("Email"), email("verified")], warning),
        (&[claim("email"), email("verified")], &[]),
        (&[claim("/email"), email("verified")], &[]),
        (&[claim("upn"), email("trusted")], &[]),
    ]);
}

#[test]
fn an_issuer_that_is_no_url_is_warned_of() {
    let issuer = |text: &str| ("/parents/0/connections/0/issuer", json!(text));
    let pinned = ("/parents/0/connections/0/require", json!({"hd": ["acme.example"]}));
    check(vec![
        (&[issuer("idp.example")], &[("issuer_no_url", "parents[0].connections[0].issuer")]),
        (&[issuer("accounts.google.com.example")], &[("issuer_no_url", "parents[0].connections[0].issuer")]),
        (&[issuer("accounts.google.com"), pinned], &[]),
        (&[issuer("https://idp.example/tenant")], &[]),
        (&[issuer("http://127.0.0.1:9000")], &[]),
    ]);
}

#[test]
fn white_space_around_what_is_compared_is_warned_of() {
    let connection = |field: &str, value: Value| (format!("/parents/0/connections/0/{field}"), value);
    for (field, value, path) in [
        ("issuer", json!("https://okta.acme.example "), "issuer"),
        ("issuer", json!("\u{a0}https://okta.acme.example"), "issuer"),
        ("audiences", json!(["usher", "other "]), "audiences[1]"),
        ("assignment", json!({"claim": "roles", "any_of": [" usher"]}), "assignment.any_of[0]"),
    ] {
        let (pointer, value) = connection(field, value);
        let path = format!("parents[0].connections[0].{path}");
        assert_eq!(warned(&[(&pointer, value)]), [("stray_space", path)]);
    }
    let groups = |name: &str| ("{O}/provisioning/group_mappings/roles/1", json!({"group": name, "role": "user"}));
    let path = "{O}.provisioning.group_mappings.roles[1].group";
    check(vec![(&[groups("staff ")], &[("stray_space", path)]), (&[groups("all staff")], &[])]);
}

#[test]
fn a_bypass_of_everything_is_warned_of() {
    let bypass = |rule: Value| ("{O}/bypass", json!([rule]));
    let warning: &[_] = &[("bypass_everything", "{O}.bypass[0].path")];
    let prefixed = ("{O}/path_prefix", json!("/eu"));
    check(vec![
        (&[bypass(json!({"path": "/"}))], warning),
        (&[bypass(json!({"path": "/", "methods": ["GET", "OPTIONS"]}))], warning),
        (&[bypass(json!({"path": "/eu/"})), prefixed.clone()], warning),
        (&[bypass(json!({"path": "/", "methods": ["OPTIONS"]}))], &[]),
        (&[bypass(json!({"path": "/eu/"}))], &[]),
        (&[bypass(json!({"path": "/eu/assets/"})), prefixed], &[]),
        (&[bypass(json!({"path": "/healthz"}))], &[]),
    ]);
}

#[test]
fn every_code_stands_in_the_docs_once_and_in_order() {
    let docs = include_str!("../../../../docs/check.md");
    let rows: Vec<_> =
        docs.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`')).map(|(code, _)| code).collect();
    let codes: Vec<_> = WarningCode::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(rows, codes);
    assert!(codes.is_sorted(), "{codes:?}");
    let shown: Vec<_> = WarningCode::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(shown, codes);
}
