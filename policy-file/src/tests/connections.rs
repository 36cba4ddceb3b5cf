//! One fault a row: connections and where their keys come from.

use serde_json::{Value, json};

use super::{change, changed, faults, policy, refused, shown, taken};

const C: &str = "/parents/0/connections/0";

/// A pointer into the connection.
pub(super) fn at(pointer: &str) -> String {
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
fn keys_may_stay_just_until_they_are_fetched_again() {
    let mut document = changed(&at("jwks/refresh"), json!("1h"));
    change(&mut document, &at("jwks/max_stale"), json!("1h"));
    policy(&document);
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
