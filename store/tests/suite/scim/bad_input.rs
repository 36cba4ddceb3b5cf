//! Bad input: 400 with a `scimType`, and nothing written.

use serde_json::{Value, json};

use super::{Directory, GROUP, USER};
use crate::suite::harness::SCIM;

fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Everything that is stored, by another way than SCIM.
fn everything(directory: &Directory) -> String {
    let tables = ["directory_users", "directory_groups", "directory_group_members", "directory_emails", "members"];
    let count = |table: &&str| directory.store.database.sql(&format!("SELECT count(*) FROM {table}"));
    let versions = "SELECT sum(version) FROM directory_users";
    tables.iter().map(count).chain([directory.store.database.sql(versions)]).collect::<Vec<_>>().join(" ")
}

#[test]
fn malformed_bodies_are_400_and_write_nothing() {
    let directory = Directory::start();
    let ada = directory.user("ada");
    let before = everything(&directory);
    let bomb = format!("{{\"schemas\":[\"{USER}\"],\"userName\":{}1{}}}", "[".repeat(5000), "]".repeat(5000));
    let twice = format!("{{\"schemas\":[\"{USER}\"],\"userName\":\"a\",\"userName\":\"b\"}}");
    for (body, scim_type) in [
        ("", "invalidSyntax"),
        ("{", "invalidSyntax"),
        ("[]", "invalidSyntax"),
        ("null", "invalidSyntax"),
        ("{\"userName\": \"x\"}", "invalidSyntax"),
        (&bomb, "invalidSyntax"),
        (&twice, "invalidSyntax"),
        (&format!("{{\"schemas\":[\"{USER}\"]}}"), "invalidValue"),
        (&format!("{{\"schemas\":[\"{USER}\"],\"userName\":\"\"}}"), "invalidValue"),
        (&format!("{{\"schemas\":[\"{USER}\"],\"userName\":\"a\\u0000\"}}"), "invalidValue"),
        (&format!("{{\"schemas\":[\"{USER}\"],\"userName\":\"{}\"}}", "x".repeat(1025)), "invalidValue"),
        (&format!("{{\"schemas\":[\"{USER}\"],\"userName\":\"a\",\"active\":\"perhaps\"}}"), "invalidValue"),
    ] {
        for (method, path) in [("POST", "/Users"), ("PUT", &format!("/Users/{ada}"))] {
            let headers = [("authorization", format!("Bearer {SCIM}"))];
            let body = Some(("application/scim+json", body.as_bytes().to_vec()));
            let reply = directory.store.send(method, &format!("/scim/v2/acme{path}"), &headers, body);
            reply.is_scim_error(400, Some(scim_type));
        }
    }
    assert_eq!(everything(&directory), before);
}

#[test]
fn a_patch_is_done_whole_or_not_at_all() {
    let directory = Directory::start();
    let ada = directory.user("ada");
    let staff = directory.group("staff", &[&ada]);
    let before = (everything(&directory), directory.members("mapped", "role"));
    let good = json!({"op": "replace", "path": "displayName", "value": "changed"});
    let clear = json!({"op": "remove", "path": "members"});
    for (path, first, bad, scim_type) in [
        ("/Users", &good, json!({"op": "replace", "path": "nothing", "value": 1}), "invalidPath"),
        ("/Users", &good, json!({"op": "replace", "path": "emails[", "value": "x"}), "invalidFilter"),
        (
            "/Users",
            &good,
            json!({"op": "replace", "path": "emails[type zz \"x\"].value", "value": "x"}),
            "invalidFilter",
        ),
        ("/Users", &good, json!({"op": "replace", "path": "id", "value": "x"}), "mutability"),
        ("/Users", &good, json!({"op": "remove"}), "noTarget"),
        ("/Users", &good, json!({"op": "remove", "path": "roles[value eq \"x\"]"}), "noTarget"),
        ("/Users", &good, json!({"op": "replace", "path": "active", "value": 7}), "invalidValue"),
        ("/Users", &good, json!({"op": "explode", "path": "active", "value": true}), "invalidSyntax"),
        ("/Groups", &clear, json!({"op": "remove", "path": "members[display eq \"x\"]"}), "invalidFilter"),
        ("/Groups", &clear, json!({"op": "replace", "path": "members[value eq \"x\"]", "value": {}}), "noTarget"),
        ("/Groups", &clear, json!({"op": "remove", "path": "displayName"}), "mutability"),
        ("/Groups", &clear, json!({"op": "replace", "path": "displayName", "value": ""}), "invalidValue"),
    ] {
        let resource = if path == "/Users" { &ada } else { &staff };
        let body = json!({"Operations": [first, bad]});
        directory.call("PATCH", &format!("{path}/{resource}"), Some(body)).is_scim_error(400, Some(scim_type));
    }
    assert_eq!((everything(&directory), directory.members("mapped", "role")), before);
    let user = directory.expect(200, "GET", &format!("/Users/{ada}"), None);
    assert_eq!((user.get("displayName"), &user["meta"]["version"]), (None, &json!("W/\"1\"")));
}

#[test]
fn filters_and_pages_that_are_none_are_400() {
    let directory = Directory::start();
    for filter in
        ["userName", "userName eq", "nothing eq \"x\"", "userName eq x", "(", "active gt true", &"(".repeat(3000)]
    {
        let query = format!("/Users?filter={}", escaped(filter));
        directory.call("GET", &query, None).is_scim_error(400, Some("invalidFilter"));
        let search = json!({"filter": filter});
        directory.call("POST", "/Users/.search", Some(search)).is_scim_error(400, Some("invalidFilter"));
    }
    let long = format!("userName eq \"{}\"", "x".repeat(5000));
    directory.call("GET", &format!("/Users?filter={}", escaped(&long)), None).is_scim_error(400, Some("invalidFilter"));
    directory.call("GET", "/Groups?filter=members%20pr", None).is_scim_error(400, Some("invalidFilter"));
    for query in ["startIndex=x", "count=1.5", "count=", "attributes=userName&excludedAttributes=emails"] {
        directory.call("GET", &format!("/Users?{query}"), None).is_scim_error(400, Some("invalidValue"));
    }
    // Entra's own mark, and what we do not do, are no errors.
    assert_eq!(directory.call("GET", "/Users?aadOptscim062020&sortBy=userName", None).status, 200);
    assert_eq!(
        directory.expect(200, "GET", "/Users?filter=userName%20eq%20%22a%5Cu0000%22", None)["totalResults"],
        json!(0)
    );
}

#[test]
fn odd_ids_are_not_found_and_odd_types_not_read() {
    let directory = Directory::start();
    for odd in ["%ff", "%00", "a%00b", "..%2F", "%27%20OR%201%3D1", &"x".repeat(4000), "é"] {
        for kind in ["Users", "Groups"] {
            let odd = if odd == "é" { escaped(odd) } else { odd.to_owned() };
            directory.call("GET", &format!("/{kind}/{odd}"), None).is_scim_error(404, None);
            directory.call("DELETE", &format!("/{kind}/{odd}"), None).is_scim_error(404, None);
        }
    }
    let headers = [("authorization", format!("Bearer {SCIM}"))];
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"] {
        let body = Some((kind, b"{}".to_vec()));
        directory.store.send("POST", "/scim/v2/acme/Users", &headers, body).is_scim_error(415, None);
    }
    assert!(said_too_large(&directory).starts_with("HTTP/1.1 413 "));
    let crowd = json!({"schemas": [GROUP], "displayName": "crowd", "members": vec!["x"; 20_001]});
    directory.call("POST", "/Groups", Some(crowd)).is_scim_error(400, Some("invalidValue"));
    let member = json!({"schemas": [GROUP], "displayName": "odd", "members": [{"value": "a\u{0}"}]});
    directory.call("POST", "/Groups", Some(member)).is_scim_error(400, Some("invalidValue"));
    assert_eq!(directory.expect(200, "GET", "/Users", None)["totalResults"], json!(0));
    assert_eq!(directory.expect(200, "GET", "/Groups", None)["totalResults"], json!(0));
}

/// What a client hears who announces a large body. The store does not wait for it.
fn said_too_large(directory: &Directory) -> String {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(directory.store.address).unwrap();
    let head = format!(
        "POST /scim/v2/acme/Users HTTP/1.1\r\nhost: store\r\nauthorization: Bearer {SCIM}\r\n\
         content-type: application/json\r\ncontent-length: 5000000\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

#[test]
fn passwords_are_nowhere() {
    let directory = Directory::start();
    let user = json!({"schemas": [USER], "userName": "ada", "password": "hunter2-hunter2"});
    let created = directory.expect(201, "POST", "/Users", Some(user));
    let path = format!("/Users/{}", super::id(&created));
    directory.patch(&path, json!({"op": "replace", "value": {"password": "hunter2-hunter2", "title": "x"}}));
    for password in ["password", "urn:ietf:params:scim:schemas:core:2.0:User:Password"] {
        directory.patch(&path, json!({"op": "Replace", "path": password, "value": "hunter2-hunter2"}));
    }
    let stored = directory.store.database.sql("SELECT document FROM directory_users");
    assert!(!stored.contains("hunter2") && stored.contains("title"), "{stored}");
    let shown: Value = directory.expect(200, "GET", &format!("{path}?attributes=password"), None);
    assert!(!shown.to_string().contains("hunter2"));
}
