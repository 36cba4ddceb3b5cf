//! The audit of a directory: what the provider did, and what came of it for memberships.

use serde_json::{Value, json};

use super::Directory;
use crate::suite::harness::{ADMIN, SCIM};

fn entries(directory: &Directory, query: &str) -> Vec<Value> {
    let reply = directory.store.call("GET", &format!("/v1/audit?limit=500{query}"), ADMIN, None);
    let entries = reply.json["entries"].as_array().unwrap_or_else(|| panic!("{}", reply.text));
    // That its token was used stands beside, whenever it was noted.
    let is_change = |entry: &&Value| entry["actor"] == json!("directory") && entry["action"] != json!("token_used");
    entries.iter().filter(is_change).cloned().collect()
}

fn actions(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect()
}

#[test]
fn what_the_directory_changes_is_noted_with_what_follows_from_it() {
    let directory = Directory::start();
    let ada = directory.user("ada");
    let headers = [("authorization", format!("Bearer {SCIM}")), ("x-request-id", "push-7".to_owned())];
    let group = json!({"schemas": [super::GROUP], "displayName": "staff", "members": [{"value": ada}]});
    let body = Some(("application/scim+json", group.to_string().into_bytes()));
    assert_eq!(directory.store.send("POST", "/scim/v2/acme/Groups", &headers, body).status, 201);
    let patch = json!({"op": "replace", "value": {"active": false, "password": "hunter2-hunter2"}});
    directory.patch(&format!("/Users/{ada}"), patch.clone());
    directory.patch(&format!("/Users/{ada}"), patch);

    let all = entries(&directory, "");
    assert_eq!(
        actions(&all),
        [
            "user_created",
            "member_created",
            "group_created",
            "member_created",
            "user_changed",
            "member_removed",
            "member_removed"
        ]
    );
    assert!(all.iter().all(|entry| entry["actor_name"] == json!("acme") && entry["parent"] == json!("acme")));
    assert_eq!((&all[2]["request_id"], &all[3]["request_id"]), (&json!("push-7"), &json!("push-7")));
    assert_eq!(all[2]["after"]["added"], json!({"users": 1, "ids": [ada]}));
    assert_eq!((&all[3]["organization"], &all[3]["reason"]), (&json!("mapped"), &json!("group_created")));
    assert_eq!((&all[4]["before"]["active"], &all[4]["after"]["active"]), (&json!(true), &json!(false)));
    assert_eq!(all[5]["reason"], json!("user_changed"));
    assert!(!json!(all).to_string().contains("hunter2"));
}

#[test]
fn held_removals_are_noted_by_name_and_number() {
    let directory = Directory::start();
    let users: Vec<_> = (0..5).map(|n| directory.user(&format!("u{n}"))).collect();
    let staff = directory.group("staff", &users.iter().map(String::as_str).collect::<Vec<_>>());
    directory.expect(204, "DELETE", &format!("/Groups/{staff}"), None);
    let held = entries(&directory, "&organization=mapped").pop().unwrap();
    assert_eq!((&held["action"], &held["reason"]), (&json!("removals_held"), &json!("group_deleted")));
    assert_eq!(held["after"]["removals"], json!(5));
    let emails = held["after"]["emails"].as_array().unwrap();
    assert!(emails.len() == 5 && emails.contains(&json!("u3@acme.example")), "{held}");
}

#[test]
fn an_id_that_no_database_can_look_for_is_refused_and_no_failure_of_the_database() {
    let directory = Directory::start();
    for query in ["member=%00", "organization=acme%00chat"] {
        let reply = directory.store.call("GET", &format!("/v1/audit?{query}"), ADMIN, None);
        assert_eq!(reply.status, 400, "{query}: {}", reply.text);
    }
}
