//! Versions: nobody overwrites what they have not seen.

use serde_json::{Value, json};

use super::{Directory, USER, id};
use crate::suite::harness::{GLOBEX_SCIM, Reply, SCIM};

fn call(directory: &Directory, method: &str, path: &str, header: (&str, &str), body: Value) -> Reply {
    let headers = [("authorization", format!("Bearer {SCIM}")), (header.0, header.1.to_owned())];
    let body = Some(("application/scim+json", body.to_string().into_bytes()));
    directory.store.send(method, &format!("/scim/v2/acme{path}"), &headers, body)
}

#[test]
fn a_change_of_another_version_is_refused() {
    let directory = Directory::start();
    let ada = directory.user("ada");
    let path = format!("/Users/{ada}");
    let created = directory.call("GET", &path, None);
    assert_eq!((created.header("etag"), &created.json["meta"]["version"]), ("W/\"1\"", &json!("W/\"1\"")));
    let patch = |title: &str| json!({"Operations": [{"op": "replace", "path": "title", "value": title}]});
    let done = call(&directory, "PATCH", &path, ("if-match", "W/\"1\""), patch("a"));
    assert_eq!((done.status, done.header("etag")), (200, "W/\"2\""));

    let whole = json!({"schemas": [USER], "userName": "ada"});
    for (method, body) in [("PATCH", patch("b")), ("PUT", whole.clone()), ("DELETE", json!({}))] {
        for stale in ["W/\"1\"", "\"x\"", "", "2"] {
            call(&directory, method, &path, ("if-match", stale), body.clone()).is_scim_error(412, None);
        }
    }
    assert_eq!(directory.expect(200, "GET", &path, None)["title"], json!("a"));
    assert_eq!(call(&directory, "PUT", &path, ("if-match", "W/\"1\", W/\"2\""), whole).status, 200);
    assert_eq!(call(&directory, "DELETE", &path, ("if-match", "*"), json!({})).status, 204);
}

#[test]
fn a_version_changes_with_the_resource_and_only_then() {
    let directory = Directory::start();
    let (ada, staff) = (directory.user("ada"), directory.group("staff", &[]));
    let version = |path: &str| directory.expect(200, "GET", path, None)["meta"].clone();
    let (user, group) = (format!("/Users/{ada}"), format!("/Groups/{staff}"));
    directory.store.clock.advance(5);
    directory.patch(&user, json!({"op": "replace", "path": "active", "value": true}));
    assert_eq!(version(&user)["version"], json!("W/\"1\""), "nothing changed");
    directory.patch(&user, json!({"op": "replace", "path": "title", "value": "x"}));
    let meta = version(&user);
    assert_eq!((&meta["version"], &meta["lastModified"]), (&json!("W/\"2\""), &json!("2026-01-01T00:00:05Z")));
    assert_eq!(meta["created"], json!("2026-01-01T00:00:00Z"));

    let add = json!({"op": "add", "path": "members", "value": [{"value": ada}]});
    directory.patch(&group, add.clone());
    directory.patch(&group, add);
    assert_eq!(version(&group)["version"], json!("W/\"2\""), "added once");
    directory.expect(204, "DELETE", &user, None);
    assert_eq!(version(&group)["version"], json!("W/\"3\""), "a member is gone");
}

#[test]
fn what_the_client_has_is_not_sent_again() {
    let directory = Directory::start();
    let path = format!("/Users/{}", directory.user("ada"));
    let reply = call(&directory, "GET", &path, ("if-none-match", "W/\"1\""), json!({}));
    assert_eq!((reply.status, reply.text.as_str(), reply.header("etag")), (304, "", "W/\"1\""));
    assert_eq!(call(&directory, "GET", &path, ("if-none-match", "W/\"2\""), json!({})).status, 200);
}

#[test]
fn a_patch_is_answered_as_the_directory_wants_it() {
    let directory = Directory::start();
    let globex = |method: &str, path: &str, body: Value| {
        directory.store.call(method, &format!("/scim/v2/globex{path}"), GLOBEX_SCIM, Some(body).as_ref())
    };
    let patch = || json!({"Operations": [{"op": "replace", "path": "displayName", "value": "x"}]});
    let user = json!({"schemas": [USER], "userName": "hank@globex.example"});
    let group = json!({"schemas": [super::GROUP], "displayName": "staff"});
    for (kind, body) in [("Users", user), ("Groups", group)] {
        let path = format!("/{kind}/{}", id(&globex("POST", &format!("/{kind}"), body).json));
        let reply = globex("PATCH", &path, patch());
        assert_eq!((reply.status, reply.text.as_str(), reply.header("etag")), (204, "", "W/\"2\""));
        let asked = globex("PATCH", &format!("{path}?attributes=displayName"), patch());
        assert_eq!((asked.status, &asked.json["displayName"]), (200, &json!("x")));
    }
}
