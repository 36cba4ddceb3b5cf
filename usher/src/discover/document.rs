//! The provider's metadata (OpenID Connect Discovery 1.0, 3), as far as a connection needs it.

use serde_json::{Map, Value};
use usher_policy::json;
use usher_policy::model::Algorithm;

use super::DiscoverError;
use super::issuer::Issuer;

/// What was read out of the discovery document.
#[derive(Debug)]
pub(super) struct Document {
    /// Where the keys are.
    pub(super) jwks_uri: String,
    /// Of the algorithms that the provider signs ID tokens with, those that we check; never empty.
    pub(super) algorithms: Vec<Algorithm>,
    /// The claims that it may send, where it says so.
    pub(super) claims: Option<Vec<String>>,
}

impl Document {
    /// Reads it, and checks that it is this issuer's.
    pub(super) fn read(document: &[u8], issuer: &Issuer, url: &str) -> Result<Self, DiscoverError> {
        let wrong = |message: String| DiscoverError::Document { url: url.to_owned(), message };
        let document = match json::parse(document) {
            Ok(Value::Object(members)) => members,
            Ok(_) => return Err(wrong("not a discovery document: a JSON object is needed".to_owned())),
            Err(error) => return Err(wrong(format!("not a discovery document: {error}"))),
        };
        // 4.3: "The issuer value returned MUST be identical to the Issuer URL".
        let said = text(&document, "issuer").ok_or_else(|| wrong("it has no `issuer`".to_owned()))?;
        if said != issuer.as_str() {
            return Err(wrong(other_issuer(issuer.as_str(), said)));
        }
        let jwks_uri = text(&document, "jwks_uri").ok_or_else(|| wrong("it has no `jwks_uri`".to_owned()))?;
        let offered = texts(&document, "id_token_signing_alg_values_supported")
            .ok_or_else(|| wrong("it has no list `id_token_signing_alg_values_supported`".to_owned()))?;
        let ours = Algorithm::ALL.iter().filter(|ours| offered.iter().any(|offered| offered == ours.name()));
        let algorithms: Vec<_> = ours.copied().collect();
        if algorithms.is_empty() {
            let known: Vec<_> = Algorithm::ALL.iter().map(|algorithm| algorithm.name()).collect();
            return Err(wrong(format!(
                "it signs ID tokens with {offered:?}, none of which is accepted. Set the provider to one of {}",
                known.join(", ")
            )));
        }
        Ok(Self { jwks_uri: jwks_uri.to_owned(), algorithms, claims: texts(&document, "claims_supported") })
    }
}

/// Why the document is another issuer's, as far as that can be seen, and what to do.
fn other_issuer(given: &str, said: &str) -> String {
    let shown = said.escape_debug();
    let hint = if said.contains("{tenantid}") {
        "this address is for all tenants, but each tenant's tokens have their own `iss`. Use the tenant's: \
         `https://login.microsoftonline.com/TENANT-ID/v2.0`"
    } else if said.trim_end_matches('/') == given.trim_end_matches('/') {
        "they differ by the trailing slash, which matters. Write it as the provider does"
    } else if said.eq_ignore_ascii_case(given) {
        "they differ in case, which matters. Write it as the provider does"
    } else {
        "use that one, if it is in the `iss` of its tokens"
    };
    format!("its `issuer` is \"{shown}\", and not \"{given}\": {hint}")
}

fn text<'a>(document: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    document.get(name)?.as_str()
}

fn texts(document: &Map<String, Value>, name: &str) -> Option<Vec<String>> {
    document.get(name)?.as_array()?.iter().map(|value| value.as_str().map(str::to_owned)).collect()
}
