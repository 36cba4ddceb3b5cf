//! What providers really say, as recorded in `store/tests/scim/dialogues`, and what they must hear.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Directory;
use crate::suite::harness::SCIM;

/// One provider's dialogue with an empty directory.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dialogue {
    about: String,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Step {
    Call {
        /// Why it is here.
        #[serde(default)]
        say: String,
        request: Request,
        reply: Expected,
        /// Names for values of the reply, by JSON pointer; later steps write `${name}`.
        #[serde(default)]
        keep: BTreeMap<String, String>,
    },
    /// Who is a member with which role, by organization.
    Members { members: BTreeMap<String, Value> },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    method: String,
    path: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<Value>,
}

/// Of the body, what is written here must be there; null must not. A list has all its elements.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    status: u16,
    body: Option<Value>,
}

#[test]
fn entra() {
    hold("entra");
}

#[test]
fn google() {
    hold("google");
}

#[test]
fn jumpcloud() {
    hold("jumpcloud");
}

#[test]
fn okta() {
    hold("okta");
}

#[test]
fn onelogin() {
    hold("onelogin");
}

#[test]
fn ping() {
    hold("ping");
}

fn hold(provider: &str) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/scim/dialogues").join(format!("{provider}.json"));
    let dialogue: Dialogue = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert!(!dialogue.about.is_empty());
    let directory = Directory::start();
    let mut kept = BTreeMap::new();
    for (number, step) in dialogue.steps.into_iter().enumerate() {
        match step {
            Step::Members { members } => {
                for (organization, expected) in members {
                    let found = directory.members(&organization, "role");
                    assert_eq!(found, expected, "{provider}, step {number}: the members of {organization}");
                }
            }
            Step::Call { say, request, reply: expected, keep } => {
                let place = format!("{provider}, step {number}: {} {} {say}", request.method, request.path);
                let reply = say_it(&directory, &request, &kept);
                assert_eq!(reply.status, expected.status, "{place}: {}", reply.text);
                if reply.status == 204 {
                    assert_eq!(reply.text, "", "{place}");
                } else {
                    assert_eq!(reply.header("content-type"), "application/scim+json", "{place}");
                }
                if let Some(expected) = expected.body {
                    has(&reply.json, &filled(&expected, &kept)).unwrap_or_else(|why| panic!("{place}: {why}"));
                }
                for (name, pointer) in keep {
                    let value = reply.json.pointer(&pointer).and_then(Value::as_str);
                    kept.insert(name, value.unwrap_or_else(|| panic!("{place}: {}", reply.text)).to_owned());
                }
            }
        }
    }
}

fn say_it(directory: &Directory, request: &Request, kept: &BTreeMap<String, String>) -> crate::suite::harness::Reply {
    let mut kind = "application/scim+json".to_owned();
    let mut headers = vec![("authorization", format!("Bearer {SCIM}"))];
    for (name, value) in &request.headers {
        match name.as_str() {
            "content-type" => kind.clone_from(value),
            name => headers.push((name, fill(value, kept))),
        }
    }
    let body = request.body.as_ref().map(|body| (kind.as_str(), filled(body, kept).to_string().into_bytes()));
    let path = escaped(&format!("/scim/v2/acme{}", fill(&request.path, kept)));
    directory.store.send(&request.method, &path, &headers, body)
}

/// As clients write what is no part of a URL by itself.
fn escaped(path: &str) -> String {
    let plain = |c: char| if " \"<>[]".contains(c) { format!("%{:02X}", u32::from(c)) } else { c.to_string() };
    path.chars().map(plain).collect()
}

fn fill(text: &str, kept: &BTreeMap<String, String>) -> String {
    kept.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${{{name}}}"), value))
}

fn filled(value: &Value, kept: &BTreeMap<String, String>) -> Value {
    match value {
        Value::Array(values) => values.iter().map(|value| filled(value, kept)).collect(),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (fill(name, kept), filled(value, kept)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        Value::String(text) => Value::String(fill(text, kept)),
        value => value.clone(),
    }
}

/// Whether all that is expected is there; the order of lists does not matter.
fn has(found: &Value, expected: &Value) -> Result<(), String> {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            for (name, expected) in expected {
                match (found.get(name), expected) {
                    (None, Value::Null) => {}
                    (Some(found), expected) => has(found, expected)?,
                    (None, _) => return Err(format!("no `{name}` in {found:?}")),
                }
            }
            Ok(())
        }
        (Value::Array(found), Value::Array(expected)) if found.len() == expected.len() => {
            let mut rest: Vec<_> = found.iter().collect();
            for expected in expected {
                let index = rest.iter().position(|found| has(found, expected).is_ok());
                let index = index.ok_or_else(|| format!("{expected} is not among {rest:?}"))?;
                rest.swap_remove(index);
            }
            Ok(())
        }
        (found, expected) if found == expected => Ok(()),
        (found, expected) => Err(format!("{found} where {expected} is expected")),
    }
}
