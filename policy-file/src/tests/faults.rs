//! One fault a row: the whole document, connections, top-level options.

use serde_json::{Value, json};

use super::super::{Fault, MAX_DOCUMENT, from_json};
use super::{base, change, changed, faults, policy, refused, shown, taken};

const C: &str = "/parents/0/connections/0";

fn at(pointer: &str) -> String {
    format!("{C}/{pointer}")
}

fn refused_in_connection(rows: Vec<(&str, Value, &str, &str)>) {
    for (pointer, value, path, message) in rows {
        refused(vec![(&at(pointer), value, &format!("parents[0].connections[0].{path}"), message)]);
    }
}

/// The public key of RFC 8037, A.2.
fn inline_keys() -> Value {
    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "k"}]})
}

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
fn connections_are_checked_field_by_field() {
    refused_in_connection(vec![
        ("issuer", json!(""), "issuer", "empty"),
        ("issuer", json!("x".repeat(2049)), "issuer", "at most 2048"),
        ("audiences", json!([]), "audiences", "must not be empty"),
        ("audiences", json!(["usher", "usher"]), "audiences[1]", "already in `parents[0].connections[0]`"),
        ("algorithms", json!(["HS256"]), "algorithms[0]", "`HS256` is refused: whoever can check an HMAC"),
        ("algorithms", json!(["none"]), "algorithms[0]", "without a signature proves nothing"),
        ("algorithms", json!(["ES512"]), "algorithms[0]", "unknown algorithm `ES512`. Write some of `RS256`"),
        ("algorithms", json!(["rs256"]), "algorithms[0]", "unknown algorithm"),
        ("algorithms", json!(["RS256", "RS256"]), "algorithms[1]", "is repeated"),
        ("algorithms", json!([]), "algorithms", "must not be empty"),
        ("email", json!("sure"), "email", "Write `verified`, `trusted`"),
        ("require", json!({}), "require", "must not be empty"),
        ("require", json!({"hd": []}), "require.hd", "must not be empty"),
        ("require", json!({"hd": [1]}), "require.hd[0]", "expected text"),
        ("require", json!({"/a~b": "x"}), "require[\"/a~b\"]", "JSON pointer"),
        ("require", json!({"": "x"}), "require[\"\"]", "1 to 256 bytes"),
        ("require", json!({"a\tb": "x"}), "require[\"a\\tb\"]", "without control characters"),
        ("claims", json!({"groups": "/a~"}), "claims.groups", "JSON pointer"),
        ("claims", json!({"groups": ""}), "claims.groups", "empty"),
        ("assignment", json!({"claim": "roles"}), "assignment.any_of", "missing. Write for example `any_of: [usher]`"),
        ("domains", json!(["other.example"]), "domains[0]", "not in the parent's `domains`, which are `acme.example`"),
        ("domains", json!(["acme.test", "ACME.test"]), "domains[1]", "is repeated"),
        ("scim_match", json!("external_id"), "scim_match", "claims: {external_id: oid}"),
        ("scim_match", json!("name"), "scim_match", "unknown `scim_match` value `name`. Write `email`, `external_id`"),
        ("clock_skew", json!("11m"), "clock_skew", "from `0s` to `10m`"),
        ("clock_skew", json!("1500ms"), "clock_skew", "fraction of a second"),
        ("clock_skew", json!(60), "clock_skew", "has no unit. Write `60s`"),
        ("clock_skew", json!("60"), "clock_skew", "is not a duration"),
        ("clock_skew", json!("one minute"), "clock_skew", "`500ms`, `60s`, `15m`, `12h` or `7d`"),
    ]);
}

#[test]
fn a_claim_has_up_to_256_bytes() {
    let required = |name: &str| changed(&at("require"), json!({name: "x"}));
    let longest = "c".repeat(256);
    policy(&required(&longest));
    assert!(faults(&required(&format!("{longest}c")))[0].message.contains("1 to 256 bytes"));
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
fn keys_may_stay_just_until_they_are_fetched_again() {
    let mut document = changed(&at("jwks/refresh"), json!("1h"));
    change(&mut document, &at("jwks/max_stale"), json!("1h"));
    policy(&document);
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
fn keys_come_from_one_place_that_can_be_trusted() {
    let mut with_private_part = inline_keys();
    with_private_part["keys"][0]["d"] = json!("AA");
    let remote = |uri: &str| json!({"uri": uri, "cluster": "idp"});
    refused_in_connection(vec![
        ("jwks", json!({}), "jwks", "names no keys"),
        ("jwks", json!({"uri": "https://a/", "cluster": "b", "inline": {"keys": []}}), "jwks.inline", "either `uri`"),
        ("jwks", json!({"inline": {"keys": 1}}), "jwks.inline", "an array `keys` is needed"),
        ("jwks", json!({"inline": {"keys": []}}), "jwks.inline", "no usable key"),
        (
            "jwks",
            json!({"inline": {"keys": [{"kty": "oct", "k": "AA"}]}}),
            "jwks.inline",
            "secrets are never in this file",
        ),
        ("jwks", json!({"inline": with_private_part}), "jwks.inline", "Write only the public part"),
        ("jwks", json!({"inline": inline_keys(), "refresh": "1m"}), "jwks.refresh", "Omit it with `inline`"),
        ("jwks", remote("http://idp.acme.example/keys"), "jwks.uri", "`insecure: true`"),
        ("jwks", remote("http://127.0.0.1.acme.example/keys"), "jwks.uri", "`insecure: true`"),
        ("jwks", remote("idp.acme.example/keys"), "jwks.uri", "write it in full"),
        ("jwks", remote("https://u:p@idp.acme.example/"), "jwks.uri", "without user and password"),
        ("jwks/cluster", json!("a b"), "jwks.cluster", "visible ASCII"),
        ("jwks/timeout", json!("0ms"), "jwks.timeout", "from `1ms` to `1m`"),
        ("jwks/min_interval", json!("1ms"), "jwks.min_interval", "from `100ms` to `1h`"),
        ("jwks/refresh", json!("8d"), "jwks.refresh", "from `1s` to `7d`"),
        ("jwks/max_stale", json!("1m"), "jwks.max_stale", "shorter than `refresh`"),
        ("jwks/insecure", json!(1), "jwks.insecure", "expected `true` or `false`"),
    ]);
    taken(vec![(&at("jwks"), json!({"inline": inline_keys()}))]);
    for uri in ["http://localhost/k", "http://127.0.0.1:9000/k", "http://[::1]/k"] {
        taken(vec![(&at("jwks"), remote(uri))]);
    }
    taken(vec![(&at("jwks"), json!({"uri": "http://idp.acme.example/keys", "cluster": "idp", "insecure": true}))]);
}

#[test]
fn a_shared_issuer_must_be_pinned() {
    for issuer in ["https://accounts.google.com", "https://login.microsoftonline.com/common/v2.0"] {
        let mut document = changed(&at("issuer"), json!(issuer));
        let found = faults(&document);
        assert_eq!(found.len(), 1, "{}", shown(&found));
        assert_eq!(found[0].path, "parents[0].connections[0].require");
        assert!(found[0].message.contains("`require: {"), "{}", found[0]);
        change(&mut document, &at("require"), json!({"hd": "acme.example"}));
        policy(&document);
    }
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
