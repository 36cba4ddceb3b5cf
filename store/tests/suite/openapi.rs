//! The OpenAPI document is true: its routes answer, its fields are there.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::suite::harness::{ADMIN, FILTER, Reply, SCIM, Store, ensure, id, login, with};

fn document(store: &Store) -> Value {
    let reply = store.send("GET", "/openapi.json", &[], None);
    assert_eq!((reply.status, reply.header("content-type")), (200, "application/json"));
    reply.json
}

fn names(object: &Value) -> BTreeSet<String> {
    object.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn every_documented_route_answers_as_documented() {
    let store = Store::start();
    let document = document(&store);
    let mut operations = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let member =
                id(&store.add("manual", &json!({"email": format!("m{}@acme.example", operations.len())})).json);
            let url = path.replace("{organization}", "manual").replace("{member}", &member);
            let url = url.replace("{parent}", "acme").replace("{id}", &resource(&store, path, operations.len()));
            operations.insert(format!("{method} {path}"));
            let token = match operation["security"][0].as_object().and_then(|scheme| scheme.keys().next()) {
                Some(scheme) if scheme == "filter" => FILTER,
                Some(scheme) if scheme == "directory" => SCIM,
                Some(_) => ADMIN,
                None => "",
            };
            let body = operation.get("requestBody").map(|_| json!({"surprise": true}));
            let reply: Reply = store.call(&method.to_uppercase(), &url, token, body.as_ref());
            let documented = names(&operation["responses"]);
            assert!(documented.contains(&reply.status.to_string()), "{method} {path}: {} {}", reply.status, reply.text);
            let expected = if body.is_some() { 400..=400 } else { 200..=204 };
            assert!(expected.contains(&reply.status), "{method} {path}: {} {}", reply.status, reply.text);
            if !token.is_empty() {
                assert!(documented.contains("401"), "{method} {path}");
                assert_eq!(store.call(&method.to_uppercase(), &url, "", body.as_ref()).status, 401, "{method} {path}");
            }
        }
    }
    let expected = [
        "delete /v1/organizations/{organization}/members/{member}",
        "get /healthz",
        "get /metrics",
        "delete /scim/v2/{parent}/Groups/{id}",
        "delete /scim/v2/{parent}/Users/{id}",
        "get /openapi.json",
        "get /readyz",
        "get /scim/v2/{parent}/Groups",
        "get /scim/v2/{parent}/Groups/{id}",
        "get /scim/v2/{parent}/ResourceTypes",
        "get /scim/v2/{parent}/ResourceTypes/{id}",
        "get /scim/v2/{parent}/Schemas",
        "get /scim/v2/{parent}/Schemas/{id}",
        "get /scim/v2/{parent}/ServiceProviderConfig",
        "get /scim/v2/{parent}/Users",
        "get /scim/v2/{parent}/Users/{id}",
        "patch /scim/v2/{parent}/Groups/{id}",
        "patch /scim/v2/{parent}/Users/{id}",
        "post /scim/v2/{parent}/Groups",
        "post /scim/v2/{parent}/Users",
        "put /scim/v2/{parent}/Groups/{id}",
        "put /scim/v2/{parent}/Users/{id}",
        "get /v1/audit",
        "get /v1/changes",
        "get /v1/organizations/{organization}/members",
        "get /v1/organizations/{organization}/members/{member}",
        "get /v1/organizations/{organization}/seats",
        "get /v1/parents",
        "post /v1/parents/{parent}/sync",
        "patch /v1/organizations/{organization}/members/{member}",
        "post /v1/organizations/{organization}/logins",
        "post /v1/organizations/{organization}/members",
    ];
    assert_eq!(operations, expected.map(str::to_owned).into());
}

/// The id of something that a SCIM route can be asked for.
fn resource(store: &Store, path: &str, number: usize) -> String {
    let (kind, name) = match path.split('/').nth(4) {
        Some("ResourceTypes") => return "User".to_owned(),
        Some("Schemas") => return "urn:ietf:params:scim:schemas:core:2.0:User".to_owned(),
        Some("Users") => ("User", "userName"),
        Some("Groups") => ("Group", "displayName"),
        _ => return String::new(),
    };
    let mut body = json!({"schemas": [format!("urn:ietf:params:scim:schemas:core:2.0:{kind}")]});
    body[name] = json!(format!("n{number}"));
    id(&store.call("POST", &format!("/scim/v2/acme/{kind}s"), SCIM, Some(&body)).json)
}

#[test]
fn every_documented_field_is_there_and_no_other() {
    let store = Store::start();
    let schemas = document(&store)["components"]["schemas"].clone();
    let reply = store.login("jit", &login("bea", 1, ensure()));
    let list = store.list("jit", "");
    let seats = store.seats("jit");
    let changes = store.changes("").json;
    let audit = store.call("GET", "/v1/audit?organization=jit", ADMIN, None).json;
    let problem = store.send("GET", "/nowhere", &[], None).json;
    for (schema, value) in [
        ("LoginResponse", &reply.json),
        ("Member", &reply.json["member"]),
        ("Member", &list["members"][0]),
        ("MemberList", &list),
        ("Seats", &seats),
        ("Changes", &changes),
        ("Change", &changes["changes"][0]),
        ("SeatTier", &seats["tiers"][0]),
        ("AuditPage", &audit),
        ("AuditEntry", &audit["entries"][0]),
        ("Problem", &problem),
    ] {
        assert_eq!(names(&schemas[schema]["properties"]), names(value), "{schema}");
    }
    let always: BTreeSet<_> = schemas["Member"]["required"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(always, names(&schemas["Member"]["properties"]), "a member's fields are null, never absent");
}

#[test]
fn the_documented_login_is_what_the_store_reads() {
    let store = Store::start();
    let schema = document(&store)["components"]["schemas"]["Login"].clone();
    let example = schema["examples"][0].clone();
    assert_eq!(store.login("jit", &example).status, 200);

    let whole = with(&example, json!({"name": "Ada", "external_id": "x", "preview": false}));
    assert_eq!(names(&schema["properties"]), names(&whole));
    assert_eq!(store.login("jit", &whole).status, 200, "every documented field is known");
    for field in schema["required"].as_array().unwrap() {
        let mut without = whole.clone();
        without.as_object_mut().unwrap().remove(field.as_str().unwrap());
        assert_eq!(store.login("jit", &without).status, 400, "{field} is required");
    }
    for plan in schema["properties"]["plan"]["oneOf"].as_array().unwrap() {
        let fields = plan["properties"].as_object().unwrap().iter().map(|(name, field)| {
            let value = match (name.as_str(), &field["enum"][0]) {
                ("do", kind) => kind.clone(),
                ("reason", _) => json!("not_assigned"),
                _ => json!("user"),
            };
            (name.clone(), value)
        });
        let reply = store.login("jit", &with(&whole, json!({"plan": Value::Object(fields.collect())})));
        assert!(matches!(reply.status, 200 | 409), "{plan}: {}", reply.text);
    }
}
