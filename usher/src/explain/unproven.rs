//! What a refused token says about itself, next to what the organization takes; a help to find the difference, proof of nothing.

use jwt_simple::reexports::ct_codecs::{Base64UrlSafeNoPadding, Decoder as _};
use serde_json::{Map, Value};
use usher_policy::model::{Connection, Organization};

/// The header's fields and the claims that verification looks at.
const HEADER: [&str; 2] = ["alg", "kid"];
const CLAIMS: [&str; 5] = ["iss", "aud", "iat", "nbf", "exp"];

/// What the token says, at `now`, seconds since the Unix epoch. `None`, where it is no JWT.
pub(super) fn said(token: &[u8], now: u64) -> Option<String> {
    let mut parts = token.split(|byte| *byte == b'.');
    let (header, claims) = (object(parts.next()?)?, object(parts.next()?)?);
    let header = HEADER.into_iter().filter_map(|name| field(&header, name));
    let claims = CLAIMS.into_iter().filter_map(|name| field(&claims, name));
    Some(format!("the token says {}; now {now}", header.chain(claims).collect::<Vec<_>>().join(", ")))
}

/// What the organization's connections take.
pub(super) fn taken(organization: &Organization) -> String {
    let connections = organization.connections.iter().map(|connection| accepted(connection));
    format!("the organization takes {}", connections.collect::<Vec<_>>().join("; "))
}

fn accepted(connection: &Connection) -> String {
    let Connection { id, issuer, audiences, algorithms, .. } = connection;
    let algorithms = algorithms.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    format!("connection `{id}`: iss \"{issuer}\", aud {audiences:?}, alg {algorithms}")
}

fn object(part: &[u8]) -> Option<Map<String, Value>> {
    let bytes = Base64UrlSafeNoPadding::decode_to_vec(part, None).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn field(object: &Map<String, Value>, name: &str) -> Option<String> {
    object.get(name).map(|value| format!("{name} {value}"))
}
