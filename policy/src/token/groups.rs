//! The groups of an assertion, or why they cannot be known (design §2, "Groups").

use crate::Reason;
use crate::json::Json;
use crate::model::ClaimPath;

/// The groups that the claim at `path` lists. Their number is bounded by the length of the assertion.
///
/// # Errors
/// `groups_overage`; `missing_claim` where the claim is absent, `null`, an object, or not only strings.
pub(super) fn read<'a>(claims: Json<'a>, path: &ClaimPath) -> Result<Vec<&'a str>, Reason> {
    if is_overage(claims, path) {
        return Err(Reason::GroupsOverage);
    }
    let value = path.find(claims).ok_or(Reason::MissingClaim)?;
    if let Some(one) = value.as_str() {
        return Ok(vec![one]);
    }
    let values = value.as_array().ok_or(Reason::MissingClaim)?;
    values.map(Json::as_str).collect::<Option<_>>().ok_or(Reason::MissingClaim)
}

/// Whether Entra says that the groups are elsewhere because they are too many; in the implicit flow it says so by `hasgroups`.
pub(super) fn is_overage(claims: Json<'_>, path: &ClaimPath) -> bool {
    is_elsewhere(claims, path) || claims.get("hasgroups").is_some_and(Json::is_affirmed)
}

/// Whether the claim at `path` is a distributed one (OpenID Connect Core 5.6.2). The place that it names is never asked.
pub(super) fn is_elsewhere(claims: Json<'_>, path: &ClaimPath) -> bool {
    claims.get("_claim_names").is_some_and(|names| !names.is_object() || names.get(&top_level_name(path)).is_some())
}

/// The name of the claim in which a path begins (RFC 6901, 3 and 4, where it is a pointer).
fn top_level_name(path: &ClaimPath) -> String {
    let path = path.as_str();
    match path.strip_prefix('/') {
        Some(pointer) => pointer.split('/').next().unwrap_or(pointer).replace("~1", "/").replace("~0", "~"),
        None => path.to_owned(),
    }
}
