//! `usher sync` against a store whose policy changes while it runs.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::store::{Process, store};
use crate::support::{Folder, Outcome, command, outcome, policy};

#[test]
fn a_switch_to_scim_is_previewed_held_and_confirmed() {
    let folder = Folder::new();
    let jwks = json!({"uri": "https://acme.okta.example/keys", "cluster": "okta"});
    let guards = json!({"max_removals": {"members": 1, "percent": 0}});
    let of = |mode: &str| policy(&jwks, &json!({"provisioning": {"mode": mode}, "guards": guards})).to_string();
    let file = folder.file("usher.json", &of("manual"));
    let mut process = Process(store(&folder, &file).stdout(Stdio::piped()).spawn().unwrap());
    let mut log = BufReader::new(process.0.stdout.take().unwrap()).lines().map(|line| {
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        line
    });
    let url = format!("http://{}", log.next().unwrap()["address"].as_str().unwrap());
    let usher = |arguments: &[&str]| -> Outcome {
        let mut command = command(arguments);
        outcome(command.env("USHER_STORE_URL", &url).env("USHER_ADMIN_TOKEN", "an-administrator-s-secret"))
    };
    for name in ["ada", "bob"] {
        assert_eq!(usher(&["members", "add", "acme-chat", &format!("{name}@acme.example")]).code, 0);
    }
    let nothing = usher(&["sync"]);
    assert_eq!(nothing.code, 0, "{nothing:?}");
    assert_eq!(nothing.stdout, "acme: no organization is in a scim mode, so there is nothing to reconcile\n");

    std::fs::rename(folder.file("next.json", &of("scim")), &file).unwrap();
    assert!(log.any(|line| line["message"] == "another policy is in force"));
    let preview = usher(&["sync", "--preview"]);
    assert_eq!(preview.code, 3, "{preview:?}");
    let lines: Vec<_> = preview.stdout.lines().collect();
    assert_eq!(lines.len(), 4, "{preview:?}");
    assert!(lines[0].starts_with("ORGANIZATION  WHAT  EMAIL"), "{preview:?}");
    assert!(lines[1].starts_with("acme-chat     hold  ada@acme.example"), "{preview:?}");
    assert_eq!(lines[3], "acme-chat: would add 0, change 0, remove 0; 2 removals wait");
    assert!(preview.stderr.contains("--confirm") && preview.stderr.contains("guards.max_removals"), "{preview:?}");

    let held = usher(&["sync", "acme"]);
    assert_eq!(
        (held.code, held.stdout.lines().last()),
        (3, Some("acme-chat: 0 added, 0 changed, 0 removed; 2 removals wait"))
    );
    assert_eq!(usher(&["members", "list", "acme-chat", "--json"]).json()["members"].as_array().unwrap().len(), 2);

    let done = usher(&["sync", "acme", "--confirm", "--json"]);
    assert_eq!((done.code, done.stderr.as_str()), (0, ""), "{done:?}");
    let told = &done.json()["parents"][0];
    assert_eq!((&told["done"], &told["organizations"][0]["removed"]), (&json!(true), &json!(2)));
    assert_eq!(usher(&["members", "list", "acme-chat", "--json"]).json(), json!({"members": []}));
    let again = usher(&["sync", "acme"]);
    assert_eq!((again.code, again.stdout.as_str()), (0, "acme-chat: 0 added, 0 changed, 0 removed\n"));
    let audit = usher(&["audit"]);
    assert!(audit.stdout.contains("sync admin") && audit.stdout.contains("synced"), "{audit:?}");

    let nobody = usher(&["sync", "nobody"]);
    assert_eq!(nobody.code, 1);
    assert!(nobody.stderr.starts_with("error: parent_not_found: "), "{nobody:?}");
}
