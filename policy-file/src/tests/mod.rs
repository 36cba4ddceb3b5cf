//! What the parser takes, what it refuses, and with which words.

mod across;
mod connections;
mod faults;
mod finished;
mod organizations;
mod properties;
mod warned;
#[cfg(feature = "yaml")]
mod yaml;

use serde_json::{Value, json};
use usher_policy::Policy;

use super::{Fault, from_json};

/// One parent with one connection and one organization; no optional field but those that tests change in place.
fn base() -> Value {
    json!({
        "version": 1,
        "parents": [{
            "id": "acme",
            "plan": "enterprise",
            "domains": ["acme.example", "acme.test"],
            "connections": [connection("okta")],
            "organizations": [{
                "id": "acme-chat",
                "product": "claude",
                "hosts": ["chat.acme.example"],
                "provisioning": {
                    "mode": "jit",
                    "group_mappings": {
                        "roles": [{"group": "staff", "role": "user"}],
                        "seat_tiers": [{"group": "power", "tier": "premium"}]
                    }
                }
            }]
        }]
    })
}

fn connection(id: &str) -> Value {
    json!({
        "id": id,
        "issuer": format!("https://{id}.acme.example"),
        "audiences": ["usher"],
        "jwks": {"uri": "https://idp.acme.example/keys", "cluster": "idp"}
    })
}

/// The base with one value put in or (with `null` as `value`) taken out, at a JSON pointer.
fn changed(pointer: &str, value: Value) -> Value {
    let mut document = base();
    change(&mut document, pointer, value);
    document
}

fn change(document: &mut Value, pointer: &str, value: Value) {
    let (above, name) = pointer.rsplit_once('/').unwrap();
    let name = name.replace("~1", "/").replace("~0", "~");
    match document.pointer_mut(above).unwrap_or_else(|| panic!("no {above}")) {
        Value::Object(members) if value.is_null() => drop(members.remove(&name)),
        Value::Object(members) => drop(members.insert(name, value)),
        Value::Array(items) => match name.parse::<usize>().unwrap() {
            index if index == items.len() => items.push(value),
            index => items[index] = value,
        },
        other => panic!("nothing below {other}"),
    }
}

fn policy(document: &Value) -> Policy {
    read(document).unwrap_or_else(|faults| panic!("{}", shown(&faults)))
}

fn read(document: &Value) -> Result<Policy, Vec<Fault>> {
    from_json(&serde_json::to_vec(document).unwrap())
}

fn faults(document: &Value) -> Vec<Fault> {
    match read(document) {
        Ok(_) => panic!("taken: {document}"),
        Err(faults) => faults,
    }
}

fn shown(faults: &[Fault]) -> String {
    faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("\n")
}

/// Each row changes one value of the base, which then has exactly this fault: path, and part of the message.
fn refused(rows: Vec<(&str, Value, &str, &str)>) {
    for (pointer, value, path, message) in rows {
        let row = format!("{pointer} = {value}");
        let faults = faults(&changed(pointer, value));
        assert_eq!(faults.len(), 1, "{row}:\n{}", shown(&faults));
        assert_eq!(faults[0].path, path, "{row}:\n{}", shown(&faults));
        assert!(faults[0].message.contains(message), "{row}:\n{}\nwants {message}", shown(&faults));
    }
}

/// Each row changes one value of the base, which is still good.
fn taken(rows: Vec<(&str, Value)>) {
    for (pointer, value) in rows {
        policy(&changed(pointer, value));
    }
}
