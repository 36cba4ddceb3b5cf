//! Who an assertion is about: email, required claims, assignment, each with the claim that it was found in.

use serde_json::{Map, Value, json};
use usher_policy::id::Email;
use usher_policy::model::{ClaimPath, Connection, EmailTrust, Organization};

use super::trace::Told;
use super::words::{listed, quoted};

/// The email, whether it counts as verified, and whose domain it has.
pub(super) fn email(organization: &Organization, connection: &Connection, claims: &Map<String, Value>) -> Told {
    let path = &connection.claims.email;
    let found = path.find_in(claims);
    let Some(address) = found.as_ref().and_then(Value::as_str) else {
        return Told::with(
            format!("claim {} holds no email: it {}", quoted(path.as_str()), kind(found.as_ref())),
            json!({"claim": path.as_str(), "email": null}),
        );
    };
    let verified = match connection.email {
        EmailTrust::Trusted => "counts as verified (`email: trusted`)".to_owned(),
        EmailTrust::Verified => match claims.get("email_verified") {
            Some(value) => format!("`email_verified` is {value}"),
            None => "`email_verified` is absent".to_owned(),
        },
    };
    let domain = match Email::parse(address) {
        None => "not an address with one `@` and a local part".to_owned(),
        Some(email) => whose(organization, connection, &email.domain()),
    };
    Told::with(
        format!("claim {} is {}, {verified}, {domain}", quoted(path.as_str()), quoted(address)),
        json!({"claim": path.as_str(), "email": address, "email_verified": claims.get("email_verified")}),
    )
}

fn whose(organization: &Organization, connection: &Connection, domain: &str) -> String {
    let parent = &organization.parent;
    if !parent.domains.iter().any(|known| known == domain) {
        let known = listed(parent.domains.iter().map(String::as_str));
        return format!("domain {} does not belong to parent `{}`, which has {known}", quoted(domain), parent.id);
    }
    match &connection.domains {
        Some(own) if !own.iter().any(|known| known == domain) => {
            let known = listed(own.iter().map(String::as_str));
            format!(
                "domain {} is the parent's, but connection `{}` vouches for {known} only",
                quoted(domain),
                connection.id
            )
        }
        _ => format!("domain {} is one of parent `{}`", quoted(domain), parent.id),
    }
}

/// Each claim of `require`, as it was found; `None` where nothing is required.
pub(super) fn required(connection: &Connection, claims: &Map<String, Value>) -> Option<Told> {
    let told: Vec<_> =
        connection.require.iter().map(|required| asked(&required.claim, &required.any_of, claims)).collect();
    (!told.is_empty()).then(|| Told::plain(format!("`require`: {}", told.join("; "))))
}

/// How the assignment shows, where the connection says how; `assigned` is what came of it.
pub(super) fn assignment(connection: &Connection, claims: &Map<String, Value>, assigned: Option<bool>) -> Option<Told> {
    let assignment = connection.assignment.as_ref()?;
    let found = asked(&assignment.claim, &assignment.any_of, claims);
    let means = match assigned {
        Some(true) => "assigned to the application",
        Some(false) => "not assigned to the application",
        None => "the provider omitted the claim because of its length, so nobody knows",
    };
    Some(Told::with(
        format!("`assignment`: {found}: {means}"),
        json!({"claim": assignment.claim.as_str(), "any_of": assignment.any_of, "assigned": assigned}),
    ))
}

fn asked(claim: &ClaimPath, any_of: &[String], claims: &Map<String, Value>) -> String {
    let found = match claim.find_in(claims) {
        Some(value @ (Value::String(_) | Value::Bool(_) | Value::Number(_))) => format!("is {value}"),
        Some(Value::Array(values)) => {
            let values: Vec<_> =
                values.iter().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect();
            format!("is a list of {}", listed(values.iter().map(String::as_str)))
        }
        other => kind(other.as_ref()).to_owned(),
    };
    format!("claim {} {found}, required is {}", quoted(claim.as_str()), listed(any_of.iter().map(String::as_str)))
}

/// What stands in a claim, where it is not what was looked for.
pub(super) fn kind(found: Option<&Value>) -> &'static str {
    match found {
        None => "is absent",
        Some(Value::Null) => "is null",
        Some(Value::Bool(_)) => "is a boolean",
        Some(Value::Number(_)) => "is a number",
        Some(Value::String(_)) => "is text",
        Some(Value::Array(_)) => "is a list",
        Some(Value::Object(_)) => "is an object",
    }
}
