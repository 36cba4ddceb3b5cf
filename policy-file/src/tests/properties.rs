//! Whatever comes in, an answer comes out; and no fault means a policy.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::from_json;
use super::base;

/// A value of any kind, often one that some field takes.
fn any_value() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "",
        "okta",
        "acme",
        "jit",
        "scim",
        "manual",
        "user",
        "owner",
        "premium",
        "remove",
        "/a",
        "/a/",
        "60s",
        "99999999d",
        "*.x",
        "[::1]",
        "https://[",
        "http://a:b@c/",
        "ada@acme.example",
        "@",
        "~",
        "/~",
        "\u{0}",
        "é",
        "RS256",
        "none",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let name = prop::sample::select(vec!["id", "uri", "inline", "keys", "cluster", "roles", "group", "email", "x"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..4)
                .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

/// Puts the value somewhere: `choices` picks a child at each level until it says stop.
fn mutate(document: &mut Value, choices: &[u8], value: Value) {
    let Some((choice, rest)) = choices.split_first() else {
        *document = value;
        return;
    };
    let choice = usize::from(*choice);
    match document {
        Value::Array(items) if !items.is_empty() => {
            let index = choice % items.len();
            mutate(&mut items[index], rest, value);
        }
        Value::Object(members) if !members.is_empty() => {
            let index = choice % members.len();
            mutate(members.values_mut().nth(index).unwrap(), rest, value);
        }
        _ => *document = value,
    }
}

fn rich() -> Value {
    let mut document = base();
    document["sessions"] = json!({"offline": {"keep": "1m"}});
    document["credentials"] = json!({"sources": ["authorization", {"cookie": "c"}, {"header": "x-h"}]});
    document["products"] = json!({"desk": {"roles": ["a", "b"], "seat_tiers": ["t"], "default_role": "a"}});
    document["admin_tokens"] = json!([{"name": "a", "token_env": "A", "parents": ["acme"]}]);
    let organization = &mut document["parents"][0]["organizations"][0];
    organization["primary_owner"] = json!({"email": "ada@acme.example", "connection": "okta"});
    organization["seats"] = json!({"caps": {"premium": 1}, "default": "remove"});
    organization["access"] = json!([{"path": "/a/", "roles": ["user"], "methods": ["GET"]}]);
    organization["bypass"] = json!([{"path": "/b"}]);
    document
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(from_json(&bytes).is_err());
    }

    #[test]
    fn no_change_of_a_good_document_panics(changes in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..10), any_value()), 1..4)) {
        let mut document = rich();
        for (choices, value) in changes {
            mutate(&mut document, &choices, value);
        }
        if let Err(faults) = from_json(&serde_json::to_vec(&document).unwrap()) {
            prop_assert!(!faults.is_empty(), "refused without a word: {document}");
        }
    }
}

#[cfg(feature = "yaml")]
proptest! {
    #[test]
    fn no_text_panics(text in "[-a:?*&!|>'\"\\[\\]{}, #%@`\\n\\t \u{0}é0-9.]{0,80}") {
        let _ = super::super::from_yaml(&text);
    }

    #[test]
    fn no_change_of_the_example_panics(at in 0..2_000_usize, put in "[-a:?*&!|>'\"\\[\\]{}, #%\\n\\t]{0,4}") {
        let mut text: Vec<char> = include_str!("../testdata/usher.yaml").chars().collect();
        let at = at % text.len();
        text.splice(at..(at + 2).min(text.len()), put.chars());
        if let Err(faults) = super::super::from_yaml(&text.into_iter().collect::<String>()) {
            prop_assert!(!faults.is_empty());
        }
    }
}
