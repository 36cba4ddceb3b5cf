//! PATCH: what every form that providers send does, and what is refused.

mod members;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::Patch;
use crate::scim::error::{ScimError, ScimErrorKind};
use crate::scim::resource::ResourceType::{Group, User};
use crate::scim::resource::{Document, Input, any_json};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn ada() -> Document {
    let ada = json!({
        "userName": "ada", "active": true, "displayName": "Ada", "name": {"givenName": "Ada", "familyName": "L"},
        "emails": [{"value": "ada@acme.example", "type": "work", "primary": true}],
        "roles": [{"value": "a"}, {"value": "b"}],
        ENTERPRISE: {"department": "R&D"},
    });
    Document::from_stored(User, ada.as_object().unwrap().clone())
}

fn patched(operations: Value) -> Result<Value, ScimError> {
    let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations});
    let (document, changes) = Patch::read(&body)?.apply(User, ada())?;
    assert_eq!(changes, []);
    Ok(Value::Object(document.to_map()))
}

/// Checks what the operation changes, attribute by attribute; null is gone.
#[track_caller]
fn check(operation: Value, changes: Value) {
    let mut expected = ada().to_map();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(expected.remove(name)),
            value => drop(expected.insert(name.clone(), value.clone())),
        }
    }
    assert_eq!(patched(json!([operation.clone()])), Ok(Value::Object(expected)), "{operation}");
}

#[track_caller]
fn refused(operation: Value, kind: ScimErrorKind) {
    assert_eq!(patched(json!([operation.clone()])).map_err(|error| error.kind), Err(kind), "{operation}");
}

#[test]
fn values_are_added_replaced_and_removed_by_path() {
    check(json!({"op": "replace", "path": "displayName", "value": "A"}), json!({"displayName": "A"}));
    check(json!({"op": "add", "path": "nickName", "value": "A"}), json!({"nickName": "A"}));
    check(json!({"op": "replace", "path": "nickName", "value": "A"}), json!({"nickName": "A"}));
    check(json!({"op": "remove", "path": "displayName"}), json!({"displayName": null}));
    check(json!({"op": "replace", "path": "displayName", "value": null}), json!({"displayName": null}));
    check(json!({"op": "remove", "path": "nickName"}), json!({}));
    check(
        json!({"op": "replace", "path": "name.givenName", "value": "B"}),
        json!({"name": {"givenName": "B", "familyName": "L"}}),
    );
    check(json!({"op": "remove", "path": "name.givenName"}), json!({"name": {"familyName": "L"}}));
    // A complex attribute keeps the parts that are not named, on `replace` too.
    check(
        json!({"op": "replace", "path": "name", "value": {"givenName": "B"}}),
        json!({"name": {"givenName": "B", "familyName": "L"}}),
    );
    check(json!({"op": "remove", "path": "active"}), json!({"active": null}));
    check(json!({"op": "remove", "path": "emails"}), json!({"emails": null}));
    check(json!({"op": "replace", "path": "emails", "value": []}), json!({"emails": null}));
    check(
        json!({"op": "replace", "path": "emails", "value": [{"value": "b@x"}]}),
        json!({"emails": [{"value": "b@x"}]}),
    );
    check(
        json!({"op": "replace", "path": "emails.value", "value": "b@x"}),
        json!({"emails": [{"value": "b@x", "type": "work", "primary": true}]}),
    );
    check(
        json!({"op": "replace", "path": "phoneNumbers.value", "value": "1"}),
        json!({"phoneNumbers": [{"value": "1"}]}),
    );
}

#[test]
fn an_added_value_is_not_doubled_and_there_is_one_primary() {
    check(
        json!({"op": "add", "path": "roles", "value": [{"value": "b"}, {"value": "c"}]}),
        json!({"roles": [{"value": "a"}, {"value": "b"}, {"value": "c"}]}),
    );
    check(
        json!({"op": "add", "path": "emails", "value": [{"value": "b@x", "primary": true}]}),
        json!({"emails": [
            {"value": "ada@acme.example", "type": "work", "primary": false}, {"value": "b@x", "primary": true},
        ]}),
    );
    check(
        json!({"op": "add", "path": "emails", "value": {"value": "ada@acme.example", "type": "work", "display": "A"}}),
        json!({"emails": [{"value": "ada@acme.example", "type": "work", "primary": true, "display": "A"}]}),
    );
    refused(
        json!({"op": "add", "path": "emails", "value": [{"value": "b", "primary": true}, {"value": "c", "primary": true}]}),
        ScimErrorKind::InvalidValue,
    );
}

#[test]
fn entra_writes_verbs_booleans_and_paths_in_its_own_way() {
    check(json!({"op": "Replace", "path": "active", "value": "False"}), json!({"active": false}));
    check(
        json!({"op": "Add", "path": "active", "value": [{"$ref": null, "value": "False"}]}),
        json!({"active": false}),
    );
    check(
        json!({"op": "Add", "path": "displayName", "value": [{"$ref": null, "value": "B"}]}),
        json!({"displayName": "B"}),
    );
    check(
        json!({"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "b@x"}),
        json!({"emails": [{"value": "b@x", "type": "work", "primary": true}]}),
    );
    // A filter that matches nothing yet describes what is to be made.
    check(
        json!({"op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "1"}),
        json!({"phoneNumbers": [{"type": "mobile", "value": "1"}]}),
    );
    check(
        json!({"op": "Replace", "path": "emails[type eq \"home\" and primary eq true].value", "value": "h@x"}),
        json!({"emails": [
            {"value": "ada@acme.example", "type": "work", "primary": false},
            {"value": "h@x", "type": "home", "primary": true},
        ]}),
    );
    check(
        json!({"op": "Replace", "value": {
            "displayName": "B", "name.givenName": "G", "name.familyName": "F", "active": "False",
            "emails[type eq \"work\"].value": "b@x",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "Q",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value": "m1",
            "urn:ietf:params:scim:schemas:core:2.0:User:title": "T",
            "urn:custom:2.0:User:tag": "x", "unknown": 1, "id": "x", "meta": {}, "schemas": [], "groups": [],
            "password": "hunter2",
        }}),
        json!({
            "displayName": "B", "name": {"givenName": "G", "familyName": "F"}, "active": false, "title": "T",
            "emails": [{"value": "b@x", "type": "work", "primary": true}],
            ENTERPRISE: {"department": "Q", "manager": {"value": "m1"}},
        }),
    );
    check(
        json!({"op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", "value": "m1"}),
        json!({ENTERPRISE: {"department": "R&D", "manager": {"value": "m1"}}}),
    );
    check(
        json!({"op": "Remove", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"}),
        json!({ENTERPRISE: null}),
    );
    check(json!({"op": "Remove", "path": "roles", "value": [{"value": "a"}]}), json!({"roles": [{"value": "b"}]}));
    check(json!({"op": "Remove", "path": "roles[value eq \"a\"]"}), json!({"roles": [{"value": "b"}]}));
}

#[test]
fn extensions_are_changed_whole_or_in_parts() {
    check(
        json!({"op": "add", "path": ENTERPRISE, "value": {"costCenter": "1", "unknown": 2}}),
        json!({ENTERPRISE: {"department": "R&D", "costCenter": "1"}}),
    );
    check(
        json!({"op": "replace", "value": {ENTERPRISE: {"department": "Q"}}}),
        json!({ENTERPRISE: {"department": "Q"}}),
    );
    check(json!({"op": "remove", "path": ENTERPRISE}), json!({ENTERPRISE: null}));
    check(json!({"op": "replace", "path": "urn:custom:2.0:User:tag", "value": "x"}), json!({}));
}

#[test]
fn okta_changes_without_a_path() {
    check(json!({"op": "replace", "value": {"active": false}}), json!({"active": false}));
    check(json!({"op": "replace", "value": {"password": "hunter2"}}), json!({}));
    check(json!({"op": "replace", "path": "password", "value": "hunter2"}), json!({}));
    check(json!({"op": "replace", "path": "", "value": {"active": false}}), json!({"active": false}));
}

#[test]
fn what_cannot_be_done_is_refused_with_its_scim_type() {
    use ScimErrorKind::{InvalidFilter, InvalidPath, InvalidSyntax, InvalidValue, Mutability, NoTarget};
    for (operation, kind) in [
        (json!({"op": "remove"}), NoTarget),
        (json!({"op": "replace", "path": "roles[value eq \"c\" or value eq \"d\"].display", "value": "x"}), NoTarget),
        (json!({"op": "replace", "path": "roles[value sw \"c\"].display", "value": "x"}), NoTarget),
        (json!({"op": "remove", "path": "roles[value eq \"c\"]"}), NoTarget),
        (json!({"op": "remove", "path": "userName"}), Mutability),
        (json!({"op": "replace", "path": "id", "value": "x"}), Mutability),
        (json!({"op": "replace", "path": "meta.created", "value": "x"}), Mutability),
        (json!({"op": "add", "path": "groups", "value": [{"value": "g"}]}), Mutability),
        (json!({"op": "replace", "path": "userName", "value": ""}), InvalidValue),
        (json!({"op": "replace", "path": "userName", "value": null}), InvalidValue),
        (json!({"op": "replace", "path": "userName"}), InvalidValue),
        (json!({"op": "replace", "path": "active", "value": "perhaps"}), InvalidValue),
        (json!({"op": "replace", "path": "displayName", "value": "x".repeat(2000)}), InvalidValue),
        (json!({"op": "replace", "value": "x"}), InvalidValue),
        (json!({"op": "replace"}), InvalidValue),
        (json!({"op": "replace", "path": "unknown", "value": 1}), InvalidPath),
        (json!({"op": "replace", "path": "name.unknown", "value": 1}), InvalidPath),
        (json!({"op": "replace", "path": "emails[type eq \"work\"].unknown", "value": 1}), InvalidPath),
        (json!({"op": "replace", "path": "emails[type eq \"work\"]x", "value": 1}), InvalidPath),
        (json!({"op": "replace", "path": "name[givenName pr]", "value": {}}), InvalidPath),
        (json!({"op": "replace", "path": "displayName]", "value": "x"}), InvalidPath),
        (json!({"op": "replace", "path": "x".repeat(5000), "value": 1}), InvalidPath),
        (json!({"op": "replace", "path": 7, "value": 1}), InvalidPath),
        (json!({"op": "replace", "path": "emails[type eq \"work\"", "value": {}}), InvalidFilter),
        (json!({"op": "replace", "path": "emails[type xx \"work\"].value", "value": "x"}), InvalidFilter),
        (json!({"op": "replace", "path": format!("emails[{}", "(".repeat(1000)), "value": "x"}), InvalidFilter),
        (json!({"op": "move", "path": "title", "value": "x"}), InvalidSyntax),
        (json!({"path": "title", "value": "x"}), InvalidSyntax),
        (json!({"op": "add", "Op": "remove", "path": "title", "value": "x"}), InvalidSyntax),
        (json!("x"), InvalidSyntax),
    ] {
        refused(operation, kind);
    }
    for body in [
        json!([]),
        json!({}),
        json!({"Operations": []}),
        json!({"Operations": {}}),
        json!({"Operations": vec![json!({"op": "add", "value": {}}); 5001]}),
        json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "Operations": [{"op": "add", "value": {}}]}),
    ] {
        assert_eq!(Patch::read(&body).unwrap_err().kind, InvalidSyntax);
    }
    assert!(Patch::read(&json!({"operations": [{"OP": "ADD", "VALUE": {}}]})).is_ok());
}

#[test]
fn operations_see_what_those_before_them_did() {
    let operations = json!([
        {"op": "add", "path": "title", "value": "T"},
        {"op": "replace", "path": "emails[type eq \"home\"].value", "value": "h@x"},
        {"op": "replace", "path": "emails[type eq \"home\"].display", "value": "H"},
        {"op": "remove", "path": "title"},
    ]);
    let patched = patched(operations).unwrap();
    assert_eq!(patched.get("title"), None);
    assert_eq!(patched["emails"][1], json!({"type": "home", "value": "h@x", "display": "H"}));
}

#[test]
fn an_attribute_never_has_more_values_than_may_be_stored_not_even_for_a_while() {
    let roles = |n: usize| json!((0..n).map(|n| json!({"value": n.to_string()})).collect::<Vec<_>>());
    let added = |path: &str, value: Value| {
        let first = json!({"op": "replace", "path": "roles", "value": roles(99)});
        let then = json!({"op": "add", "path": path, "value": value});
        patched(json!([first, then, {"op": "remove", "path": "roles"}])).map_err(|error| error.kind).map(drop)
    };
    let more = |n: usize| json!((0..n).map(|n| json!({"value": format!("more {n}")})).collect::<Vec<_>>());
    assert_eq!(added("roles", more(1)), Ok(()));
    assert_eq!(added("roles", more(2)), Err(ScimErrorKind::InvalidValue));
    assert_eq!(added("roles[value eq \"x\"].display", json!("X")), Ok(()));
    let beyond = (0..2).map(|n| json!({"op": "add", "path": format!("roles[value eq \"{n}x\"].type"), "value": "x"}));
    let first = json!({"op": "replace", "path": "roles", "value": roles(99)});
    let removed = json!({"op": "remove", "path": "roles"});
    let operations: Vec<_> = std::iter::once(first).chain(beyond).chain([removed]).collect();
    assert_eq!(patched(json!(operations)).map_err(|error| error.kind).map(drop), Err(ScimErrorKind::InvalidValue));
}

#[test]
fn a_request_changes_so_many_attributes_and_as_many_members_as_it_names() {
    let title = |n: usize| json!({"op": "replace", "path": "title", "value": n.to_string()});
    let foreign =
        |_| json!({"op": "add", "path": "urn:ietf:params:scim:schemas:extension:custom:2.0:User:x", "value": 1});
    let operations: Vec<_> = (0..200).map(title).chain((0..1_000).map(foreign)).collect();
    assert_eq!(patched(json!(operations)).unwrap()["title"], json!("199"));
    assert_eq!(patched(json!((0..201).map(title).collect::<Vec<_>>())).unwrap_err().kind, ScimErrorKind::InvalidValue);
    // Without a path one operation may name many, in whatever case.
    let names = ["emails", "Emails", "EMAILS", "eMAILS"].map(|name| (name.to_owned(), json!([])));
    let operation = json!({"op": "replace", "value": Map::from_iter(names)});
    assert!(patched(json!(vec![operation.clone(); 50])).is_ok());
    assert_eq!(patched(json!(vec![operation; 51])).unwrap_err().kind, ScimErrorKind::InvalidValue);
}

proptest! {
    #[test]
    fn no_patch_panics_and_what_it_leaves_is_a_resource(
        path in prop::option::of(prop_oneof!["\\PC{0,40}", "(emails|members|name|active|displayName)(\\[(type|value) eq \"(work|a)\"\\])?(\\.value)?"]),
        verb in "(add|Remove|replace)",
        value in any_json(),
    ) {
        let body = json!({"Operations": [{"op": verb, "path": path, "value": value}]});
        if let Ok((document, _)) = Patch::read(&body).and_then(|patch| patch.apply(User, ada())) {
            let mut again = document.to_map();
            again.insert("schemas".to_owned(), json!(["urn:ietf:params:scim:schemas:core:2.0:User"]));
            prop_assert_eq!(Input::read(User, &Value::Object(again)).unwrap().document, document);
        }
        let group = Document::from_stored(Group, Map::from_iter([("displayName".to_owned(), json!("staff"))]));
        let _ = Patch::read(&body).and_then(|patch| patch.apply(Group, group));
        let _ = Patch::read(&value);
    }
}
