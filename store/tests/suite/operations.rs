//! Health, readiness and metrics.

use crate::suite::harness::{Store, ensure, login};

#[test]
fn health_and_readiness_need_no_token() {
    let store = Store::start();
    for path in ["/healthz", "/readyz"] {
        let reply = store.send("GET", path, &[], None);
        assert_eq!((reply.status, reply.text.as_str()), (200, "ok"), "{path}");
    }
}

#[test]
fn metrics_count_logins_requests_and_seats() {
    let store = Store::start();
    for n in 0..6 {
        store.login("five", &login(&format!("p{n}"), 1, ensure()));
    }
    store.send("GET", "/v1/organizations/five/members/some-one", &[], None);
    store.send("GET", "/made-up/by-a-stranger", &[], None);
    let reply = store.send("GET", "/metrics", &[], None);
    assert_eq!((reply.status, reply.header("content-type")), (200, "text/plain; version=0.0.4; charset=utf-8"));
    for line in [
        r#"usher_store_logins_total{organization="five",answer="member",preview="false"} 5"#,
        r#"usher_store_logins_total{organization="five",answer="pending",preview="false"} 1"#,
        r#"usher_store_seats_used{organization="five",seat_tier="premium"} 2"#,
        r#"usher_store_seats_cap{organization="five",seat_tier="standard"} 3"#,
        r#"usher_store_seats_used{organization="jit",seat_tier="standard"} 0"#,
        r#"usher_store_members_pending{organization="five"} 1"#,
        r#"usher_store_request_duration_seconds_count{route="/v1/organizations/{organization}/logins",status="200"} 6"#,
        r#"usher_store_request_duration_seconds_count{route="/v1/organizations/{organization}/members/{member}",status="401"} 1"#,
        r#"usher_store_request_duration_seconds_count{route="none",status="404"} 1"#,
    ] {
        assert!(reply.text.lines().any(|found| found == line), "{line} in\n{}", reply.text);
    }
    assert!(!reply.text.contains(r#"usher_store_seats_cap{organization="jit""#), "no limit, no cap");
    assert!(!reply.text.contains("stranger") && !reply.text.contains("some-one"), "labels are templates");
    assert!(!reply.text.contains("acme.example"), "no email in metrics");
}
