//! `usher render istio` and `usher render envoy-gateway`: what they cannot express, and what follows from flags.

use serde_json::{Value, json};

use crate::support::{Folder, Outcome, policy, usher};

const COMMON: &[&str] = &["--namespace", "edge", "--gateway", "edge"];
const WASM: &[&str] = &["--wasm", "oci://registry.example/usher:0.1.0"];
const STORE: &[&str] = &["--store", "usher-store.usher.svc.cluster.local:7070"];
const BOTH: [&str; 2] = ["istio", "envoy-gateway"];

fn render(target: &str, policy: &Value, more: &[&[&str]]) -> Outcome {
    let folder = Folder::new();
    let file = folder.file("usher.json", &policy.to_string());
    usher(&[&["render", target, &file], COMMON, &more.concat()].concat())
}

fn keys_at(uri: &str) -> Value {
    policy(&json!({"uri": uri, "cluster": "okta"}), &json!({}))
}

fn good() -> Value {
    keys_at("https://acme.okta.example/keys")
}

fn refused(outcome: &Outcome, words: &str) {
    assert!(outcome.code != 0 && outcome.stdout.is_empty() && outcome.stderr.contains(words), "{words}: {outcome:?}");
}

#[test]
fn what_a_gateway_in_a_cluster_cannot_reach_is_told_with_what_to_do() {
    for target in BOTH {
        let keys = render(target, &keys_at("http://127.0.0.1:8085/keys"), &[WASM, STORE]);
        refused(&keys, "connection `okta`: `jwks.uri` is http://127.0.0.1:8085/keys");
        refused(&keys, "jwks: {inline:");
        let store = render(target, &good(), &[WASM, &["--store", "localhost:7070"]]);
        refused(&store, "`--store` is localhost:7070");
    }
}

#[test]
fn istio_knows_servers_by_name() {
    refused(&render("istio", &keys_at("https://192.0.2.7/keys"), &[WASM, STORE]), "names the address 192.0.2.7");
    for store in ["10.0.0.7:7070", "usher-store:7070", "usher-store.usher.svc:7070"] {
        refused(&render("istio", &good(), &[WASM, &["--store", store]]), "by their full name");
    }
    assert_eq!(
        render("envoy-gateway", &keys_at("https://192.0.2.7/keys"), &[WASM, &["--store", "10.0.0.7:7070"]]).code,
        0
    );
}

#[test]
fn envoy_gateway_reads_no_file_and_has_one_cluster_for_each_name() {
    let file = ["--wasm", "file:///opt/usher.wasm"];
    refused(&render("envoy-gateway", &good(), &[&file, STORE]), "pulls the filter as an image or from a web server");
    assert_eq!(render("istio", &good(), &[&file, STORE]).code, 0);
    let mut twice = good();
    let second = json!({
        "id": "entra", "issuer": "https://entra.example", "audiences": ["usher"],
        "jwks": {"uri": "https://entra.example/keys", "cluster": "okta"},
    });
    twice["parents"][0]["connections"].as_array_mut().unwrap().push(second);
    twice["parents"][0]["organizations"][0]["primary_owner"] =
        json!({"email": "owner@acme.example", "connection": "okta"});
    refused(&render("envoy-gateway", &twice, &[WASM, STORE]), "cluster `okta` would be two things");
    // Istio names the clusters itself.
    let istio = render("istio", &twice, &[WASM, STORE]);
    assert_eq!(istio.code, 0, "{istio:?}");
    for name in ["outbound|443||entra.example", "outbound|443||acme.okta.example"] {
        assert!(istio.stdout.contains(name), "{name}");
    }
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    for target in BOTH {
        let missing = usher(&["render", target, "usher.yaml"]);
        for flag in ["--namespace", "--wasm", "--store", "--gateway"] {
            refused(&missing, flag);
        }
        for (flags, words) in [
            (["--wasm", "usher.wasm"], "oci://registry.example/usher:1.0"),
            (["--sha256", "abc"], "64 hexadecimal digits"),
            (["--pull-secret", "A B"], "a Kubernetes name"),
            (["--envoy-version", "new"], "as in 1.40"),
            (["--envoy-version", "1.29"], "Envoy 1.29 is too old"),
            (["--ca", "/no/such.pem"], "--ca /no/such.pem: cannot be read"),
            (
                ["--store-ca", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")],
                "not a PEM bundle of certificate authorities",
            ),
        ] {
            let base: &[&str] = if flags[0] == "--wasm" { &[] } else { WASM };
            refused(&render(target, &good(), &[base, STORE, &flags]), words);
        }
    }
}

#[test]
fn what_follows_is_warned_of() {
    for target in BOTH {
        let plain = render(target, &good(), &[WASM, STORE]);
        assert!(plain.stderr.contains("add `--sha256`") && plain.stderr.contains("name its authorities"), "{plain:?}");
        let old = render(target, &good(), &[WASM, STORE, &["--envoy-version", "1.32"]]);
        assert!(old.stderr.contains("Envoy 1.32 has no `FAIL_RELOAD`") && old.code == 0, "{old:?}");
        assert!(!old.stdout.contains("FAIL_RELOAD"), "{old:?}");
        let digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        let pinned = format!("oci://registry.example/usher@sha256:{digest}");
        let quiet = render(target, &good(), &[&["--wasm", &pinned], STORE]);
        assert!(!quiet.stderr.contains("--sha256") && quiet.code == 0, "{quiet:?}");
    }
    let mut long = good();
    let roles: Vec<Value> =
        (0..6_000).map(|number| json!({"group": format!("a-group-of-very-many-{number}"), "role": "user"})).collect();
    long["parents"][0]["organizations"][0]["provisioning"] = json!({"mode": "jit", "group_mappings": {"roles": roles}});
    let warned = render("istio", &long, &[WASM, STORE]);
    assert!(warned.code == 0 && warned.stderr.contains("--server-side"), "{}", warned.stderr);
    let organization = long["parents"][0]["organizations"][0].clone();
    for number in 0..5 {
        let mut more = organization.clone();
        more["id"] = json!(format!("acme-{number}"));
        more["hosts"] = json!([format!("{number}.acme.example")]);
        long["parents"][0]["organizations"].as_array_mut().unwrap().push(more);
    }
    refused(&render("istio", &long, &[WASM, STORE]), "Kubernetes keeps no object above 1.5 MB");
}

#[test]
fn labels_beyond_ascii_arrive_as_they_are() {
    let mut named = good();
    named["parents"][0]["organizations"][0]["provisioning"] = json!({"mode": "jit", "group_mappings": {"roles": [{"group": "staff", "role": "user", "label": "Büro \"1\" 😀"}]}});
    for target in BOTH {
        let rendered = render(target, &named, &[WASM, STORE]);
        assert!(
            rendered.stdout.is_ascii() && rendered.stdout.contains("B\\U000000fcro \\\"1\\\" \\U0001f600"),
            "{rendered:?}"
        );
    }
}
