//! Tokens: each kind opens its own routes and nothing else.

use std::num::NonZeroU32;
use std::sync::Arc;

use serde_json::json;
use usher_store::Secrets;

use crate::suite::database::Database;
use crate::suite::harness::{
    ACME_ADMIN, ADMIN, FILTER, NEW_YEAR, POLICY, SCIM, Store, config, ensure, id, login, policy, variable,
};

const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

#[test]
fn a_token_of_one_kind_opens_nothing_of_another() {
    let store = Store::start();
    let member = format!("/v1/organizations/manual/members/{NOBODY}");
    let routes = [
        ("POST", "/v1/organizations/jit/logins", FILTER),
        ("GET", "/v1/organizations/manual/members", ADMIN),
        ("POST", "/v1/organizations/manual/members", ADMIN),
        ("GET", &member, ADMIN),
        ("PATCH", &member, ADMIN),
        ("DELETE", &member, ADMIN),
        ("GET", "/v1/organizations/manual/seats", ADMIN),
        ("GET", "/v1/changes", FILTER),
    ];
    for (method, path, right) in routes {
        for token in [FILTER, ADMIN, ACME_ADMIN, SCIM, "", "wrong-token-0123456789", "dmin-token-0123456789"] {
            let opens = token == right || (token == ACME_ADMIN && right == ADMIN);
            let body = matches!(method, "POST" | "PATCH").then(|| json!({}));
            let reply = store.call(method, path, token, body.as_ref());
            assert_eq!(reply.status != 401, opens, "{method} {path} {token}: {}", reply.text);
            if !opens {
                reply.is_problem(401, "unauthorized");
                assert_eq!(reply.header("www-authenticate"), "Bearer");
            }
        }
    }
}

#[test]
fn only_one_whole_bearer_credential_counts() {
    let store = Store::start();
    let path = "/v1/organizations/manual/seats";
    let status = |values: &[&str]| {
        let headers: Vec<_> = values.iter().map(|value| ("authorization", (*value).to_owned())).collect();
        store.send("GET", path, &headers, None).status
    };
    let bearer = format!("Bearer {ADMIN}");
    assert_eq!(status(&[&bearer]), 200);
    assert_eq!(status(&[&format!("bEARER   {ADMIN} ")]), 200);
    for wrong in [
        vec![],
        vec![bearer.as_str(), bearer.as_str()],
        vec![ADMIN],
        vec!["Bearer"],
        vec!["Bearer "],
        vec!["Basic YWRtaW46YWRtaW4="],
        vec![&format!("Bearer{ADMIN}")],
        vec![&format!("Bearer {ADMIN},Bearer {ADMIN}")],
        vec![&format!("Bearer {ADMIN} x")],
    ] {
        assert_eq!(status(&wrong), 401, "{wrong:?}");
    }
}

#[test]
fn a_scoped_administrator_sees_only_their_parents() {
    let store = Store::start();
    let bob = json!({
        "connection": "entra", "issuer": "https://globex.entra.example", "subject": "bob", "email": "bob@globex.example",
        "issued_at": 1, "plan": ensure(),
    });
    let (answer, bob) = store.answer("globex-console", &bob);
    assert_eq!(answer, "member");
    assert_eq!(bob["seat_tier"], json!(null), "a product without tiers needs no seat");
    let member = format!("/v1/organizations/globex-console/members/{}", id(&bob));
    for (method, path) in [
        ("GET", "/v1/organizations/globex-console/members"),
        ("GET", "/v1/organizations/globex-console/seats"),
        ("GET", &member),
        ("DELETE", &member),
    ] {
        store.call(method, path, ACME_ADMIN, None).is_problem(404, "organization_not_found");
        store
            .call("GET", "/v1/organizations/nowhere/seats", ACME_ADMIN, None)
            .is_problem(404, "organization_not_found");
    }
    assert_eq!(store.call("GET", &member, ADMIN, None).status, 200);
    assert_eq!(store.call("GET", "/v1/organizations/jit/seats", ACME_ADMIN, None).status, 200);
}

#[test]
fn nothing_is_told_before_the_token_is_known() {
    let store = Store::start();
    for path in ["/v1/organizations/nowhere/logins", "/v1/organizations/jit/logins"] {
        store.send("POST", path, &[], Some(("text/plain", b"x".to_vec()))).is_problem(401, "unauthorized");
    }
    store
        .call("POST", "/v1/organizations/nowhere/logins", FILTER, Some(&login("bea", 1, ensure())))
        .is_problem(404, "organization_not_found");
}

#[test]
fn while_a_token_is_rotated_the_new_and_the_old_one_open_the_same_and_nothing_else() {
    let rotated = |name: &str| match name {
        "USHER_STORE_TOKEN_PREVIOUS" => Some("old-filter-token-0123456789".to_owned()),
        "ROOT_TOKEN_PREVIOUS" => Some("old-admin-token-0123456789".to_owned()),
        "ACME_SCIM_TOKEN_PREVIOUS" => Some("old-scim-token-0123456789".to_owned()),
        // Left over and empty: as good as not set.
        "ACME_ADMIN_TOKEN_PREVIOUS" => Some(String::new()),
        name => variable(name),
    };
    let database = Arc::new(Database::new());
    let mut config = config(&database.address(), POLICY);
    config.secrets = Secrets::from_env(&policy(POLICY), rotated).unwrap();
    let store = Store::start_with(config, database, NEW_YEAR);
    let opens = |method: &str, path: &str, token: &str| store.call(method, path, token, None).status != 401;
    let (seats, changes, users) = ("/v1/organizations/manual/seats", "/v1/changes", "/scim/v2/acme/Users");
    for (token, of) in [
        (FILTER, changes),
        ("old-filter-token-0123456789", changes),
        (ADMIN, seats),
        ("old-admin-token-0123456789", seats),
        (SCIM, users),
        ("old-scim-token-0123456789", users),
        ("older-filter-token-0123456789", ""),
        ("", ""),
    ] {
        for path in [changes, seats, users] {
            assert_eq!(opens("GET", path, token), path == of, "{path} {token}");
        }
    }
}

#[test]
fn a_token_that_asks_too_often_is_told_to_wait_and_nobody_else_is() {
    let database = Arc::new(Database::new());
    let mut config = config(&database.address(), POLICY);
    config.max_rate = NonZeroU32::new(1);
    let store = Store::start_with(config, database, NEW_YEAR);
    for (token, path) in [(ADMIN, "/v1/organizations/manual/seats"), (ACME_ADMIN, "/v1/organizations/manual/members")] {
        // Whoever is last had no burst of another's left.
        assert_eq!(store.call("GET", path, token, None).status, 200);
        let refused = (0..50).map(|_| store.call("GET", path, token, None)).find(|reply| reply.status != 200);
        let refused = refused.expect("one request a second is soon too few");
        refused.is_problem(429, "too_many_requests");
        assert_eq!(refused.header("retry-after"), "1");
    }
    let scim = (0..50).map(|_| store.call("GET", "/scim/v2/acme/Users", SCIM, None)).find(|reply| reply.status != 200);
    let scim = scim.expect("a directory is held to it too");
    assert_eq!((scim.status, &scim.json["status"]), (429, &json!("429")), "{}", scim.text);
    // Whom the filter is refused cannot log in; and without a token nothing is counted.
    for number in 0..20 {
        assert_eq!(store.login("jit", &login(&format!("p{number}"), 1, ensure())).status, 200);
    }
    assert!((0..20).all(|_| store.call("GET", "/v1/changes", "wrong-token-0123456789", None).status == 401));
}
