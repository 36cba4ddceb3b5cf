//! The policies that scenarios are played under: a base, changes to it, and the runner's keys in the place of the real ones.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use crate::token::KeyRing;

/// What is other than in the base: merged in (RFC 7396), so `null` takes a field away.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// To the top level.
    pub options: Map<String, Value>,
    /// To the first parent.
    pub parent: Map<String, Value>,
    /// To the first parent's first connection.
    pub connection: Map<String, Value>,
    /// To the first parent's first organization.
    pub organization: Map<String, Value>,
}

impl Changes {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        [&self.options, &self.parent, &self.connection, &self.organization].into_iter().all(Map::is_empty)
    }

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
        for (place, changes) in places.into_iter().filter(|(_, changes)| !changes.is_empty()) {
            let target = policy.pointer_mut(place).with_context(|| format!("the policy has no {place}"))?;
            merge(target, &Value::Object(changes.clone()));
        }
        Ok(())
    }
}

/// Takes the real keys that stand in a policy away; what is set by changes afterwards counts.
pub(crate) fn without_inline_keys(policy: &mut Value) {
    for connection in connections(policy) {
        if connection.get("jwks").is_some_and(|jwks| jwks.get("inline").is_some()) {
            connection.remove("jwks");
        }
    }
}

/// Gives the runner's keys to each connection: inline ones where `jwks` is absent. Where keys are fetched (`{uri: …}`, or
/// `{remote: {…}}` with nothing but what is unusual), they come from `key_server`; without one, `uri` stays as it is.
///
/// # Errors
/// No keys can be made.
pub fn fill_in_keys(policy: &Value, key_server: Option<SocketAddr>) -> Result<Value> {
    let mut policy = policy.clone();
    for connection in connections(&mut policy) {
        let jwks = connection.remove("jwks");
        let jwks = match jwks {
            None => json!({"inline": KeyRing::Main.jwks()?}),
            Some(jwks) => match (jwks.get("remote"), key_server) {
                (Some(remote), server) => {
                    // Nobody listens on the discard port; the rules alone have their own server.
                    let server = server.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 9)));
                    let mut usual = test_keys(server);
                    merge(&mut usual, remote);
                    usual
                }
                (None, Some(server)) if jwks.get("uri").is_some() => {
                    let mut jwks = jwks;
                    merge(&mut jwks, &test_keys(server));
                    jwks
                }
                (None, _) => jwks,
            },
        };
        connection.insert("jwks".to_owned(), jwks);
    }
    Ok(policy)
}

fn test_keys(server: SocketAddr) -> Value {
    json!({"uri": format!("http://{server}/keys"), "cluster": "keys"})
}

fn connections(policy: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let parents = policy.get_mut("parents").and_then(Value::as_array_mut);
    parents
        .into_iter()
        .flatten()
        .filter_map(|parent| parent.get_mut("connections").and_then(Value::as_array_mut))
        .flatten()
        .filter_map(Value::as_object_mut)
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
