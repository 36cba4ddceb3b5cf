//! The ready configurations under `envoy-config/`, and the other policies of this repository.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Folder, usher};

#[test]
fn the_envoy_example_is_good_and_renders() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../envoy-config/envoy/usher.yaml");
    let checked = usher(&["check", file]);
    assert_eq!((checked.code, checked.stderr.as_str()), (0, ""), "{checked:?}");
    let rendered = usher(&["render", "envoy", file]);
    assert_eq!(rendered.code, 0, "{rendered:?}");
    for part in ["failure_policy: FAIL_RELOAD", "name: \"acme-okta\"", "chat.acme.example"] {
        assert!(rendered.stdout.contains(part), "{part}");
    }
}

#[test]
fn the_list_of_every_field_is_good_and_renders() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../envoy-config/envoy/every-field.yaml");
    let checked = usher(&["check", file]);
    assert_eq!((checked.code, checked.stderr.as_str()), (0, ""), "{checked:?}");
    assert_eq!(usher(&["render", "envoy", file]).code, 0);
}

/// Every policy here says what it means, save for these: a part of the file's path, the code, and why.
const EXPLAINED: &[(&str, &str, &str)] = &[
    (
        "tests/scenarios/policies/",
        "no_owner",
        "a scenario tells of some people, and most need nobody with the top role",
    ),
    (
        "tests/scenarios/policies/",
        "tier_without_seats",
        "a tier that `caps` leave out is what some scenarios are about",
    ),
    ("policies/seating.yaml", "nobody_can_enter", "organizations without any seat are what some scenarios are about"),
];

#[test]
fn no_policy_of_ours_has_an_unexplained_warning() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let files = |folder: &str| {
        let entries = std::fs::read_dir(root.join(folder)).unwrap();
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|end| end == "yaml"))
    };
    let mut policies = vec![root.join("usher/src/demo/usher.yaml")];
    policies.push(root.join("envoy-config/examples/usher.yaml"));
    policies.extend(files("envoy-config/envoy"));
    policies.extend(files("tests/scenarios/policies"));
    assert!(policies.len() >= 7, "{policies:?}");
    for path in policies {
        let explained = |code: &String| {
            EXPLAINED.iter().any(|(part, known, _)| path.to_string_lossy().contains(part) && code == known)
        };
        let mut codes = warnings(&std::fs::read_to_string(&path).unwrap());
        codes.retain(|code| !explained(code));
        assert!(codes.is_empty(), "{}: {codes:?}", path.display());
    }
}

/// The codes of the warnings, with keys and addresses filled in as demo and scenarios do.
fn warnings(text: &str) -> Vec<String> {
    let folder = Folder::new();
    let yaml = folder.file("usher.yaml", &text.replace("${provider}", "127.0.0.1:9000"));
    let mut policy = usher_policy_file::yaml_to_json(&std::fs::read_to_string(yaml).unwrap()).unwrap();
    for parent in policy["parents"].as_array_mut().unwrap() {
        for connection in parent["connections"].as_array_mut().unwrap() {
            let jwks = connection.get("jwks");
            if jwks.is_none_or(|jwks| jwks.get("remote").is_some()) {
                connection["jwks"] = json!({"uri": "http://127.0.0.1:9000/keys", "cluster": "keys"});
            }
        }
    }
    let outcome = usher(&["check", "--json", &folder.file("usher.json", &policy.to_string())]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let code = |warning: &Value| warning["code"].as_str().unwrap().to_owned();
    outcome.json()["warnings"].as_array().unwrap().iter().map(code).collect()
}
