//! Resources as requests bring them: what is kept, put right, ignored and refused.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Document, Input, ResourceType, Stored, members};
use crate::scim::error::ScimErrorKind;
use crate::scim::etag::Version;
use ResourceType::{Group, User};

const USER_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const GROUP_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// The document of a user with these attributes.
fn user(attributes: Value) -> Result<Value, ScimErrorKind> {
    let mut body = json!({"schemas": [USER_URN], "userName": "ada"});
    body.as_object_mut().unwrap().extend(attributes.as_object().unwrap().clone());
    let input = Input::read(User, &body).map_err(|error| error.kind)?;
    Ok(Value::Object(input.document.to_map()))
}

#[test]
fn names_become_canonical_and_loose_values_are_put_right() {
    for (sent, kept) in [
        (
            json!({"NICKNAME": "A", "Name": {"GivenName": "Ada"}}),
            json!({"nickName": "A", "name": {"givenName": "Ada"}}),
        ),
        (json!({"active": "False"}), json!({"active": false})),
        (json!({"active": null, "title": null, "emails": [], "name": {}}), json!({})),
        (json!({"emails": {"value": "a@b"}}), json!({"emails": [{"value": "a@b"}]})),
        (json!({"emails": ["a@b", null]}), json!({"emails": [{"value": "a@b"}]})),
        (
            json!({"roles": [{"value": "admin", "primary": "True", "unknown": 1}]}),
            json!({"roles": [{"value": "admin", "primary": true}]}),
        ),
        (json!({ENTERPRISE: {"Manager": "m1"}}), json!({ENTERPRISE: {"manager": {"value": "m1"}}})),
        (json!({ENTERPRISE: {"manager": ""}}), json!({})),
        (json!({ENTERPRISE: null}), json!({})),
        (
            json!({"addresses": [{"formatted": "1 Street\nCity"}]}),
            json!({"addresses": [{"formatted": "1 Street\nCity"}]}),
        ),
    ] {
        let mut expected = json!({"userName": "ada"});
        expected.as_object_mut().unwrap().extend(kept.as_object().unwrap().clone());
        assert_eq!(user(sent.clone()), Ok(expected), "{sent}");
    }
}

#[test]
fn passwords_and_all_that_is_read_only_or_unknown_are_not_kept() {
    let sent = json!({
        "id": "mine", "password": "hunter2-hunter2", "Password": "hunter2", "groups": [{"value": "g"}],
        "meta": {"version": "x"}, "unknown": {"deep": [1]}, "urn:custom:2.0:User": {"password": "hunter2"},
        ENTERPRISE: {"password": "hunter2", "department": "R"},
    });
    let mut sent_once = sent.clone();
    sent_once.as_object_mut().unwrap().remove("Password");
    assert_eq!(user(sent_once), Ok(json!({"userName": "ada", ENTERPRISE: {"department": "R"}})));
    assert_eq!(user(sent), Err(ScimErrorKind::InvalidSyntax), "the same name twice");
}

#[test]
fn what_no_schema_allows_is_refused() {
    for attributes in [
        json!({"userName": ""}),
        json!({"userName": "  "}),
        json!({"userName": null}),
        json!({"userName": 7}),
        json!({"userName": ["ada"]}),
        json!({"userName": "x".repeat(1025)}),
        json!({"userName": "a\u{0}b"}),
        json!({"externalId": {"a": 1}}),
        json!({"active": "maybe"}),
        json!({"active": 1}),
        json!({"name": "Ada"}),
        json!({"name": {"givenName": "A", "givenname": "B"}}),
        json!({"emails": [{"value": 1}]}),
        json!({"emails": [7]}),
        json!({"emails": [{"value": "a", "primary": true}, {"value": "b", "primary": true}]}),
        json!({"emails": vec!["a@b"; 101]}),
        json!({ENTERPRISE: "x"}),
        json!({"x509Certificates": vec![json!({"value": "x".repeat(8000)}); 10]}),
    ] {
        assert_eq!(user(attributes.clone()), Err(ScimErrorKind::InvalidValue), "{attributes}");
    }
    for body in [
        json!(null),
        json!([]),
        json!("x"),
        json!({}),
        json!({"userName": "ada"}),
        json!({"schemas": USER_URN, "userName": "ada"}),
        json!({"schemas": [], "userName": "ada"}),
        json!({"schemas": [ENTERPRISE], "userName": "ada"}),
        json!({"schemas": [GROUP_URN], "userName": "ada"}),
    ] {
        assert_eq!(Input::read(User, &body).unwrap_err().kind, ScimErrorKind::InvalidSyntax, "{body}");
    }
}

#[test]
fn members_are_ids_however_they_are_written() {
    let group = |members: Value| {
        let body = json!({"schemas": [GROUP_URN], "displayName": "staff", "members": members});
        Input::read(Group, &body).map(|input| (input.document.to_map(), input.members))
    };
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    let sent = json!([{"value": "a", "display": "A"}, {"$ref": "https://x/Users/b"}, "c", {"VALUE": "a"}]);
    let (document, members) = group(sent).unwrap();
    assert_eq!(members, Some(ids(&["a", "b", "c"])));
    assert_eq!(Value::Object(document), json!({"displayName": "staff"}), "members are no part of the document");
    assert_eq!(group(json!([])).unwrap().1, Some(ids(&[])));
    for wrong in [json!([{}]), json!([{"value": ""}]), json!([{"value": 1}]), json!([1]), json!(true)] {
        assert_eq!(group(wrong.clone()).unwrap_err().kind, ScimErrorKind::InvalidValue, "{wrong}");
    }
    assert!(super::members(&json!(vec!["a"; 20_001])).is_err());
    let body = json!({"schemas": [GROUP_URN], "displayName": "staff"});
    assert_eq!(Input::read(Group, &body).unwrap().members, None, "not listed is not empty");
}

#[test]
fn a_stored_resource_is_answered_whole() {
    let document = json!({"userName": "ada", ENTERPRISE: {"department": "R"}});
    let stored = Stored {
        kind: User,
        id: "u1".to_owned(),
        document: Document::from_stored(User, document.as_object().unwrap().clone()),
        created_at: 1_767_225_600,
        updated_at: 1_767_225_601,
        version: Version(3),
        members: 0,
    };
    let mut resource = stored.resource("/scim/v2/acme");
    let groups = [super::GroupOfUser { id: "g1".to_owned(), display_name: "staff".to_owned(), external_id: None }];
    Stored::add_groups(&mut resource, &groups, "/scim/v2/acme");
    assert_eq!(
        Value::Object(resource),
        json!({
            "schemas": [USER_URN, ENTERPRISE],
            "id": "u1",
            "userName": "ada",
            ENTERPRISE: {"department": "R"},
            "groups": [{"value": "g1", "$ref": "/scim/v2/acme/Groups/g1", "display": "staff", "type": "direct"}],
            "meta": {
                "resourceType": "User",
                "created": "2026-01-01T00:00:00Z",
                "lastModified": "2026-01-01T00:00:01Z",
                "location": "/scim/v2/acme/Users/u1",
                "version": "W/\"3\"",
            },
        })
    );
}

#[test]
fn who_is_neither_active_nor_inactive_is_inactive() {
    let mut document = Document::default();
    assert!(!document.is_active());
    document.default_active(Some(true));
    assert!(document.is_active());
    document.default_active(Some(false));
    assert!(document.is_active(), "what is there stays");
}

#[test]
fn the_primary_email_comes_first_and_some_name_is_found() {
    let read = |attributes: Value| {
        let mut body = json!({"schemas": [USER_URN], "userName": "ada"});
        body.as_object_mut().unwrap().extend(attributes.as_object().unwrap().clone());
        Input::read(User, &body).unwrap().document
    };
    let document = read(json!({"emails": [{"value": "a"}, {"type": "x"}, {"value": "b", "primary": true}]}));
    assert_eq!(document.emails(), ["b", "a"]);
    assert_eq!(document.shown_name(), None);
    let name = |attributes| read(attributes).shown_name();
    assert_eq!(name(json!({"name": {"givenName": "A", "familyName": "B"}})).as_deref(), Some("A B"));
    assert_eq!(name(json!({"name": {"formatted": "F", "givenName": "A"}})).as_deref(), Some("F"));
    assert_eq!(name(json!({"displayName": "D", "name": {"formatted": "F"}})).as_deref(), Some("D"));
}

/// Any JSON, not too deep, with some names that mean something.
pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let text = prop::sample::select(vec!["", "true", "False", "ada", "\u{0}", "é", "work"]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i32>().prop_map(|number| json!(number)),
        text.prop_map(|text| json!(text)),
    ];
    let name = prop::sample::select(vec![
        "schemas",
        "userName",
        "displayName",
        "members",
        "value",
        "type",
        "primary",
        "emails",
        "name",
        "manager",
        "active",
        "op",
        "path",
        "Operations",
        "name.givenName",
        "emails[type eq \"work\"].value",
        "$ref",
        ENTERPRISE,
        "x",
    ]);
    leaf.prop_recursive(4, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            prop::collection::vec((name.clone(), inner), 0..6)
                .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn no_body_panics_and_what_is_read_is_read_again_the_same(body in any_json()) {
        for (kind, urn) in [(User, USER_URN), (Group, GROUP_URN)] {
            let mut body = body.clone();
            if let Value::Object(body) = &mut body {
                body.insert("schemas".to_owned(), json!([urn]));
                body.insert(kind.required().to_owned(), json!("x"));
            }
            let _ = members(&body);
            if let Ok(input) = Input::read(kind, &body) {
                let mut again = input.document.to_map();
                again.insert("schemas".to_owned(), json!([urn]));
                prop_assert_eq!(&Input::read(kind, &Value::Object(again)).unwrap().document, &input.document);
                let stored = Document::from_stored(kind, input.document.to_map());
                prop_assert_eq!(stored, input.document);
            }
        }
    }
}
