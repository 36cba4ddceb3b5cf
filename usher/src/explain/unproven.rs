//! What a token says about itself: a help to see what was found where, proof of nothing.

use jwt_simple::reexports::ct_codecs::{Base64UrlSafeNoPadding, Decoder as _};
use serde_json::{Map, Value};
use usher_policy::json;
use usher_policy::token::Assertion;

use super::words::listed;
use crate::counted::counted;

/// The claims that every assertion has (design §5, step 4).
const NEEDED: [&str; 5] = ["iss", "sub", "aud", "exp", "iat"];

/// Header and claims, as far as they can be read.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    /// The JOSE header.
    pub(super) header: Map<String, Value>,
    /// Every claim.
    pub(super) claims: Map<String, Value>,
}

impl Said {
    /// Reads a token that was found to be well formed; what cannot be read is empty.
    pub(super) fn read(token: &[u8]) -> Self {
        let mut parts = token.split(|byte| *byte == b'.').map(object);
        let mut next = || parts.next().flatten().unwrap_or_default();
        Self { header: next(), claims: next() }
    }

    /// A claim or header field as JSON writes it.
    pub(super) fn shown(object: &Map<String, Value>, name: &str) -> String {
        object.get(name).map_or_else(|| "absent".to_owned(), ToString::to_string)
    }
}

/// Why a token is malformed, in words that show none of its values.
pub(super) fn malformed(token: &[u8]) -> String {
    if token.len() > Assertion::MAX_LEN {
        return format!("{} bytes long: at most {} are read", token.len(), Assertion::MAX_LEN);
    }
    if token.iter().any(u8::is_ascii_whitespace) {
        return "there is white space in it, perhaps of a line that was broken: a token is one word, without `Bearer`"
            .to_owned();
    }
    let parts: Vec<_> = token.split(|byte| *byte == b'.').collect();
    let [header, payload, _] = parts.as_slice() else {
        return format!("{} between dots: a signed assertion has three (RFC 7515, 7.1)", counted(parts.len(), "part"));
    };
    let Some(header) = object(header) else {
        return "the header is not base64url of a JSON object".to_owned();
    };
    let Some(claims) = object(payload) else {
        return "the payload is not base64url of a JSON object without duplicate members".to_owned();
    };
    if let Some(extension) = ["crit", "b64"].into_iter().find(|name| header.contains_key(*name)) {
        return format!("the header has `{extension}`, and no extension is understood");
    }
    if header.get("typ").is_some_and(|typ| !typ.as_str().is_some_and(|typ| typ.eq_ignore_ascii_case("JWT"))) {
        return "the header's `typ` is not `JWT`: it was issued for another purpose".to_owned();
    }
    if !header.get("alg").is_some_and(Value::is_string) {
        return "the header has no `alg`".to_owned();
    }
    if claims.contains_key("events") {
        return "it has the claim `events`: a logout token is no assertion".to_owned();
    }
    let missing: Vec<_> = NEEDED.into_iter().filter(|name| !claims.contains_key(*name)).collect();
    if !missing.is_empty() {
        let claims = if missing.len() == 1 { "claim" } else { "claims" };
        return format!("it lacks the {claims} {}", listed(missing));
    }
    "a claim that every assertion has is of the wrong kind: `iss` and `sub` are text (`sub` of 1 to 255 bytes), `aud` is text or a \
     list of it, `exp`, `iat` and `nbf` are numbers of seconds"
        .to_owned()
}

fn object(part: &[u8]) -> Option<Map<String, Value>> {
    let bytes = Base64UrlSafeNoPadding::decode_to_vec(part, None).ok()?;
    match json::parse(&bytes).ok()? {
        Value::Object(members) => Some(members),
        _ => None,
    }
}
