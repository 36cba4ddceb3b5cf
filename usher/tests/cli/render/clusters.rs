//! `usher render envoy`: key servers and the store as clusters, and whom each of them is believed by.

use serde_json::json;
use usher_policy_file::yaml_to_json;

use super::{MODULE, address, cluster, render, rendered, with_keys_at, with_second_connection};
use crate::support::{Folder, policy};

#[test]
fn an_https_key_server_is_verified_by_name() {
    let folder = Folder::new();
    let ca = folder.file("ca.pem", "");
    let bootstrap = rendered(&with_keys_at("https://Acme.Okta.example/oauth2/v1/keys"), &["--ca", &ca]);
    let keys = cluster(&bootstrap, "okta");
    assert_eq!(
        (&keys["type"], address(keys)),
        (&json!("STRICT_DNS"), &json!({"address": "acme.okta.example", "port_value": 443}))
    );
    let tls = &keys["transport_socket"]["typed_config"];
    assert_eq!(tls["sni"], "acme.okta.example");
    let context = &tls["common_tls_context"];
    assert_eq!(context["tls_params"]["tls_minimum_protocol_version"], "TLSv1_2");
    let validation = &context["validation_context"];
    let canonical = std::fs::canonicalize(&ca).unwrap();
    assert_eq!(validation["trusted_ca"]["filename"], canonical.to_str().unwrap());
    let names = json!([{"san_type": "DNS", "matcher": {"exact": "acme.okta.example"}}]);
    assert_eq!(validation["match_typed_subject_alt_names"], names);
}

#[test]
fn an_https_key_server_with_an_address_is_verified_by_address() {
    let folder = Folder::new();
    let ca = folder.file("ca.pem", "");
    let bootstrap = rendered(&with_keys_at("https://[2001:db8::7]:8443/keys"), &["--ca", &ca]);
    let keys = cluster(&bootstrap, "okta");
    assert_eq!(
        (&keys["type"], address(keys)),
        (&json!("STATIC"), &json!({"address": "2001:db8::7", "port_value": 8443}))
    );
    let tls = &keys["transport_socket"]["typed_config"];
    assert!(tls.get("sni").is_none(), "{tls}");
    let names = json!([{"san_type": "IP_ADDRESS", "matcher": {"exact": "2001:db8::7"}}]);
    assert_eq!(tls["common_tls_context"]["validation_context"]["match_typed_subject_alt_names"], names);
}

#[test]
fn plain_http_to_key_servers_is_for_loopback_or_comes_with_a_warning() {
    let folder = Folder::new();
    let local = render(&folder, &with_keys_at("http://127.0.0.1:8085/keys"), &[]);
    assert_eq!(local.code, 0, "{local:?}");
    assert!(!local.stderr.contains("plain http"), "{local:?}");
    let bootstrap = yaml_to_json(&local.stdout).unwrap();
    assert!(cluster(&bootstrap, "okta").get("transport_socket").is_none());

    let far = json!({"uri": "http://keys.internal/keys", "cluster": "okta", "insecure": true});
    let warned = render(&folder, &policy(&far, &json!({})), &[]);
    assert_eq!(warned.code, 0, "{warned:?}");
    assert!(
        warned.stderr.contains("warning: connection `okta` fetches its keys from keys.internal in plain http"),
        "{warned:?}"
    );

    let refused = render(&folder, &with_keys_at("http://keys.internal/keys"), &[]);
    assert_eq!((refused.code, refused.stdout.as_str()), (1, ""), "{refused:?}");
}

#[test]
fn the_store_is_spoken_to_over_tls_where_its_authorities_are_named() {
    let folder = Folder::new();
    let keys = with_keys_at("https://acme.okta.example/keys");
    let [ca, cert, key] = ["ca.pem", "cert.pem", "key.pem"].map(|name| folder.file(name, ""));
    let named = |file: &str| std::fs::canonicalize(file).unwrap().to_str().unwrap().to_owned();
    let store = ["--store", "store.internal:7443", "--store-ca", &ca];
    let quiet = render(&folder, &keys, &[&store[..], &["--wasm", &folder.file("usher.wasm", MODULE)]].concat());
    assert_eq!((quiet.code, quiet.stderr.as_str()), (0, ""));
    let bootstrap = yaml_to_json(&quiet.stdout).unwrap();
    let tls = &cluster(&bootstrap, "usher-store")["transport_socket"]["typed_config"];
    assert_eq!(tls["sni"], "store.internal");
    let context = &tls["common_tls_context"];
    assert_eq!(context["validation_context"]["trusted_ca"]["filename"], json!(named(&ca)));
    let names = json!([{"san_type": "DNS", "matcher": {"exact": "store.internal"}}]);
    assert_eq!(context["validation_context"]["match_typed_subject_alt_names"], names);
    assert!(context.get("tls_certificates").is_none());
    // The key servers' authorities vouch for nobody else, and the store's for no key server.
    let of_keys = &cluster(&bootstrap, "okta")["transport_socket"]["typed_config"]["common_tls_context"];
    assert_ne!(of_keys["validation_context"]["trusted_ca"]["filename"], json!(named(&ca)));

    let mutual = rendered(&keys, &[&store[..], &["--store-cert", &cert, "--store-key", &key]].concat());
    let tls = &cluster(&mutual, "usher-store")["transport_socket"]["typed_config"];
    let shown = json!([{"certificate_chain": {"filename": named(&cert)}, "private_key": {"filename": named(&key)}}]);
    assert_eq!(tls["common_tls_context"]["tls_certificates"], shown);
    assert!(
        cluster(&mutual, "okta")["transport_socket"]["typed_config"]["common_tls_context"]
            .get("tls_certificates")
            .is_none()
    );
    assert!(cluster(&mutual, "upstream").get("transport_socket").is_none());

    for (flags, told) in [
        (vec!["--store-cert", &cert, "--store-key", &key], "--store-ca"),
        (vec!["--store-ca", &ca, "--store-cert", &cert], "--store-key"),
        (vec!["--store-ca", "/nowhere.pem"], "/nowhere.pem"),
    ] {
        let refused = render(&folder, &keys, &flags);
        assert!(refused.code != 0 && refused.stderr.contains(told), "{refused:?}");
    }
}

#[test]
fn a_cluster_is_one_server() {
    let shared = rendered(&with_second_connection("https://acme.okta.example/other/keys", "okta"), &[]);
    assert_eq!(shared["static_resources"]["clusters"].as_array().unwrap().len(), 3);

    for uri in ["https://entra.example/keys", "https://acme.okta.example:8443/keys"] {
        let outcome = render(&Folder::new(), &with_second_connection(uri, "okta"), &[]);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""), "{outcome:?}");
        assert!(
            outcome.stderr.contains(uri) && outcome.stderr.contains("https://acme.okta.example/keys"),
            "{outcome:?}"
        );
    }
    for name in ["upstream", "usher-store"] {
        let outcome = render(&Folder::new(), &with_second_connection("https://entra.example/keys", name), &[]);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""), "{outcome:?}");
        assert!(outcome.stderr.contains(&format!("cluster `{name}` would be two things")), "{outcome:?}");
    }
}
