//! One fault a row: the whole document and its top-level options.

use serde_json::{Value, json};

use super::super::{Fault, MAX_DOCUMENT, from_json};
use super::connections::at;
use super::{base, change, changed, faults, policy, refused, shown};

#[test]
fn the_base_of_these_tests_has_no_fault() {
    policy(&base());
}

#[test]
fn a_document_that_is_no_json_is_one_fault_of_the_file() {
    for (document, message) in [
        (&b"{"[..], "not JSON"),
        (b"", "not JSON"),
        (br#"{"version":1,"version":1,"parents":[]}"#, "duplicate member `version`"),
        (b"\xff", "not JSON"),
        (b"[]", "expected fields"),
        (b"null", "expected fields"),
    ] {
        let faults = from_json(document).unwrap_err();
        assert_eq!((faults.len(), faults[0].path.as_str()), (1, ""), "{}", shown(&faults));
        assert!(faults[0].message.contains(message), "{}", shown(&faults));
        assert_eq!(faults[0].to_string(), faults[0].message);
    }
    let long = vec![b' '; MAX_DOCUMENT + 1];
    assert!(from_json(&long).unwrap_err()[0].message.contains("at most"));
}

#[test]
fn every_fault_is_found_at_once() {
    let mut document = base();
    for (pointer, value) in [
        ("/version", json!(2)),
        ("/bogus", json!(1)),
        ("/parents/0/plan", json!("gold")),
        ("/parents/0/domains/0", json!("gmail.com")),
        ("/parents/0/connections/0/issuer", json!(null)),
        ("/parents/0/connections/0/clock_skew", json!("1h")),
        ("/parents/0/connections/0/jwks/cluster", json!(null)),
        ("/parents/0/organizations/0/product", json!("cloud")),
        ("/parents/0/organizations/0/hosts/0", json!("https://x")),
        ("/parents/0/organizations/0/provisioning/group_mappings/roles/0/rol", json!("x")),
        ("/parents/0/organizations/0/seats", json!({"when_full": "maybe"})),
        ("/sessions", json!({"offline": "keep"})),
        ("/unmatched", json!("drop")),
    ] {
        change(&mut document, pointer, value);
    }
    let mut paths: Vec<String> = faults(&document).into_iter().map(|fault| fault.path).collect();
    paths.sort();
    assert_eq!(
        paths,
        [
            "bogus",
            "parents[0].connections[0].clock_skew",
            "parents[0].connections[0].issuer",
            "parents[0].connections[0].jwks.cluster",
            "parents[0].domains[0]",
            "parents[0].organizations[0].hosts[0]",
            "parents[0].organizations[0].product",
            "parents[0].organizations[0].provisioning.group_mappings.roles[0].rol",
            "parents[0].organizations[0].seats.when_full",
            "parents[0].plan",
            "sessions.offline",
            "unmatched",
            "version",
        ]
    );
}

#[test]
fn unknown_fields_are_refused_at_every_level_with_what_was_meant() {
    let o = "/parents/0/organizations/0";
    refused(vec![
        ("/enforcment", json!("enforce"), "enforcment", "did you mean `enforcement`?"),
        ("/parents/0/organisations", json!([]), "parents[0].organisations", "did you mean `organizations`?"),
        ("/parents/0/x", json!(1), "parents[0].x", "known here: `id`, `plan`"),
        ("/parents/0/a b", json!(1), "parents[0][\"a b\"]", "unknown field `a b`"),
        (&at("audience"), json!("x"), "parents[0].connections[0].audience", "did you mean `audiences`?"),
        (&at("jwks/url"), json!("x"), "parents[0].connections[0].jwks.url", "did you mean `uri`?"),
        (&format!("{o}/host"), json!("x"), "parents[0].organizations[0].host", "did you mean `hosts`?"),
        (
            &format!("{o}/provisioning/group_mapping"),
            json!({}),
            "parents[0].organizations[0].provisioning.group_mapping",
            "did you mean `group_mappings`?",
        ),
    ]);
    for (pointer, value, path) in [
        ("/store", json!({"x": 1}), "store.x"),
        ("/credentials", json!({"x": 1}), "credentials.x"),
        ("/credentials", json!({"sources": [{"cookie": "a", "x": 1}]}), "credentials.sources[0].x"),
        ("/sessions", json!({"x": 1}), "sessions.x"),
        ("/sessions", json!({"offline": {"keep": "1m", "x": 1}}), "sessions.offline.x"),
        ("/denial_pages", json!({"x": 1}), "denial_pages.x"),
        ("/headers", json!({"x": 1}), "headers.x"),
        ("/products", json!({"p": {"roles": ["a"], "x": 1}}), "products.p.x"),
        ("/admin_tokens", json!([{"name": "a", "token_env": "A", "x": 1}]), "admin_tokens[0].x"),
        ("/parents/0/directory", json!({"x": 1}), "parents[0].directory.x"),
        (&at("claims"), json!({"x": "y"}), "parents[0].connections[0].claims.x"),
        (&at("assignment"), json!({"claim": "a", "any_of": "b", "x": 1}), "parents[0].connections[0].assignment.x"),
        (&format!("{o}/guards"), json!({"x": 1}), "parents[0].organizations[0].guards.x"),
        (
            &format!("{o}/guards"),
            json!({"max_removals": {"x": 1}}),
            "parents[0].organizations[0].guards.max_removals.x",
        ),
        (&format!("{o}/seats"), json!({"x": 1}), "parents[0].organizations[0].seats.x"),
        (
            &format!("{o}/access"),
            json!([{"path": "/a", "roles": ["user"], "x": 1}]),
            "parents[0].organizations[0].access[0].x",
        ),
        (&format!("{o}/bypass"), json!([{"path": "/a", "x": 1}]), "parents[0].organizations[0].bypass[0].x"),
        (
            &format!("{o}/primary_owner"),
            json!({"email": "ada@acme.example", "x": 1}),
            "parents[0].organizations[0].primary_owner.x",
        ),
    ] {
        refused(vec![(pointer, value, path, "unknown field `x`")]);
    }
}

#[test]
fn required_fields_are_asked_for_with_an_example() {
    for (pointer, path) in [
        ("/version", "version"),
        ("/parents", "parents"),
        ("/parents/0/id", "parents[0].id"),
        ("/parents/0/plan", "parents[0].plan"),
        ("/parents/0/domains", "parents[0].domains"),
        ("/parents/0/connections", "parents[0].connections"),
        ("/parents/0/connections/0/id", "parents[0].connections[0].id"),
        ("/parents/0/connections/0/issuer", "parents[0].connections[0].issuer"),
        ("/parents/0/connections/0/audiences", "parents[0].connections[0].audiences"),
        ("/parents/0/connections/0/jwks", "parents[0].connections[0].jwks"),
        ("/parents/0/connections/0/jwks/cluster", "parents[0].connections[0].jwks.cluster"),
        ("/parents/0/organizations/0/id", "parents[0].organizations[0].id"),
        ("/parents/0/organizations/0/product", "parents[0].organizations[0].product"),
        ("/parents/0/organizations/0/hosts", "parents[0].organizations[0].hosts"),
        (
            "/parents/0/organizations/0/provisioning/group_mappings/roles",
            "parents[0].organizations[0].provisioning.group_mappings.roles",
        ),
    ] {
        refused(vec![(pointer, Value::Null, path, "missing. Write")]);
    }
}

#[test]
fn a_value_of_the_wrong_kind_is_named() {
    let mut empty = base();
    empty["parents"][0]["plan"] = Value::Null;
    assert_eq!(
        faults(&empty),
        [Fault { path: "parents[0].plan".into(), line: None, message: "expected text, found nothing (null)".into() }]
    );
    refused(vec![
        ("/parents/0/id", json!(12), "parents[0].id", "expected text, found a number: put it in quotes"),
        ("/parents/0/id", json!(["a"]), "parents[0].id", "expected text, found a list"),
        ("/parents/0/id", json!(""), "parents[0].id", "empty text"),
        ("/parents/0/id", json!("a\nb"), "parents[0].id", "control character"),
        ("/parents/0/id", json!("a b"), "parents[0].id", "is not a valid name"),
        ("/parents/0/id", json!(".."), "parents[0].id", "is not a valid name"),
        ("/parents/0/id", json!("x".repeat(65)), "parents[0].id", "1 to 64 letters"),
        ("/parents/0/id", json!("x".repeat(2000)), "parents[0].id", "at most 1024"),
        ("/parents/0/domains", json!("acme.example"), "parents[0].domains", "expected a list, found text"),
        ("/parents", json!({}), "parents", "expected a list, found fields"),
        ("/parents/0", json!("acme"), "parents[0]", "expected fields"),
        ("/version", json!("1"), "version", "Write `version: 1`"),
        ("/credentials", json!({"forward": "yes"}), "credentials.forward", "expected `true` or `false`, found text"),
        (
            "/parents/0/directory",
            json!({"patch_response": "none"}),
            "parents[0].directory.patch_response",
            "`none` is neither `resource` nor `no_content`",
        ),
    ]);
}

#[test]
fn a_host_has_up_to_253_bytes_and_a_label_63() {
    let hosts = |host: &str| changed("/parents/0/organizations/0/hosts", json!([host]));
    let label = "h".repeat(63);
    let longest = format!("{label}.{label}.{label}.{}", "h".repeat(61));
    policy(&hosts(&longest));
    for bad in [format!("{longest}h"), format!("{label}h.example")] {
        assert!(faults(&hosts(&bad))[0].message.contains("labels of letters"), "{bad}");
    }
}

#[test]
fn a_fault_that_was_told_is_never_forgotten() {
    let told = crate::read(&json!({}), &|_| None, |node| {
        let _told = node.fault("wrong".to_owned());
        Ok(())
    });
    assert_eq!(told.unwrap_err().len(), 1);
}

#[test]
fn top_level_options_are_checked_field_by_field() {
    let sources = |source: Value| json!({"sources": [source]});
    refused(vec![
        ("/enforcement", json!("on"), "enforcement", "Write `enforce`, `shadow`"),
        ("/unmatched", json!("allow"), "unmatched", "Write `deny`, `pass`"),
        ("/store", json!({"timeout": 500}), "store.timeout", "`500s` or `500ms`"),
        ("/store", json!({"token_env": "a secret!"}), "store.token_env", "never the secret itself"),
        ("/store", json!({"token_env": "1A"}), "store.token_env", "environment variable name"),
        ("/store", json!({"token_env": "USHER_ADMIN_TOKEN"}), "store.token_env", "the administrator's"),
        ("/credentials", json!({"sources": []}), "credentials.sources", "must not be empty"),
        ("/credentials", sources(json!("bearer")), "credentials.sources[0]", "Write `authorization`, `{cookie: NAME}`"),
        ("/credentials", sources(json!(1)), "credentials.sources[0]", "Write `authorization`"),
        ("/credentials", sources(json!({})), "credentials.sources[0]", "one source per entry"),
        (
            "/credentials",
            sources(json!({"cookie": "a", "header": "b"})),
            "credentials.sources[0]",
            "one source per entry",
        ),
        ("/credentials", sources(json!({"cookie": "a b"})), "credentials.sources[0].cookie", "not a cookie name"),
        ("/credentials", sources(json!({"header": ":path"})), "credentials.sources[0].header", "not a header name"),
        (
            "/credentials",
            sources(json!({"header": "Authorization"})),
            "credentials.sources[0].header",
            "write `authorization`",
        ),
        (
            "/credentials",
            sources(json!({"header": "cookie"})),
            "credentials.sources[0].header",
            "has a meaning in HTTP",
        ),
        ("/credentials", sources(json!({"header": "x_usher_role"})), "credentials.sources[0].header", "are dropped"),
        (
            "/credentials",
            sources(json!({"header": "x-forwarded-user"})),
            "credentials.sources[0].header",
            "the proxy's own",
        ),
        (
            "/credentials",
            json!({"sources": ["authorization", "authorization"]}),
            "credentials.sources[1]",
            "is repeated",
        ),
        ("/sessions", json!({"capacity": 0}), "sessions.capacity", "from 1 to 1000000, found `0`"),
        ("/sessions", json!({"capacity": 1.5}), "sessions.capacity", "found `1.5`"),
        ("/audit", json!({"retention": "23h"}), "audit.retention", "from `1d` to `3660d`"),
        ("/sessions", json!({"max_staleness": "2h"}), "sessions.max_staleness", "from `100ms` to `1h`"),
        ("/sessions", json!({"max_staleness": "0s"}), "sessions.max_staleness", "from `100ms` to `1h`"),
        ("/sessions", json!({"offline": "allow"}), "sessions.offline", "`{keep: 15m}`"),
        ("/sessions", json!({"offline": {}}), "sessions.offline.keep", "missing"),
        ("/sessions", json!({"offline": {"keep": "2d"}}), "sessions.offline.keep", "from `100ms` to `1d`"),
        ("/denial_pages", json!("it@acme.example"), "denial_pages", "expected fields"),
        ("/denial_pages", json!({"contact": ""}), "denial_pages.contact", "empty text"),
        ("/denial_pages", json!({"contact": "a\nb"}), "denial_pages.contact", "control character"),
        ("/denial_pages", json!({"contact": "x".repeat(201)}), "denial_pages.contact", "at most 200"),
        ("/denial_pages", json!({"texts": {}}), "denial_pages.texts", "must not be empty"),
        ("/denial_pages", json!({"texts": {"nl": {"expired": "x"}}}), "denial_pages.texts.nl", "`fr` or `ja`"),
        ("/denial_pages", json!({"texts": {"DE": {"expired": "x"}}}), "denial_pages.texts.DE", "unknown language"),
        ("/denial_pages", json!({"texts": {"de": {}}}), "denial_pages.texts.de", "must not be empty"),
        ("/denial_pages", json!({"texts": {"de": {"late": "x"}}}), "denial_pages.texts.de.late", "unknown reason"),
        ("/denial_pages", json!({"texts": {"de": {"expired": 1}}}), "denial_pages.texts.de.expired", "expected text"),
        (
            "/denial_pages",
            json!({"texts": {"de": {"expired": "x".repeat(1001)}}}),
            "denial_pages.texts.de.expired",
            "at most 1000",
        ),
        ("/headers", json!({"role": "host"}), "headers.role", "has a meaning in HTTP"),
        ("/headers", json!({"role": "transfer-encoding"}), "headers.role", "has a meaning in HTTP"),
        ("/headers", json!({"role": "authorization"}), "headers.role", "has a meaning in HTTP"),
        ("/headers", json!({"role": "X-Envoy-Role"}), "headers.role", "`x-envoy-…`"),
        ("/headers", json!({"role": "x-forwarded-role"}), "headers.role", "`x-forwarded-…`"),
        ("/headers", json!({"role": ":authority"}), "headers.role", "not a header name"),
        ("/headers", json!({"role": "x_role"}), "headers.role", "write `x-role`"),
        ("/headers", json!({"role": "x-usher-reason"}), "headers.role", "reserved for the reason"),
        ("/headers", json!({"role": "x-a", "email": "X-A"}), "headers.role", "is repeated"),
        ("/headers", json!({"role": "x-usher-email"}), "headers", "two values would be in `x-usher-email`"),
        ("/products", json!({"p": {}}), "products.p.roles", "missing"),
        ("/products", json!({"p": {"roles": []}}), "products.p.roles", "must not be empty"),
        ("/products", json!({"p": {"roles": ["a", "a"]}}), "products.p.roles[1]", "is repeated"),
        (
            "/products",
            json!({"p": {"roles": ["a"], "default_role": "b"}}),
            "products.p.default_role",
            "`roles` has `a`",
        ),
        (
            "/products",
            json!({"p": {"roles": ["a"], "seat_tiers": ["none"]}}),
            "products.p.seat_tiers",
            "`seats.default`",
        ),
        ("/products", json!({"p q": {"roles": ["a"]}}), "products[\"p q\"]", "is not a valid name"),
        ("/admin_tokens", json!([{"name": "a"}]), "admin_tokens[0].token_env", "missing"),
        (
            "/admin_tokens",
            json!([{"name": "a", "token_env": "A", "parents": ["x"]}]),
            "admin_tokens[0].parents[0]",
            "unknown parent `x`",
        ),
        (
            "/admin_tokens",
            json!([{"name": "a", "token_env": "A", "parents": []}]),
            "admin_tokens[0].parents",
            "must not be empty",
        ),
    ]);
    let mut document = changed("/credentials", sources(json!({"header": "x-assertion"})));
    change(&mut document, "/headers", json!({"role": "x-assertion"}));
    assert_eq!(faults(&document)[0].path, "headers.role");
}
