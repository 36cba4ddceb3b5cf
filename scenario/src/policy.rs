//! The policies that scenarios are played under: a base, changes to it, and the test's keys filled in.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::read;
use crate::token::KeyRing;

/// What is other than in the base: merged in (RFC 7396), so `null` takes a field away.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Changes {
    options: Map<String, Value>,
    parent: Map<String, Value>,
    connection: Map<String, Value>,
    organization: Map<String, Value>,
}

impl Changes {
    /// Changes the top level, the first parent, its first connection and its first organization.
    ///
    /// # Errors
    /// The policy has none of these.
    pub fn apply(&self, policy: &mut Value) -> Result<()> {
        let places = [
            ("", &self.options),
            ("/parents/0", &self.parent),
            ("/parents/0/connections/0", &self.connection),
            ("/parents/0/organizations/0", &self.organization),
        ];
        for (place, changes) in places {
            let target = policy.pointer_mut(place).with_context(|| format!("the policy has no {place}"))?;
            merge(target, &Value::Object(changes.clone()));
        }
        Ok(())
    }
}

/// A policy file as JSON, not yet looked at.
///
/// # Errors
/// It cannot be read, or is no YAML.
pub fn read(path: &Path) -> Result<Value> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    read::yaml(&text).with_context(|| path.display().to_string())
}

/// Gives keys to each connection: inline ones where `jwks` is absent, those of `key_server` where it is `{remote: {…}}`.
///
/// # Errors
/// No keys can be made.
pub fn fill_in_keys(policy: &Value, key_server: SocketAddr) -> Result<Value> {
    let mut policy = policy.clone();
    let parents = policy.get_mut("parents").and_then(Value::as_array_mut);
    for connection in parents
        .into_iter()
        .flatten()
        .filter_map(|parent| parent.get_mut("connections").and_then(Value::as_array_mut))
        .flatten()
        .filter_map(Value::as_object_mut)
    {
        let jwks = match connection.get("jwks").map(|jwks| jwks.get("remote").cloned()) {
            None => json!({"inline": KeyRing::Main.jwks()?}),
            Some(Some(remote)) => {
                let mut jwks = json!({"uri": format!("http://{key_server}/keys"), "cluster": "keys"});
                merge(&mut jwks, &remote);
                jwks
            }
            Some(None) => continue,
        };
        connection.insert("jwks".to_owned(), jwks);
    }
    Ok(policy)
}

/// JSON Merge Patch (RFC 7396).
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let Some(target) = target.as_object_mut() else { return };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            merge(target.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}
