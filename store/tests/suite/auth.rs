//! Tokens: each kind opens its own routes and nothing else.

use serde_json::json;

use crate::suite::harness::{ACME_ADMIN, ADMIN, FILTER, SCIM, Store, ensure, id, login};

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
