//! The groups of an assertion, or why they cannot be known (design §2, "Groups").

use serde_json::{Map, Value};

use crate::Reason;
use crate::id::Group;
use crate::model::ClaimPath;

/// The groups that the claim at `path` lists. Their number is bounded by the length of the assertion.
///
/// # Errors
/// `groups_overage`; `missing_claim` where the claim is absent, `null`, an object, or not only strings.
pub(super) fn read(claims: &Map<String, Value>, path: &ClaimPath) -> Result<Vec<Group>, Reason> {
    if is_overage(claims, path) {
        return Err(Reason::GroupsOverage);
    }
    match path.find(claims) {
        Some(Value::String(one)) => Ok(vec![Group::new(one)]),
        Some(Value::Array(values)) => {
            values.iter().map(|value| value.as_str().map(Group::new)).collect::<Option<_>>().ok_or(Reason::MissingClaim)
        }
        _ => Err(Reason::MissingClaim),
    }
}

/// Whether Entra says that the groups are elsewhere because they are too many; in the implicit flow it says so by `hasgroups`.
pub(super) fn is_overage(claims: &Map<String, Value>, path: &ClaimPath) -> bool {
    is_elsewhere(claims, path) || claims.get("hasgroups").is_some_and(|value| value == true || value == "true")
}

/// Whether the claim at `path` is a distributed one (OpenID Connect Core 5.6.2). The place that it names is never asked.
pub(super) fn is_elsewhere(claims: &Map<String, Value>, path: &ClaimPath) -> bool {
    match claims.get("_claim_names") {
        Some(Value::Object(names)) => names.contains_key(&top_level_name(path)),
        Some(_) => true,
        None => false,
    }
}

/// The name of the claim in which a path begins (RFC 6901, 3 and 4, where it is a pointer).
fn top_level_name(path: &ClaimPath) -> String {
    let path = path.as_str();
    match path.strip_prefix('/') {
        Some(pointer) => pointer.split('/').next().unwrap_or(pointer).replace("~1", "/").replace("~0", "~"),
        None => path.to_owned(),
    }
}
