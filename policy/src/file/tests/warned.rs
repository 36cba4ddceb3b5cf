//! What is allowed and warned of.

use serde_json::{Value, json};

use super::super::warnings;
use super::{base, change, policy};

const O: &str = "/parents/0/organizations/0";

/// Paths and codes of the warnings after these changes to a base that has an owner.
fn warned(changes: &[(&str, Value)]) -> Vec<(String, &'static str)> {
    let mut document = base();
    change(&mut document, &format!("{O}/primary_owner"), json!("ada@acme.example"));
    for (pointer, value) in changes {
        change(&mut document, &pointer.replace("{O}", O), value.clone());
    }
    warnings(&policy(&document)).into_iter().map(|warning| (warning.path, warning.code)).collect()
}

fn one(path: &str, code: &'static str) -> Vec<(String, &'static str)> {
    vec![(path.to_owned(), code)]
}

#[test]
fn a_policy_that_means_what_it_says_has_no_warning() {
    assert_eq!(warned(&[]), []);
    assert_eq!(warned(&[("{O}/seats", json!({"caps": {"premium": 1, "standard": 1}}))]), []);
    assert_eq!(warned(&[("{O}/seats", json!({}))]), []);
}

#[test]
fn a_tier_that_caps_leave_out_is_warned_of() {
    let path = "parents[0].organizations[0].seats.caps";
    assert_eq!(warned(&[("{O}/seats", json!({"caps": {"premium": 1}}))]), one(path, "tier_without_seats"));
}

#[test]
fn scim_without_a_directory_is_warned_of() {
    let path = "parents[0].organizations[0].provisioning.mode";
    let scim = ("{O}/provisioning", json!({"mode": "scim"}));
    assert_eq!(warned(std::slice::from_ref(&scim)), one(path, "no_directory"));
    assert_eq!(warned(&[scim.clone(), ("/parents/0/directory", json!({"scim": false}))]), one(path, "no_directory"));
    assert_eq!(warned(&[scim, ("/parents/0/directory", json!({"scim": true}))]), []);
}

#[test]
fn keys_in_the_clear_are_warned_of() {
    let jwks = |uri: &str| ("/parents/0/connections/0/jwks", json!({"uri": uri, "cluster": "idp", "insecure": true}));
    let path = "parents[0].connections[0].jwks.insecure";
    assert_eq!(warned(&[jwks("http://idp.example/k")]), one(path, "insecure_jwks"));
    assert_eq!(warned(&[jwks("http://127.0.0.1/k")]), []);
    assert_eq!(warned(&[jwks("https://idp.example/k")]), []);
}

#[test]
fn mappings_that_make_nobody_an_owner_are_warned_of() {
    let path = "parents[0].organizations[0].provisioning.group_mappings.roles";
    let unowned = ("{O}/primary_owner", Value::Null);
    assert_eq!(warned(std::slice::from_ref(&unowned)), one(path, "no_owner"));
    let mapped = ("{O}/provisioning/group_mappings/roles/1", json!({"group": "heads", "role": "owner"}));
    assert_eq!(warned(&[unowned.clone(), mapped]), []);
    // Without mappings somebody can be given the role by hand.
    assert_eq!(warned(&[unowned, ("{O}/provisioning", json!({"mode": "jit"}))]), []);
}

#[test]
fn mappings_that_never_decide_are_warned_of() {
    let role = |group: &str, role: &str| json!({"group": group, "role": role});
    let roles = |roles: Value| ("{O}/provisioning/group_mappings/roles", roles);
    let path = |number: usize| format!("parents[0].organizations[0].provisioning.group_mappings.roles[{number}]");
    let lower = roles(json!([role("a", "user"), role("a", "admin"), role("b", "user")]));
    assert_eq!(warned(&[lower]), one(&path(0), "dead_mapping"));
    let same = roles(json!([role("a", "user"), role("a", "user")]));
    assert_eq!(warned(&[same]), one(&path(1), "dead_mapping"));
}
