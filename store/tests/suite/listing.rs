//! Listing: pages that neither lose nor repeat anyone, and filters.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::suite::harness::{ADMIN, Store, assign, id, login, members_path};

#[test]
fn pages_meet_everyone_once_while_members_go() {
    let store = Store::start();
    for n in 0..25 {
        store.clock.advance(1);
        assert_eq!(store.add("manual", &json!({"email": format!("m{n:02}@acme.example")})).status, 201);
    }
    let mut seen = Vec::new();
    let mut query = "?limit=4".to_owned();
    loop {
        let page = store.list("manual", &query);
        let members = page["members"].as_array().unwrap();
        assert!(members.len() <= 4);
        seen.extend(members.iter().map(|member| member["email"].as_str().unwrap().to_owned()));
        // Now and then the member that the cursor came from goes.
        if seen.len() % 8 == 4 {
            assert_eq!(store.remove("manual", &id(members.last().unwrap())).status, 204);
        }
        match page["next"].as_str() {
            Some(next) => {
                assert!(next.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{next}");
                query = format!("?limit=4&cursor={next}");
            }
            None => break,
        }
    }
    let expected: Vec<String> = (0..25).map(|n| format!("m{n:02}@acme.example")).collect();
    assert_eq!(seen, expected);
}

#[test]
fn a_full_last_page_has_no_next() {
    let store = Store::start();
    assert_eq!(store.list("manual", ""), json!({"members": [], "next": null}));
    for n in 0..4 {
        store.add("manual", &json!({"email": format!("m{n}@acme.example")}));
    }
    assert_eq!(store.list("manual", "?limit=4")["next"], Value::Null);
    assert_eq!(store.list("manual", "?limit=3")["members"].as_array().unwrap().len(), 3);
    assert!(store.list("manual", "?limit=3")["next"].is_string());
}

#[test]
fn filters_must_all_hold() {
    let store = Store::start();
    for (name, role) in [("a", "admin"), ("b", "user"), ("c", "user")] {
        store.add("manual", &json!({"email": format!("{name}@acme.example"), "role": role}));
    }
    let b = id(&store.list("manual", "?email=b@acme.example")["members"][0]);
    store.edit("manual", &b, &json!({"status": "suspended"}));
    let names = |query: &str| -> BTreeSet<String> {
        store.emails("manual", query).iter().map(|email| email.split('@').next().unwrap().to_owned()).collect()
    };
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(names("?role=user"), set(&["b", "c"]));
    assert_eq!(names("?status=active"), set(&["a", "c"]));
    assert_eq!(names("?status=suspended"), set(&["b"]));
    assert_eq!(names("?role=user&status=active"), set(&["c"]));
    assert_eq!(names("?email=A@ACME.example"), set(&["a"]));
    assert_eq!(names("?email=a@acme.example&role=user"), set(&[]));
}

#[test]
fn a_filter_that_is_not_understood_is_an_error_not_an_unfiltered_list() {
    let store = Store::start();
    for (query, code) in [
        ("?limit=0", "invalid_request"),
        ("?limit=501", "invalid_request"),
        ("?limit=-1", "invalid_request"),
        ("?limit=many", "invalid_request"),
        ("?limit=1&limit=2", "invalid_request"),
        ("?cursor=", "invalid_request"),
        ("?cursor=x", "invalid_request"),
        ("?cursor=%00", "invalid_request"),
        ("?status=gone", "invalid_request"),
        ("?email=nobody", "invalid_request"),
        ("?rolle=user", "invalid_request"),
        ("?role=root", "unknown_role"),
    ] {
        let reply = store.call("GET", &format!("{}{query}", members_path("manual")), ADMIN, None);
        assert_eq!((reply.status, reply.json["code"].as_str()), (400, Some(code)), "{query}: {}", reply.text);
    }
    assert_eq!(store.list("manual", "?limit=500")["members"], json!([]));
}

#[test]
fn members_of_one_organization_are_nobodys_in_another() {
    let store = Store::start();
    let (_, bea) = store.answer("mapped", &login("bea", 1, assign("user")));
    store.add("manual", &json!({"email": "bea@acme.example"}));
    assert_eq!(store.emails("mapped", ""), ["bea@acme.example"]);
    store.member("manual", &id(&bea)).is_problem(404, "member_not_found");
    store.remove("manual", &id(&bea)).is_problem(404, "member_not_found");
    assert_eq!(store.member("mapped", &id(&bea)).status, 200);
}
