//! What a directory sends, given what no directory would write: no panic, one reading, and no more than came in.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use usher_policy::json as strict;

use super::filter::{Filter, Plan};
use super::patch::Patch;
use super::resource::{Document, ResourceType};
use mutate::fuzz;

#[path = "../../../policy/tests/fuzz/mutate.rs"]
mod mutate;

fn seeds(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/scim/seeds").join(target)
}

fn ada() -> Map<String, Value> {
    let ada = json!({
        "userName": "ada@acme.example", "active": true, "displayName": "Ada", "name": {"givenName": "Ada"},
        "emails": [{"value": "ada@acme.example", "type": "work", "primary": true}], "roles": [{"value": "a"}, {"value": "b"}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "R&D"},
    });
    ada.as_object().unwrap().clone()
}

fn staff() -> Map<String, Value> {
    json!({"displayName": "Staff", "externalId": "1"}).as_object().unwrap().clone()
}

#[test]
fn filters() {
    let words = [
        " eq ",
        " co ",
        " pr",
        " and ",
        " or ",
        "not (",
        "emails[",
        "]",
        "(",
        ")",
        "\"",
        "userName",
        "meta.lastModified",
        "urn:",
        ".",
        "true",
        "members",
    ];
    fuzz(&seeds("filter"), &words, |text| {
        let Ok(text) = std::str::from_utf8(text) else { return };
        for (kind, resource) in [(ResourceType::User, ada()), (ResourceType::Group, staff())] {
            if let Ok(filter) = Filter::parse(kind, text) {
                assert_eq!(
                    filter.matches(&resource),
                    Filter::parse(kind, text).unwrap().matches(&resource),
                    "two readings"
                );
                // What is planned as a look-up or refused; neither may fall over.
                drop(Plan::of(&filter));
            }
        }
    });
}

#[test]
fn patches() {
    let words = [
        "\"op\":",
        "\"path\":",
        "\"value\":",
        "\"remove\"",
        "\"add\"",
        "emails[type eq \\\"work\\\"]",
        "members",
        "primary",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        "[",
        "]",
    ];
    fuzz(&seeds("patch"), &words, |body| {
        let Ok(value) = strict::parse(body) else { return };
        let Ok(patch) = Patch::read(&value) else { return };
        for (kind, core) in [(ResourceType::User, ada()), (ResourceType::Group, staff())] {
            let before = Value::Object(core.clone()).to_string().len();
            let Ok((document, _)) = patch.apply(kind, Document::from_stored(kind, core.clone())) else { continue };
            let after = document.to_map();
            assert!(
                Value::Object(after.clone()).to_string().len() <= before + 2 * body.len() + 200,
                "more than came in"
            );
            // What was made of it can be kept, and means the same when it is read again.
            assert_eq!(Document::from_stored(kind, after.clone()).to_map(), after);
        }
    });
}
