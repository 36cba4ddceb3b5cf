//! A connection as YAML with comments, to be pasted under a parent's `connections`; and as JSON.

use serde_json::{Value, json};

use super::connection::{AUDIENCE, Connection};

/// The stanza. What comes from the provider stands in JSON quotes, which YAML reads alike, so that it stays one value.
pub(super) fn yaml(connection: &Connection) -> String {
    let Connection { id, issuer, jwks_uri, cluster, algorithms, .. } = connection;
    let algorithms: Vec<_> = algorithms.iter().map(|algorithm| algorithm.name()).collect();
    let insecure = if connection.insecure { ", insecure: true" } else { "" };
    let mut lines = vec![
        format!("# From {}. Paste it under `connections` of a parent.", connection.found_at),
        format!("- id: {}", quoted(id)),
        format!("  issuer: {}", quoted(issuer)),
    ];
    let audiences: Vec<_> = connection.audiences.iter().map(|audience| quoted(audience)).collect();
    let fill_in = if connection.audiences.iter().any(|audience| audience == AUDIENCE) {
        "   # FILL IN: the client id that the application has at the provider (`aud`)"
    } else {
        ""
    };
    lines.push(format!("  audiences: [{}]{fill_in}", audiences.join(", ")));
    lines.push(format!("  jwks: {{uri: {}, cluster: {}{insecure}}}", quoted(jwks_uri), quoted(cluster)));
    lines.extend(
        connection.keys.iter().map(|(kid, algorithms)| key(kid.as_deref(), algorithms.iter().map(|one| one.name()))),
    );
    lines.push(format!("  algorithms: [{}]   # of those that it offers", algorithms.join(", ")));
    lines.extend(claims(connection));
    if let Some(require) = connection.require {
        lines.push(
            "  # FILL IN: this issuer vouches for the people of many customers, and this says which is yours."
                .to_owned(),
        );
        lines.push(format!("  {require}"));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn key<'a>(kid: Option<&str>, algorithms: impl Iterator<Item = &'a str>) -> String {
    // In a comment: no character of it may end the line.
    let kid = kid.map_or_else(|| "without `kid`".to_owned(), |kid| format!("\"{}\"", kid.escape_default()));
    let algorithms: Vec<_> = algorithms.collect();
    let fits = if algorithms.is_empty() { "none of the algorithms".to_owned() } else { algorithms.join(", ") };
    format!("  # key today: {kid}, for {fits}")
}

/// Which claims hold what, and what is not known about them.
fn claims(connection: &Connection) -> Vec<String> {
    let mut lines = Vec::new();
    let mut fields = Vec::new();
    match &connection.groups {
        Some(name) => fields.push(format!("groups: {}", quoted(name))),
        None => {
            lines.push("  # It names no claim with groups. Where groups are mapped, set it to send them, and name the claim here.".to_owned());
            fields.push("groups: groups".to_owned());
        }
    }
    if connection.sends_oid {
        lines.push(
            "  # `oid` is what Entra's directory has as `externalId`: with SCIM, add `scim_match: external_id`."
                .to_owned(),
        );
        fields.push("external_id: oid".to_owned());
    }
    if connection.sends_email == Some(false) {
        lines.push(
            "  # It does not name the claim `email`. Set it to send one, or write where it is, as `email: upn`, \
             with `email: trusted` beside `claims` where only administrators set that."
                .to_owned(),
        );
    }
    if connection.sends_email_verified == Some(false) {
        lines.push(
            "  # It does not name `email_verified`. Where it vouches for all its emails, add `email: trusted`."
                .to_owned(),
        );
    }
    lines.push(format!("  claims: {{{}}}", fields.join(", ")));
    lines
}

/// What the policy parser says against the stanza, under a parent of its own.
pub(super) fn faults(stanza: &str) -> Option<String> {
    let indented: String = stanza.lines().map(|line| format!("  {line}\n")).collect();
    let policy = format!(
        "version: 1\nparents:\n- id: check\n  plan: team\n  domains: [check.example]\n  connections:\n{indented}"
    );
    let faults = usher_policy_file::from_yaml(&policy).err()?;
    Some(faults.into_iter().map(|fault| fault.message).collect::<Vec<_>>().join("; "))
}

/// The same for tools: the connection, the keys, and what the operator must fill in.
pub(super) fn json(connection: &Connection) -> Value {
    let algorithms: Vec<_> = connection.algorithms.iter().map(|algorithm| algorithm.name()).collect();
    let mut jwks = json!({"uri": connection.jwks_uri, "cluster": connection.cluster});
    if connection.insecure
        && let Some(jwks) = jwks.as_object_mut()
    {
        jwks.insert("insecure".to_owned(), json!(true));
    }
    let mut claims = json!({"groups": connection.groups.as_deref().unwrap_or("groups")});
    if connection.sends_oid
        && let Some(claims) = claims.as_object_mut()
    {
        claims.insert("external_id".to_owned(), json!("oid"));
    }
    let mut fill_in = Vec::new();
    if connection.audiences.iter().any(|audience| audience == AUDIENCE) {
        fill_in.push("audiences");
    }
    if connection.require.is_some() {
        fill_in.push("require");
    }
    let keys = connection.keys.iter().map(|(kid, algorithms)| {
        let algorithms: Vec<_> = algorithms.iter().map(|algorithm| algorithm.name()).collect();
        json!({"kid": kid, "algorithms": algorithms})
    });
    json!({
        "connection": {
            "id": connection.id,
            "issuer": connection.issuer,
            "audiences": connection.audiences,
            "jwks": jwks,
            "algorithms": algorithms,
            "claims": claims,
        },
        "keys": keys.collect::<Vec<_>>(),
        "fill_in": fill_in,
        "require": connection.require,
    })
}

/// A value that neither YAML nor a comment can read as more than that.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
