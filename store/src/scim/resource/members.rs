//! The members of a group as a request lists them: the ids of users, and nothing else.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::scim::error::ScimError;

/// Most members that one request may name.
pub(crate) const MAX_MEMBERS: usize = 20_000;

/// The ids in a list of members: `[{"value": "id"}]`, a single one, or bare ids.
///
/// # Errors
/// `invalidValue` where there is no id, and `tooMany`.
pub(crate) fn members(value: &Value) -> Result<BTreeSet<String>, ScimError> {
    let values = match value {
        Value::Null => &[],
        Value::Array(values) => values.as_slice(),
        value => std::slice::from_ref(value),
    };
    if values.len() > MAX_MEMBERS {
        let detail = format!("a request may name at most {MAX_MEMBERS} members; send more in parts");
        return Err(ScimError::invalid_value(detail));
    }
    values.iter().map(|value| member(value).map(str::to_owned).ok_or_else(fault)).collect()
}

/// The id in `value`; the last segment of `$ref` where there is no `value`.
fn member(value: &Value) -> Option<&str> {
    let named = |wanted: &str| {
        let members = value.as_object()?.iter();
        let mut found = members.filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.next().and_then(|(_, value)| value.as_str())
    };
    let id = value.as_str().or_else(|| named("value")).or_else(|| named("$ref")?.rsplit('/').next());
    // No id has a NUL, and PostgreSQL could not even compare it.
    id.filter(|id| !id.is_empty() && !id.contains('\0'))
}

fn fault() -> ScimError {
    ScimError::invalid_value("a member has no `value`")
}
