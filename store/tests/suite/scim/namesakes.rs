//! Several users of a directory with one email: one of them is the member, and the next is as soon as that one is not.

use serde_json::{Value, json};

use super::{Directory, USER, id};
use crate::suite::harness::ADMIN;

/// Adds a user who has no email but this; gives the id.
fn user(directory: &Directory, name: &str, email: &str) -> String {
    let user = json!({"schemas": [USER], "userName": name, "displayName": name, "emails": [{"value": email}]});
    id(&directory.expect(201, "POST", "/Users", Some(user)))
}

fn rename(directory: &Directory, user: &str, email: &str) {
    directory.patch(&format!("/Users/{user}"), json!({"op": "replace", "path": "emails", "value": [{"value": email}]}));
}

fn names(directory: &Directory, organization: &str) -> Value {
    directory.members(organization, "name")
}

#[track_caller]
fn nothing_is_left_to_a_sync(directory: &Directory) {
    let reply = directory.store.call("POST", "/v1/parents/acme/sync?preview=true", ADMIN, None);
    for organization in reply.json["organizations"].as_array().unwrap() {
        assert_eq!(organization["changes"], json!([]), "{}", reply.text);
    }
}

#[test]
fn who_is_known_by_the_user_name_gets_an_email_that_is_free_again() {
    let directory = Directory::start();
    let first = user(&directory, "first", "shared@acme.example");
    let second = json!({"schemas": [USER], "userName": "Shared@acme.example", "displayName": "second"});
    directory.expect(201, "POST", "/Users", Some(second));
    assert_eq!(names(&directory, "everyone"), json!({"shared@acme.example": "first"}));
    directory.expect(204, "DELETE", &format!("/Users/{first}"), None);
    assert_eq!(names(&directory, "everyone"), json!({"Shared@acme.example": "second"}));
    nothing_is_left_to_a_sync(&directory);
}

#[test]
fn who_leaves_a_group_leaves_the_email_to_the_next_in_it() {
    let directory = Directory::start();
    let [one, two, three] = ["one", "two", "three"].map(|name| user(&directory, name, "shared@acme.example"));
    let staff = directory.group("staff", &[&one]);
    let operate = |verb: &str, user: &str| {
        let path = format!("/Groups/{staff}");
        directory.patch(&path, json!({"op": verb, "path": "members", "value": [{"value": user}]}));
    };
    operate("add", &two);
    assert_eq!(names(&directory, "mapped"), json!({"shared@acme.example": "one"}));
    operate("remove", &one);
    assert_eq!(names(&directory, "mapped"), json!({"shared@acme.example": "two"}));
    assert_eq!(directory.members("everyone", "name").as_object().unwrap().len(), 1, "no group decides here");

    let admins = directory.group("admins", &[&three]);
    directory.expect(204, "DELETE", &format!("/Groups/{staff}"), None);
    assert_eq!(names(&directory, "mapped"), json!({"shared@acme.example": "three"}));
    assert_eq!(directory.members("mapped", "role"), json!({"shared@acme.example": "admin"}));
    nothing_is_left_to_a_sync(&directory);
    directory.expect(204, "DELETE", &format!("/Groups/{admins}"), None);
    assert_eq!(names(&directory, "mapped"), json!({}));
}

#[test]
fn an_owner_who_was_kept_is_the_next_user_with_the_email() {
    let directory = Directory::start();
    let [one, two] = ["one", "two"].map(|name| user(&directory, name, "shared@acme.example"));
    let owners = directory.group("owners", &[&one]);
    let add = json!({"op": "add", "path": "members", "value": [{"value": two}]});
    directory.patch(&format!("/Groups/{owners}"), add);
    let before = directory.members("mapped", "id");
    directory.expect(204, "DELETE", &format!("/Users/{one}"), None);
    assert_eq!(directory.members("mapped", "id"), before);
    assert_eq!(directory.members("mapped", "source"), json!({"shared@acme.example": "scim"}));
    nothing_is_left_to_a_sync(&directory);
}

#[test]
fn an_email_is_handed_on_from_one_to_the_next() {
    let directory = Directory::start();
    let bob = user(&directory, "bob", "bob@acme.example");
    let alice = user(&directory, "alice", "alice@acme.example");
    let carol = user(&directory, "carol", "carol@acme.example");
    // Each asks for the email that the one before still has, and keeps the own one until then.
    rename(&directory, &alice, "bob@acme.example");
    rename(&directory, &carol, "alice@acme.example");
    user(&directory, "dan", "carol@acme.example");
    let before = json!({"bob@acme.example": "bob", "alice@acme.example": "alice", "carol@acme.example": "carol"});
    assert_eq!(names(&directory, "everyone"), before);
    rename(&directory, &bob, "robert@acme.example");
    let after = json!({
        "robert@acme.example": "bob", "bob@acme.example": "alice",
        "alice@acme.example": "carol", "carol@acme.example": "dan",
    });
    assert_eq!(names(&directory, "everyone"), after);
    nothing_is_left_to_a_sync(&directory);
}
