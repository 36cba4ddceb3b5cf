//! What is read out of a verified assertion: email, requirements, assignment, groups, name.

use serde_json::{Value, json};

use super::world::{Keys, NOW, claimant, claims, connection, login, organization, plain, token, with};
use crate::Reason::{self, *};
use crate::model::{Assignment, ClaimNames, ClaimPath, Connection, EmailTrust, Organization, Requirement};
use crate::rules::plan::Plan;

#[test]
fn a_claimant_is_who_the_assertion_says() {
    let claimant = claimant(&plain(), json!({})).unwrap();
    assert_eq!((claimant.issuer.as_str(), claimant.subject.as_str()), ("https://idp.acme.example", "u-1"));
    assert_eq!((claimant.email.as_str(), claimant.name.as_deref()), ("ada@acme.example", Some("Ada")));
    assert_eq!((claimant.issued_at, claimant.external_id, claimant.assigned), (NOW - 10, None, true));
    assert_eq!(claimant.groups.unwrap(), ["staff"]);
}

#[test]
fn a_login_carries_the_claimant_and_the_plan() {
    let login = login(&plain(), &Keys(None), &token(&claims())).unwrap();
    assert_eq!((login.connection.as_str(), login.issued_at, login.preview), ("okta", NOW - 10, false));
    assert!(matches!(login.plan, Plan::Assign { role, .. } if role.as_str() == "user"));
}

#[test]
fn an_email_must_be_there() {
    for edit in [json!(null), json!(1), json!(["ada@acme.example"]), json!({}), json!(true)] {
        assert_eq!(reason(&plain(), json!({"email": edit})), Some(MissingClaim), "{edit}");
    }
    let mut null = claims();
    null["email"] = Value::Null;
    assert_eq!(login(&plain(), &Keys(None), &token(&null)).err(), Some(MissingClaim));
}

#[test]
fn an_email_must_be_verified_unless_the_connection_is_trusted() {
    let trusted = organization(vec![Connection { email: EmailTrust::Trusted, ..connection("okta") }]);
    for good in [json!(true), json!("true")] {
        assert_eq!(reason(&plain(), json!({"email_verified": good})), None, "{good}");
    }
    for bad in [
        json!(null),
        json!(false),
        json!("false"),
        json!("True"),
        json!("TRUE"),
        json!(1),
        json!("1"),
        json!([true]),
        json!({}),
    ] {
        assert_eq!(reason(&plain(), json!({"email_verified": bad})), Some(EmailNotVerified), "{bad}");
        assert_eq!(reason(&trusted, json!({"email_verified": bad})), None, "{bad}");
    }
}

#[test]
fn an_email_is_of_an_exact_verified_domain() {
    for good in ["ada@acme.example", "Ada@ACME.Example", "ada@acme.test", "ada+usher@acme.example", "ädä@acme.example"]
    {
        assert_eq!(reason(&plain(), json!({"email": good})), None, "{good}");
    }
    for bad in [
        "",
        "ada",
        "@acme.example",
        "ada@",
        "ada@other.example",
        "ada@mail.acme.example",
        "ada@xacme.example",
        "ada@acme.example.",
        "ada@acme.example.evil.example",
        "ada@.acme.example",
        "ada@evil.example@acme.example",
        "ada@acme.example@evil.example",
        "ada@@acme.example",
        "ada @acme.example",
        "ada@acme.example ",
        "ada@acme.example\n",
        "ada\0@acme.example",
        "ada@acme.example,eve@evil.example",
        "<ada@acme.example>",
        "ada@acmé.example",
        "ada@ａcme.example",
        "ada@aCme.exampLe\u{212a}",
    ] {
        assert_eq!(reason(&plain(), json!({"email": bad})), Some(DomainNotVerified), "{bad:?}");
    }
    let long = format!("{}@acme.example", "a".repeat(320));
    assert_eq!(reason(&plain(), json!({"email": long})), Some(DomainNotVerified));
}

#[test]
fn a_connection_may_speak_for_fewer_domains() {
    let narrow = organization(vec![Connection { domains: Some(vec!["acme.test".to_owned()]), ..connection("okta") }]);
    assert_eq!(reason(&narrow, json!({"email": "ada@Acme.Test"})), None);
    assert_eq!(reason(&narrow, json!({"email": "ada@acme.example"})), Some(DomainNotVerified));
    let beyond =
        organization(vec![Connection { domains: Some(vec!["other.example".to_owned()]), ..connection("okta") }]);
    assert_eq!(reason(&beyond, json!({"email": "ada@other.example"})), Some(DomainNotVerified));
}

#[test]
fn every_requirement_must_hold() {
    let required = organization(vec![Connection {
        require: vec![
            requirement("hd", &["acme.example", "acme.test"]),
            requirement("/tenant/id", &["7", "true", "null"]),
        ],
        ..connection("okta")
    }]);
    for (hd, tenant) in [
        (json!("acme.example"), json!("7")),
        (json!("acme.test"), json!(7)),
        (json!(["x", "acme.test"]), json!(["8", 7])),
        (json!("acme.example"), json!(true)),
    ] {
        assert_eq!(reason(&required, json!({"hd": hd, "tenant": {"id": tenant}})), None, "{hd} {tenant}");
    }
    for (hd, tenant) in [
        (json!(null), json!({"id": "7"})),
        (json!("acme.example"), json!(null)),
        (json!("other.example"), json!({"id": "7"})),
        (json!("ACME.example"), json!({"id": "7"})),
        (json!(["acme.example.x"]), json!({"id": "7"})),
        (json!([]), json!({"id": "7"})),
        (json!({"acme.example": true}), json!({"id": "7"})),
        (json!([["acme.example"]]), json!({"id": "7"})),
        (json!("acme.example"), json!({"id": 7.5})),
        (json!("acme.example"), json!({"id": false})),
        (json!("acme.example"), json!({"id": [null]})),
        (json!("acme.example"), json!("7")),
    ] {
        assert_eq!(reason(&required, json!({"hd": hd, "tenant": tenant})), Some(NotAssigned), "{hd} {tenant}");
    }
}

#[test]
fn an_assignment_shows_or_not() {
    let assigned = |path: &str, edits: Value| {
        let assignment =
            Assignment { claim: ClaimPath::parse(path), any_of: vec!["usher".to_owned(), "both".to_owned()] };
        let organization = organization(vec![Connection { assignment: Some(assignment), ..connection("okta") }]);
        claimant(&organization, edits).map(|claimant| claimant.assigned)
    };
    for roles in [json!("usher"), json!(["usher"]), json!(["x", "both"])] {
        assert_eq!(assigned("roles", json!({"roles": roles})), Ok(true), "{roles}");
        assert_eq!(assigned("/app/roles", json!({"app": {"roles": roles}})), Ok(true), "{roles}");
    }
    for roles in [json!(null), json!("Usher"), json!([]), json!(["x"]), json!({"usher": 1}), json!("usher both")] {
        assert_eq!(assigned("roles", json!({"roles": roles})), Ok(false), "{roles}");
    }
}

#[test]
fn an_assignment_that_was_left_out_for_its_length_removes_nobody() {
    let assigned = |path: &str, edits: Value| {
        let assignment = Assignment { claim: ClaimPath::parse(path), any_of: vec!["staff".to_owned()] };
        let organization = organization(vec![Connection { assignment: Some(assignment), ..connection("okta") }]);
        claimant(&organization, edits).map(|claimant| claimant.assigned)
    };
    assert_eq!(assigned("groups", json!({"groups": null, "hasgroups": true})), Err(GroupsOverage));
    assert_eq!(assigned("groups", json!({"groups": null, "_claim_names": {"groups": "s"}})), Err(GroupsOverage));
    assert_eq!(assigned("roles", json!({"_claim_names": {"roles": "s"}})), Err(GroupsOverage));
    // The groups are too many, but the assignment shows elsewhere.
    assert_eq!(assigned("roles", json!({"hasgroups": true, "roles": ["staff"]})), Ok(true));
    assert_eq!(assigned("roles", json!({"hasgroups": true})), Ok(false));
    assert_eq!(assigned("roles", json!({"_claim_names": {"groups": "s"}})), Ok(false));
    assert_eq!(assigned("groups", json!({"groups": null})), Ok(false));
}

#[test]
fn groups_are_an_array_of_strings_or_one_string() {
    for (value, expected) in [
        (json!([]), &[][..]),
        (json!(["staff"]), &["staff"]),
        (json!(["Staff", "staff", "a b", "/x/y", ""]), &["Staff", "staff", "a b", "/x/y", ""]),
        (json!("staff"), &["staff"]),
        (json!("staff,admins"), &["staff,admins"]),
    ] {
        assert_eq!(groups(&plain(), json!({"groups": value})), Ok(expected.to_vec()), "{value}");
    }
    for value in [
        json!(null),
        json!({}),
        json!({"staff": true}),
        json!(1),
        json!(true),
        json!(["staff", 1]),
        json!(["staff", null]),
        json!([["staff"]]),
    ] {
        assert_eq!(groups(&plain(), json!({"groups": value})), Err(MissingClaim), "{value}");
    }
    let mut null = claims();
    null["groups"] = Value::Null;
    assert_eq!(login(&plain(), &Keys(None), &token(&null)).err(), Some(MissingClaim));
}

#[test]
fn groups_may_be_deep_in_the_claims() {
    let names = ClaimNames { groups: ClaimPath::parse("/realm_access/roles"), ..ClaimNames::default() };
    let keycloak = organization(vec![Connection { claims: names, ..connection("okta") }]);
    let there = json!({"realm_access": {"roles": ["staff"]}});
    assert_eq!(groups(&keycloak, there.clone()), Ok(vec!["staff"]));
    for edits in [
        json!({}),
        json!({"realm_access": {}}),
        json!({"realm_access": ["roles"]}),
        json!({"/realm_access/roles": ["staff"]}),
    ] {
        assert_eq!(groups(&keycloak, edits.clone()), Err(MissingClaim), "{edits}");
    }
    assert_eq!(groups(&keycloak, with(there, json!({"_claim_names": {"realm_access": "s"}}))), Err(GroupsOverage));
}

#[test]
fn an_overage_is_not_no_groups() {
    for edits in [
        json!({"groups": null, "_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://evil.example"}}}),
        json!({"_claim_names": {"groups": "src1"}}),
        json!({"groups": [], "_claim_names": {"groups": "src1", "other": "src2"}}),
        json!({"_claim_names": "groups"}),
        json!({"groups": null, "hasgroups": true}),
        json!({"groups": null, "hasgroups": "true"}),
        json!({"hasgroups": true}),
    ] {
        assert_eq!(groups(&plain(), edits.clone()), Err(GroupsOverage), "{edits}");
    }
    for edits in [
        json!({"_claim_names": {"address": "src1"}}),
        json!({"_claim_names": {}}),
        json!({"hasgroups": false}),
        json!({"hasgroups": "false"}),
    ] {
        assert_eq!(groups(&plain(), edits.clone()), Ok(vec!["staff"]), "{edits}");
    }
}

#[test]
fn a_name_is_made_fit_to_be_shown() {
    let name = |value: Value| claimant(&plain(), json!({"name": value})).unwrap().name;
    for (value, expected) in [
        (json!("Ada Lovelace"), Some("Ada Lovelace".to_owned())),
        (json!("A\u{0}d\r\na\u{85}"), Some("Ada".to_owned())),
        (json!(""), None),
        (json!("\n"), None),
        (json!(null), None),
        (json!(7), None),
        (json!(["Ada"]), None),
        (json!("x".repeat(300)), Some("x".repeat(256))),
        (json!("é".repeat(300)), Some("é".repeat(128))),
        (json!("€".repeat(300)), Some("€".repeat(85))),
    ] {
        assert_eq!(name(value.clone()), expected, "{value}");
    }
}

#[test]
fn an_external_id_is_taken_whole_or_not_at_all() {
    let names = ClaimNames { external_id: Some(ClaimPath::parse("oid")), ..ClaimNames::default() };
    let entra = organization(vec![Connection { claims: names, ..connection("okta") }]);
    let external_id = |value: Value| claimant(&entra, json!({"oid": value})).unwrap().external_id;
    for (value, expected) in [
        (json!("0-1"), Some("0-1".to_owned())),
        (json!("x".repeat(256)), Some("x".repeat(256))),
        (json!("x".repeat(257)), None),
        (json!(""), None),
        (json!(7), None),
        (json!("0\u{0}1"), None),
        (json!(null), None),
    ] {
        assert_eq!(external_id(value.clone()), expected, "{value}");
    }
}

#[test]
fn claims_may_have_other_names() {
    let names = ClaimNames {
        groups: ClaimPath::parse("https://acme.example/groups"),
        email: ClaimPath::parse("/profile/mail"),
        name: ClaimPath::parse("/profile/a~1b"),
        external_id: None,
    };
    let renamed = organization(vec![Connection { claims: names, ..connection("okta") }]);
    let edits = json!({
        "email": null, "name": null, "groups": null,
        "profile": {"mail": "eve@acme.test", "a/b": "Eve"}, "https://acme.example/groups": "staff",
    });
    let claimant = claimant(&renamed, edits).unwrap();
    assert_eq!((claimant.email.as_str(), claimant.name.as_deref()), ("eve@acme.test", Some("Eve")));
    assert_eq!(claimant.groups.map(|groups| groups.len()), Ok(1));
}

#[test]
fn a_distributed_claim_is_known_by_the_name_that_a_pointer_begins_with() {
    for (path, name) in [("a/b", "a/b"), ("/a~1b/c", "a/b"), ("/a~0b", "a~b"), ("/a/b", "a"), ("/~01", "~1")] {
        let names = ClaimNames { groups: ClaimPath::parse(path), ..ClaimNames::default() };
        let organization = organization(vec![Connection { claims: names, ..connection("okta") }]);
        assert_eq!(groups(&organization, json!({"_claim_names": {name: "s"}})), Err(GroupsOverage), "{path}");
        assert_eq!(groups(&organization, json!({"_claim_names": {"other": "s"}})), Err(MissingClaim), "{path}");
    }
}

fn requirement(claim: &str, any_of: &[&str]) -> Requirement {
    Requirement { claim: ClaimPath::parse(claim), any_of: any_of.iter().map(|&value| value.to_owned()).collect() }
}

fn reason(organization: &Organization, edits: Value) -> Option<Reason> {
    claimant(organization, edits).err()
}

fn groups(organization: &Organization, edits: Value) -> Result<Vec<&'static str>, Reason> {
    claimant(organization, edits).unwrap().groups
}
