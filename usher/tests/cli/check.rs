//! `usher check`.

use serde_json::json;

use crate::support::{Folder, command, outcome, usher};

const GOOD: &str = "\
version: 1
parents:
- id: acme
  plan: team
  domains: [acme.example]
  connections:
  - id: okta
    issuer: https://acme.okta.example
    audiences: [usher]
    jwks: {uri: https://acme.okta.example/oauth2/v1/keys, cluster: acme-okta}
  organizations:
  - id: acme-chat
    product: claude
    hosts: [chat.acme.example]
    provisioning: {mode: jit}
";

#[test]
fn a_good_file_is_summed_up() {
    let folder = Folder::new();
    let file = folder.file("usher.yaml", GOOD);
    let outcome = usher(&["check", &file]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert_eq!(outcome.stdout, format!("{file}: good: 1 parent, 1 organization, 1 connection\n"));
}

#[test]
fn every_fault_is_told_with_file_line_and_field() {
    let folder = Folder::new();
    let file =
        folder.file("usher.yaml", &GOOD.replace("mode: jit", "mode: jot").replace("product: claude", "product: clod"));
    let outcome = usher(&["check", &file]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""));
    let lines: Vec<_> = outcome.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{outcome:?}");
    assert!(lines[0].starts_with(&format!("{file}:13: parents[0].organizations[0].product: ")), "{outcome:?}");
    assert!(
        lines[1].starts_with(&format!("{file}:15: parents[0].organizations[0].provisioning.mode: ")),
        "{outcome:?}"
    );
}

#[test]
fn a_warning_is_told_with_code_and_field_and_does_not_fail() {
    let folder = Folder::new();
    let mapped = "{mode: jit, group_mappings: {roles: [{group: staff, role: user}]}}";
    let file = folder.file("usher.yaml", &GOOD.replace("{mode: jit}", mapped));
    let outcome = usher(&["check", &file]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert!(
        outcome.stderr.starts_with(&format!("{file}:15: warning[no_owner]: parents[0].organizations[0].")),
        "{outcome:?}"
    );
    assert_eq!(outcome.stdout, format!("{file}: good: 1 parent, 1 organization, 1 connection, 1 warning\n"));
}

#[test]
fn deny_warnings_fails_on_a_warning_and_on_nothing_else() {
    let folder = Folder::new();
    let mapped = "{mode: jit, group_mappings: {roles: [{group: staff, role: user}]}}";
    let warned = folder.file("warned.yaml", &GOOD.replace("{mode: jit}", mapped));
    let good = folder.file("good.yaml", GOOD);
    for json in [&[][..], &["--json"]] {
        let code = |file: &str| usher(&[&["check", file, "--deny-warnings"], json].concat()).code;
        assert_eq!((code(&warned), code(&good)), (1, 0));
    }
    let told = usher(&["check", &warned, "--deny-warnings"]);
    assert!(told.stderr.contains("warning[no_owner]") && told.stdout.contains("1 warning"), "{told:?}");
}

#[test]
fn json_has_faults_and_warnings_for_tools() {
    let folder = Folder::new();
    let mapped = "{mode: jit, group_mappings: {roles: [{group: staff, role: user}]}}";
    let file = folder.file("usher.yaml", &GOOD.replace("{mode: jit}", mapped));
    let outcome = usher(&["check", &file, "--json"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{outcome:?}");
    let mut document = outcome.json();
    let message = document["warnings"][0]["message"].take();
    assert!(message.as_str().unwrap().contains("`owner`"), "{message}");
    let path = "parents[0].organizations[0].provisioning.group_mappings.roles";
    assert_eq!(
        document,
        json!({
            "file": file,
            "good": true,
            "faults": [],
            "warnings": [{"code": "no_owner", "path": path, "line": 15, "message": null}],
        })
    );

    let file = folder.file("usher.yaml", &GOOD.replace("mode: jit", "mode: jot"));
    let outcome = usher(&["check", &file, "--json"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (1, ""), "{outcome:?}");
    let document = outcome.json();
    assert_eq!((&document["good"], &document["warnings"]), (&json!(false), &json!([])));
    let fault = &document["faults"][0];
    assert_eq!(fault["path"], "parents[0].organizations[0].provisioning.mode");
    assert_eq!(fault["line"], 15);
    assert!(fault["message"].as_str().unwrap().starts_with("unknown mode `jot`"), "{fault}");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    for path in ["/no/such/usher.yaml", "/"] {
        let outcome = usher(&["check", path]);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""));
        assert!(outcome.stderr.starts_with(&format!("error: {path}: cannot be read: ")), "{outcome:?}");
    }
}

#[test]
fn a_reader_that_goes_away_is_an_error_and_no_panic() {
    let folder = Folder::new();
    let file = folder.file("usher.yaml", GOOD);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let closed = outcome(command(&["check", &file]).stdout(writer));
    assert_eq!(closed.code, 1, "{closed:?}");
    assert!(closed.stderr.starts_with("error: the output could not be written: "), "{closed:?}");
}

#[test]
fn wrong_arguments_exit_1_and_help_exits_0() {
    assert_eq!(usher(&["check"]).code, 1);
    assert_eq!(usher(&["no-such-command"]).code, 1);
    let help = usher(&["--help"]);
    assert_eq!(help.code, 0);
    for command in ["check", "demo", "discover", "explain", "members", "render", "seats", "store", "test"] {
        assert!(help.stdout.contains(&format!("\n  {command} ")), "{command}: {}", help.stdout);
    }
}
