//! Which connection an assertion comes through, whose key signed it, and for whom it is.

use serde_json::{Value, json};
use usher_policy::Reason;
use usher_policy::model::{Algorithm, Connection, Jwks, Organization};
use usher_policy::token::keys::KeySet;
use usher_policy::token::verify::KeySource;

use super::trace::Told;
use super::unproven::Said;
use super::words::listed;

/// The connection that is chosen by `iss` and `aud`.
pub(super) fn connection(chosen: &Connection, said: &Said) -> Told {
    let (iss, aud) = (Said::shown(&said.claims, "iss"), Said::shown(&said.claims, "aud"));
    let for_us = if has_audience(chosen, said) {
        format!("and `aud` {aud} has one of its audiences")
    } else if said.claims.contains_key("aud") {
        format!("the first with that issuer, because none has `aud` {aud}")
    } else {
        "the first with that issuer, because no `aud` is known".to_owned()
    };
    Told::with(
        format!("connection `{}`: `iss` {iss} is its issuer, {for_us}", chosen.id),
        json!({"connection": chosen.id, "iss": said.claims.get("iss"), "aud": said.claims.get("aud")}),
    )
}

/// What is said and what is taken, where no connection fits.
pub(super) fn no_connection(organization: &Organization, said: &Said) -> Told {
    let (iss, aud) = (Said::shown(&said.claims, "iss"), Said::shown(&said.claims, "aud"));
    let listed = organization.connections.iter().map(|connection| accepted(connection));
    let of_parent = organization.parent.connections.iter().find(|connection| {
        said.claims.get("iss").and_then(Value::as_str) == Some(connection.issuer.as_str())
            && has_audience(connection, said)
    });
    let elsewhere = of_parent.map_or_else(String::new, |connection| {
        format!("; the parent's connection `{}` would accept it, but the organization does not list it", connection.id)
    });
    Told::plain(format!(
        "the token says iss {iss}, aud {aud}; the organization takes {}{elsewhere}",
        listed.collect::<Vec<_>>().join("; ")
    ))
}

fn accepted(connection: &Connection) -> String {
    let Connection { id, issuer, audiences, .. } = connection;
    format!("connection `{id}`: iss \"{issuer}\", aud {audiences:?}")
}

/// Algorithm and key, and why they do not do where they do not.
pub(super) fn signature(chosen: &Connection, said: &Said, keys: &dyn KeySource, outcome: Option<Reason>) -> Told {
    let (alg, kid) = (Said::shown(&said.header, "alg"), Said::shown(&said.header, "kid"));
    let facts = json!({"alg": said.header.get("alg"), "kid": said.header.get("kid")});
    let id = &chosen.id;
    let detail = match outcome {
        Some(Reason::UnsupportedAlgorithm) => {
            let taken = listed(chosen.algorithms.iter().map(|algorithm| Algorithm::name(*algorithm)));
            format!("`alg` is {alg}; connection `{id}` takes {taken}")
        }
        Some(Reason::KeysUnavailable) => missing_keys(chosen),
        Some(Reason::UnknownKey) => {
            format!("`alg` is {alg}, `kid` {kid}; connection `{id}` has {}", known_keys(chosen, keys))
        }
        Some(_) => format!(
            "the signature was not made by the key with `kid` {kid} and `alg` {alg} of connection `{id}`: forged, cut, or \
             signed by another key"
        ),
        None => format!("signed with {alg} by the key with `kid` {kid} of connection `{id}`"),
    };
    Told::with(detail, facts)
}

fn known_keys(connection: &Connection, keys: &dyn KeySource) -> String {
    let told = |set: &KeySet| {
        let named = listed(set.keys().iter().filter_map(|key| key.id()));
        let count = set.keys().len();
        let s = if count == 1 { "" } else { "s" };
        format!("{count} usable key{s}, named {named}; without a `kid`, exactly one must fit")
    };
    match &connection.jwks {
        Jwks::Inline(set) => told(set),
        Jwks::Remote(_) => keys.keys(connection).map_or_else(|| "none".to_owned(), |set| told(&set)),
    }
}

fn missing_keys(connection: &Connection) -> String {
    let id = &connection.id;
    match &connection.jwks {
        Jwks::Inline(_) => format!("connection `{id}` has no usable keys in the policy"),
        Jwks::Remote(jwks) => {
            let (scheme, authority, path) = (jwks.uri.scheme(), jwks.uri.authority(), &jwks.uri.path);
            format!(
                "the keys of connection `{id}` are at {scheme}://{authority}{path}; this command does not use the network: save them and pass `--jwks {id}=FILE`"
            )
        }
    }
}

/// For whom the assertion is, where that is not us.
pub(super) fn audience(chosen: &Connection, said: &Said) -> Told {
    let named = listed(chosen.audiences.iter().map(String::as_str));
    let accepted = format!("{} {named}", if chosen.audiences.len() == 1 { "audience" } else { "audiences" });
    let aud = Said::shown(&said.claims, "aud");
    Told::plain(match said.claims.get("azp") {
        Some(azp) if has_audience(chosen, said) => {
            format!("`azp` is {azp}, to whom it was issued; connection `{}` has the {accepted}", chosen.id)
        }
        _ => format!("`aud` is {aud}; connection `{}` has the {accepted}", chosen.id),
    })
}

fn has_audience(connection: &Connection, said: &Said) -> bool {
    let ours = |value: &Value| value.as_str().is_some_and(|one| connection.audiences.iter().any(|known| known == one));
    match said.claims.get("aud") {
        Some(Value::Array(list)) => list.iter().any(ours),
        Some(one) => ours(one),
        None => false,
    }
}

/// In place of a signature, where there is none.
pub(super) fn unchecked() -> Told {
    Told::with(
        "not checked: the claims replace a token, and were signed here with a key made for this run",
        json!({"checked": false}),
    )
}
