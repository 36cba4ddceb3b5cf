//! Variables that are empty, and variables that are wrong: `docs/environment.md` says what becomes of them.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::running_store::RunningStore;
use crate::store::{Process, store};
use crate::support::{Folder, command, outcome, policy};

#[test]
fn an_operator_s_variable_that_is_empty_is_as_good_as_not_set() {
    let running = RunningStore::start(&json!({"default": "none"}));
    let mut seats = running.command(&["seats", "acme-chat"]);
    let told = outcome(seats.env("USHER_STORE_CERT", "").env("USHER_STORE_KEY", ""));
    assert_eq!(told.code, 0, "{told:?}");
    // Whoever may be listening where a store is looked for by default.
    let told = outcome(command(&["ready"]).env("USHER_STORE_URL", ""));
    assert!(!told.stderr.contains("USHER_STORE_URL"), "{told:?}");
    let told = outcome(command(&["demo", "--check"]).env("ENVOY", "").env("PATH", "/no/such/folder"));
    assert!(told.code == 1 && !told.stderr.contains("--envoy <"), "{told:?}");
}

#[test]
fn authorities_that_are_empty_are_refused_by_whoever_asks_a_store_and_by_nobody_else() {
    let running = RunningStore::start(&json!({"default": "none"}));
    let told = outcome(running.command(&["seats", "acme-chat"]).env("USHER_STORE_CA", ""));
    assert!(told.code == 1 && told.stderr.contains("USHER_STORE_CA is set and empty"), "{told:?}");
    let told = outcome(command(&["test", "--help"]).env("USHER_STORE_CA", ""));
    assert_eq!(told.code, 0, "{told:?}");
}

#[test]
fn what_is_wrong_with_an_operator_s_variable_is_told_by_its_name() {
    for (variable, value) in
        [("USHER_STORE_URL", "ada:sesame@127.0.0.1"), ("USHER_STORE_CA", "/no/such/sesame-free/ca.pem")]
    {
        let told = outcome(command(&["seats", "acme-chat"]).env("USHER_ADMIN_TOKEN", "a-token").env(variable, value));
        assert!(told.code == 1 && told.stderr.contains(variable), "{told:?}");
        assert!(!told.stderr.contains("ada:sesame"), "{told:?}");
    }
}

#[test]
fn a_store_s_variable_that_is_empty_is_as_good_as_not_set() {
    let folder = Folder::new();
    let jwks = json!({"uri": "https://acme.okta.example/keys", "cluster": "okta"});
    let mut policy = policy(&jwks, &json!({}));
    policy["admin_tokens"] = json!([{"name": "ada", "token_env": "ADA_TOKEN"}]);
    let policy = folder.file("usher.json", &policy.to_string());
    let mut command = store(&folder, &policy);
    command.env("ADA_TOKEN", "an-administrator-of-her-own");
    for empty in ["USHER_ADMIN_TOKEN", "USHER_STORE_TOKEN_PREVIOUS", "USHER_LOG", "OTEL_EXPORTER_OTLP_ENDPOINT"] {
        command.env(empty, "");
    }
    let mut running = Process(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    // At the level that is the default: with none at all, only errors would be told.
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&line["level"], &line["message"]), (&json!("INFO"), &json!("the store listens")), "{line}");
}

#[test]
fn what_is_wrong_with_a_store_s_variable_is_told_by_its_name() {
    let folder = Folder::new();
    let jwks = json!({"uri": "https://acme.okta.example/keys", "cluster": "okta"});
    let policy = folder.file("usher.json", &policy(&jwks, &json!({})).to_string());
    for value in ["otel:4318", "http://ada:sesame@otel:4318"] {
        let told = outcome(store(&folder, &policy).env("OTEL_EXPORTER_OTLP_ENDPOINT", value));
        assert!(told.code == 1 && told.stderr.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{told:?}");
        assert!(!told.stderr.contains("sesame"), "{told:?}");
    }
    let told = outcome(store(&folder, &policy).env("USHER_STORE_TOKEN", ""));
    assert!(told.code == 1 && told.stderr.contains("`USHER_STORE_TOKEN` is not set or empty"), "{told:?}");
}
