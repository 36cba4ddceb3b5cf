//! Errors: each has its status and its code, and says nothing of what is inside.

use crate::suite::harness::{ADMIN, FILTER, Store, ensure, login};

fn bearer(token: &str) -> [(&'static str, String); 1] {
    [("authorization", format!("Bearer {token}"))]
}

#[test]
fn paths_and_methods_that_are_not_there() {
    let store = Store::start();
    for path in ["/", "/v1", "/v1/organizations/jit", "/v1/organizations/jit/members/", "/%ff"] {
        store.call("GET", path, ADMIN, None).is_problem(404, "not_found");
    }
    let reply = store.call("GET", "/v1/organizations/jit/logins", FILTER, None);
    reply.is_problem(405, "method_not_allowed");
    assert_eq!(reply.header("allow"), "POST");
    store.call("GET", "/v1/organizations/jit/members/%ff", ADMIN, None).is_problem(404, "organization_not_found");
    store.call("GET", "/v1/organizations/jit/members/%2e%2e", ADMIN, None).is_problem(404, "member_not_found");
}

#[test]
fn bodies_must_be_json_of_a_bounded_length() {
    let store = Store::start();
    let path = "/v1/organizations/jit/logins";
    let send = |kind: &str, body: &[u8]| store.send("POST", path, &bearer(FILTER), Some((kind, body.to_vec())));
    let good = login("bea", 1, ensure()).to_string();
    for kind in ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx", "application/problem+json"]
    {
        send(kind, good.as_bytes()).is_problem(415, "unsupported_media_type");
    }
    for body in [&b""[..], b"{", b"null", b"[]", b"\xff\xfe", b"{\"plan\":1,\"plan\":2}"] {
        send("application/json", body).is_problem(400, "invalid_request");
    }
    let padded = |length: usize| good.clone() + &" ".repeat(length - good.len());
    send("application/json", padded(64 * 1024 + 1).as_bytes()).is_problem(413, "body_too_large");
    assert_eq!(send("Application/JSON; charset=utf-8", padded(64 * 1024).as_bytes()).status, 200);
}

#[test]
fn duplicate_members_of_a_body_are_refused() {
    let store = Store::start();
    let body = br#"{"email":"bea@acme.example","email":"eve@acme.example"}"#.to_vec();
    let reply =
        store.send("POST", "/v1/organizations/manual/members", &bearer(ADMIN), Some(("application/json", body)));
    reply.is_problem(400, "invalid_request");
}

#[test]
fn request_ids_are_echoed_when_decent_and_made_otherwise() {
    let store = Store::start();
    let echoed = |id: &str| {
        let reply = store.send("GET", "/nowhere", &[("x-request-id", id.to_owned())], None);
        reply.is_problem(404, "not_found");
        reply.header("x-request-id").to_owned()
    };
    assert_eq!(echoed("req-42/é".split('/').next().unwrap()), "req-42");
    for bad in [String::new(), "two words".to_owned(), "x".repeat(129)] {
        let made = echoed(&bad);
        assert!(made.len() == 36 && made != bad, "{made}");
    }
    let reply = store.send("GET", "/healthz", &[], None);
    assert_eq!(reply.header("x-request-id").len(), 36);
}
