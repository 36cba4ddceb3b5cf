//! The usual claims of a person: what the connection asks for, so that a step need only say what is unusual.

use serde_json::{Value, json};
use usher_policy::model::{ClaimPath, Connection};

use crate::step::Login;
use crate::token::Members;

/// The claims of a token at `now`; `iat` is what the step or its place says.
pub(crate) fn of(login: &Login, connection: &Connection, email: &str, now: u64, iat: i64, id: String) -> Members {
    let from_now = |offset: i64| now.saturating_add_signed(offset);
    let usual = json!({
        "iss": connection.issuer,
        "aud": connection.audiences.first(),
        "sub": login.person,
        "email_verified": true,
        "iat": from_now(iat),
        "exp": from_now(login.exp.unwrap_or(3600)),
        // Equal claims under EdDSA are the same token, and the same session.
        "jti": id,
    });
    let mut claims = usual.as_object().cloned().unwrap_or_default();
    put(&mut claims, &connection.claims.email, json!(email));
    if let Some(nbf) = login.nbf {
        claims.insert("nbf".to_owned(), json!(from_now(nbf)));
    }
    if let Some(groups) = &login.groups {
        put(&mut claims, &connection.claims.groups, json!(groups));
    }
    for required in &connection.require {
        if let (None, Some(value)) = (required.claim.find_in(&claims), required.any_of.first()) {
            put(&mut claims, &required.claim, json!(value));
        }
    }
    if let Some(assignment) = &connection.assignment
        && let (None, Some(value)) = (assignment.claim.find_in(&claims), assignment.any_of.first())
    {
        put(&mut claims, &assignment.claim, json!([value]));
    }
    claims.extend(login.claims.clone());
    claims.retain(|name, _| !login.without.contains(name));
    claims
}

/// Puts a value where the path finds it.
fn put(claims: &mut Members, path: &ClaimPath, value: Value) {
    let Some(pointer) = path.as_str().strip_prefix('/') else {
        claims.insert(path.as_str().to_owned(), value);
        return;
    };
    let mut names: Vec<String> = pointer.split('/').map(|name| name.replace("~1", "/").replace("~0", "~")).collect();
    let Some(last) = names.pop() else { return };
    let mut at = claims;
    for name in names {
        let below = at.entry(name).or_insert_with(|| json!({}));
        if !below.is_object() {
            *below = json!({});
        }
        let Some(members) = below.as_object_mut() else { return };
        at = members;
    }
    at.insert(last, value);
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use usher_policy::model::ClaimPath;

    use super::put;
    use crate::token::Members;

    #[test]
    fn a_claim_is_put_where_its_path_finds_it() {
        let mut claims = Members::new();
        for (path, value) in [("groups", 1), ("/realm_access/roles", 2), ("/realm_access/a~1b", 3), ("https://x/y", 4)]
        {
            let path = ClaimPath::parse(path);
            put(&mut claims, &path, json!(value));
            assert_eq!(path.find_in(&claims), Some(json!(value)), "{path:?}");
        }
        assert_eq!(json!(claims), json!({"groups": 1, "realm_access": {"roles": 2, "a/b": 3}, "https://x/y": 4}));
    }
}
