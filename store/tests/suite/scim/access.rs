//! Who may ask: a directory by its own token, for its own parent.

use serde_json::json;

use super::{DIRECTORIES, Directory, USER, id};
use crate::suite::harness::{ADMIN, FILTER, GLOBEX_SCIM, SCIM, Store};

const ROUTES: &[(&str, &str)] = &[
    ("GET", "/Users"),
    ("POST", "/Users"),
    ("POST", "/Users/.search"),
    ("GET", "/Users/x"),
    ("PUT", "/Users/x"),
    ("PATCH", "/Users/x"),
    ("DELETE", "/Users/x"),
    ("GET", "/Groups"),
    ("POST", "/Groups"),
    ("POST", "/Groups/.search"),
    ("GET", "/Groups/x"),
    ("PUT", "/Groups/x"),
    ("PATCH", "/Groups/x"),
    ("DELETE", "/Groups/x"),
    ("GET", "/ServiceProviderConfig"),
    ("POST", "/ServiceProviderConfig"),
    ("GET", "/ResourceTypes"),
    ("GET", "/ResourceTypes/User"),
    ("GET", "/Schemas"),
    ("GET", "/Schemas/x"),
    ("POST", "/Bulk"),
    ("GET", "/Me"),
    ("POST", "/.search"),
    ("DELETE", "/Users"),
    ("GET", "/nothing/at/all"),
    ("GET", ""),
];

#[test]
fn every_route_wants_the_directorys_own_token() {
    let store = Store::start_by(DIRECTORIES);
    for (method, path) in ROUTES {
        let body = matches!(*method, "POST" | "PUT" | "PATCH").then(|| json!({}));
        for token in ["", "wrong-token-0123456789", FILTER, ADMIN, GLOBEX_SCIM] {
            let reply = store.call(method, &format!("/scim/v2/acme{path}"), token, body.as_ref());
            reply.is_scim_error(401, None);
            assert_eq!(reply.header("www-authenticate"), "Bearer", "{method} {path}");
        }
        let reply = store.send(method, &format!("/scim/v2/acme{path}"), &[], None);
        reply.is_scim_error(401, None);
        let nowhere = store.call(method, &format!("/scim/v2/nowhere{path}"), SCIM, body.as_ref());
        nowhere.is_scim_error(401, None);
        let reply = store.call(method, &format!("/scim/v2/acme{path}"), SCIM, body.as_ref());
        assert_ne!(reply.status, 401, "{method} {path}");
    }
    for path in ["/scim/", "/scim/v1/acme/Users", "/scim/v2"] {
        assert_eq!(store.call("GET", path, SCIM, None).status, 404, "{path}");
    }
}

#[test]
fn the_directorys_token_opens_nothing_else() {
    let store = Store::start_by(DIRECTORIES);
    for path in ["/v1/organizations/everyone/members", "/v1/changes"] {
        store.call("GET", path, SCIM, None).is_problem(401, "unauthorized");
    }
}

#[test]
fn what_belongs_to_another_parent_is_not_there() {
    let directory = Directory::start();
    let (ada, staff) = (directory.user("ada"), directory.group("staff", &[]));
    let call = |method: &str, path: &str, body| {
        directory.store.call(method, &format!("/scim/v2/globex{path}"), GLOBEX_SCIM, Some(body).as_ref())
    };
    let user = json!({"schemas": [USER], "userName": "ada@acme.example"});
    let patch = json!({"Operations": [{"op": "replace", "value": {"displayName": "x"}}]});
    for path in [format!("/Users/{ada}"), format!("/Groups/{staff}")] {
        let group = json!({"schemas": [super::GROUP], "displayName": "staff"});
        let whole = if path.starts_with("/Users") { &user } else { &group };
        call("GET", &path, json!({})).is_scim_error(404, None);
        call("PUT", &path, whole.clone()).is_scim_error(404, None);
        call("PATCH", &path, patch.clone()).is_scim_error(404, None);
        call("DELETE", &path, json!({})).is_scim_error(404, None);
    }
    assert_eq!(call("GET", "/Users", json!({})).json["totalResults"], json!(0));

    // The same name in another directory is another user, and another's users are no members of our groups.
    let theirs = call("POST", "/Users", user);
    assert_eq!(theirs.status, 201, "{}", theirs.text);
    let path = format!("/Groups/{staff}");
    let add = json!({"op": "add", "path": "members", "value": [{"value": id(&theirs.json)}, {"value": ada}]});
    let members = directory.patch(&path, add)["members"].clone();
    assert_eq!(members.as_array().map(Vec::len), Some(1), "{members}");
    assert_eq!(directory.members("globex", "role"), json!({}), "an email of another's domain");
}

#[test]
fn what_is_not_supported_says_so() {
    let directory = Directory::start();
    for (method, path) in [("POST", "/Bulk"), ("GET", "/Me"), ("POST", "/.search")] {
        directory.call(method, path, None).is_scim_error(501, None);
    }
    for path in ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas", "/Schemas/x", "/ResourceTypes/User"] {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let reply = directory.call(method, path, None);
            reply.is_scim_error(405, None);
            assert!(reply.header("allow").contains("GET"), "{path}");
        }
    }
    directory.call("DELETE", "/Users", None).is_scim_error(405, None);
    directory.call("GET", "/Devices", None).is_scim_error(404, None);
    directory.call("GET", "/Schemas?filter=id%20pr", None).is_scim_error(403, None);
}
