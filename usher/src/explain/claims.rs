//! Claims in place of a token: signed with a key made for this, which the policy is given for every connection, so that they go
//! through the very functions that a token does.

use serde_json::{Map, Value, json};
use usher_policy::Policy;
use usher_policy::model::Algorithm;
use usher_policy::rules::route;
use usher_policy::token::{Assertion, verify};
use usher_scenario::token::KeyRing;

/// Claims that were made a token, and the policy that takes its key.
#[derive(Debug)]
pub(crate) struct Signed {
    /// The policy, as in the file but for the keys of its connections.
    pub(crate) policy: Policy,
    /// The token.
    pub(crate) token: String,
}

/// The claims cannot stand in for a token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClaimsError {
    /// The key cannot be made or used.
    #[error("cannot sign the claims: {0}")]
    Key(String),
    /// The document is no JSON object.
    #[error("--claims: not a JSON object of claims ({0}); a token goes to --token")]
    NoObject(String),
}

/// Reads a JSON object of claims: what a token's middle part holds.
///
/// # Errors
/// It is none.
pub(crate) fn read(document: &[u8]) -> Result<Map<String, Value>, ClaimsError> {
    match usher_policy::json::parse(document) {
        Ok(Value::Object(claims)) => Ok(claims),
        Ok(_) => Err(ClaimsError::NoObject("another kind of JSON".to_owned())),
        Err(error) => Err(ClaimsError::NoObject(error.to_string())),
    }
}

/// Signs claims for a request of `host` and `path`. `document` is the policy as JSON.
///
/// # Errors
/// No key can be made.
pub(crate) fn sign(
    policy: &Policy,
    document: &Value,
    claims: &Map<String, Value>,
    host: &str,
    path: &str,
) -> Result<Signed, ClaimsError> {
    let failed = |error: &dyn std::fmt::Display| ClaimsError::Key(error.to_string());
    let first = sign_with(Algorithm::Es256, claims).map_err(|error| failed(&error))?;
    let algorithm = taken(policy, &first, host, path).unwrap_or(Algorithm::Es256);
    let token = if algorithm == Algorithm::Es256 {
        first
    } else {
        sign_with(algorithm, claims).map_err(|error| failed(&error))?
    };
    let keys = KeyRing::Main.jwk_set(algorithm.name()).map_err(|error| failed(&error))?;
    let document = serde_json::to_vec(&with_keys(document.clone(), &keys)).map_err(|error| failed(&error))?;
    let policy = usher_policy_file::from_json(&document).map_err(|faults| {
        let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
        ClaimsError::Key(faults.join("; "))
    })?;
    Ok(Signed { policy, token })
}

fn sign_with(algorithm: Algorithm, claims: &Map<String, Value>) -> anyhow::Result<String> {
    let name = algorithm.name();
    KeyRing::Main.sign(name, Some(&KeyRing::Main.kid(name)?), claims)
}

/// An algorithm that the connection takes through which these claims come; the quickest to make a key for.
fn taken(policy: &Policy, token: &str, host: &str, path: &str) -> Option<Algorithm> {
    let organization = route::route(policy, host.as_bytes(), path.as_bytes()).ok()?.organization;
    let assertion = Assertion::parse(token.as_bytes()).ok()?;
    let accepted = &verify::connection(organization, &assertion)?.algorithms;
    let quickest = [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Es384];
    quickest.into_iter().find(|algorithm| accepted.contains(algorithm)).or(accepted.first().copied())
}

/// The policy with these keys in every connection.
fn with_keys(mut document: Value, keys: &Value) -> Value {
    let parents = document.get_mut("parents").and_then(Value::as_array_mut);
    let connections =
        parents.into_iter().flatten().filter_map(|parent| parent.get_mut("connections")?.as_array_mut()).flatten();
    for connection in connections.filter_map(Value::as_object_mut) {
        connection.insert("jwks".to_owned(), json!({"inline": keys}));
    }
    document
}
