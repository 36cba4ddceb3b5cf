//! The connection that a provider's metadata comes to, and what the operator has to know or fill in.

use usher_policy::model::Algorithm;
use usher_policy::token::keys::{Key, KeySet};
use usher_policy_file::shared_issuer_pin;

use super::document::Document;
use super::issuer::{Address, Issuer};
use super::{DiscoverError, Wish};

/// Stands where the operator has to write an audience.
pub(super) const AUDIENCE: &str = "FILL-IN-CLIENT-ID";

/// Claims that providers put groups into, the likeliest first.
const GROUP_CLAIMS: [&str; 6] = ["groups", "cognito:groups", "roles", "group", "memberOf", "group_ids"];

/// What goes into the policy.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Where it was found.
    pub(super) found_at: String,
    pub(super) id: String,
    pub(super) issuer: String,
    pub(super) audiences: Vec<String>,
    pub(super) jwks_uri: String,
    pub(super) cluster: String,
    /// Keys over plain http from another machine.
    pub(super) insecure: bool,
    pub(super) algorithms: Vec<Algorithm>,
    /// The claim with the groups, where the provider names one.
    pub(super) groups: Option<String>,
    /// Whether the provider says that it sends this claim; `None` where it lists none.
    pub(super) sends_email: Option<bool>,
    pub(super) sends_email_verified: Option<bool>,
    /// Whether it sends `oid`, which Entra's directory has as `externalId`.
    pub(super) sends_oid: bool,
    /// What pins one customer of an issuer that is everybody's.
    pub(super) require: Option<&'static str>,
    /// The keys as they are today: `kid`, and the algorithms that each is for.
    pub(super) keys: Vec<(Option<String>, Vec<Algorithm>)>,
}

impl Connection {
    /// # Errors
    /// No key fits any of the algorithms.
    pub(super) fn new(
        wish: &Wish<'_>,
        issuer: &Issuer,
        found_at: &str,
        document: Document,
        keys: &KeySet,
        keys_at: &Address,
    ) -> Result<Self, DiscoverError> {
        let Document { jwks_uri, algorithms, claims } = document;
        let fitting = |key: &Key| algorithms.iter().copied().filter(|algorithm| key.fits(*algorithm)).collect();
        let keys: Vec<(_, Vec<_>)> =
            keys.keys().iter().map(|key| (key.id().map(str::to_owned), fitting(key))).collect();
        if keys.iter().all(|(_, algorithms)| algorithms.is_empty()) {
            let names: Vec<_> = algorithms.iter().map(|algorithm| algorithm.name()).collect();
            return Err(DiscoverError::Document {
                url: jwks_uri,
                message: format!("none of the keys is for {}, with which the provider says it signs", names.join(", ")),
            });
        }
        let sends = |name: &str| claims.as_ref().map(|claims| claims.iter().any(|claim| claim == name));
        let name = || named(issuer.host());
        Ok(Self {
            found_at: found_at.to_owned(),
            id: wish.id.map_or_else(name, str::to_owned),
            issuer: issuer.as_str().to_owned(),
            audiences: match wish.audiences {
                [] => vec![AUDIENCE.to_owned()],
                audiences => audiences.to_vec(),
            },
            cluster: wish.cluster.map_or_else(name, str::to_owned),
            insecure: keys_at.is_insecure,
            jwks_uri,
            groups: GROUP_CLAIMS.into_iter().find(|name| sends(name) == Some(true)).map(str::to_owned),
            sends_email: sends("email"),
            sends_email_verified: sends("email_verified"),
            sends_oid: sends("oid") == Some(true),
            require: shared_issuer_pin(issuer.as_str()),
            algorithms,
            keys,
        })
    }
}

/// A name made of a host: what ids and clusters may have.
fn named(host: &str) -> String {
    let plain = |character: char| if character.is_ascii_alphanumeric() { character } else { '-' };
    let name: String = host.chars().map(plain).take(64).collect();
    name.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;
    use usher_scenario::token::KeyRing;

    use super::super::{json, yaml};
    use super::*;

    /// What a provider with this issuer comes to.
    fn connection(issuer: &str) -> Connection {
        let wish =
            Wish { issuer, id: None, cluster: None, audiences: &[], insecure: true, timeout: Duration::from_secs(1) };
        let document = json!({
            "issuer": issuer,
            "jwks_uri": "http://keys.example/k",
            "id_token_signing_alg_values_supported": ["ES256"],
        });
        let issuer = Issuer::parse(issuer, false).unwrap();
        let document = Document::read(document.to_string().as_bytes(), &issuer, "url").unwrap();
        let keys = KeySet::parse(KeyRing::Main.jwk_set("ES256").unwrap().to_string().as_bytes()).unwrap();
        let keys_at = Address::parse(&document.jwks_uri, true).unwrap();
        Connection::new(&wish, &issuer, "url", document, &keys, &keys_at).unwrap()
    }

    #[test]
    fn an_issuer_that_is_everybody_s_gets_a_line_that_pins_the_customer() {
        for (issuer, pin) in [
            ("https://accounts.google.com", "  require: {hd: [acme.example]}\n"),
            ("https://appleid.apple.com", "  require: {sub: [the people who are meant]}\n"),
            ("https://slack.com", "  require: {\"https://slack.com/team_id\": [T00000000]}\n"),
        ] {
            let connection = connection(issuer);
            let stanza = yaml(&connection);
            assert!(stanza.contains(pin) && stanza.contains("# FILL IN: this issuer"), "{stanza}");
            assert_eq!(super::super::stanza::faults(&stanza), None, "{stanza}");
            assert_eq!(json(&connection)["fill_in"], json!(["audiences", "require"]));
        }
        let own = connection("https://acme.okta.example");
        assert!(!yaml(&own).contains("require"));
        assert_eq!(json(&own)["fill_in"], json!(["audiences"]));
    }

    #[test]
    fn keys_in_the_clear_are_written_as_such() {
        let connection = connection("https://acme.okta.example");
        let stanza = yaml(&connection);
        assert!(stanza.contains("cluster: \"acme-okta-example\", insecure: true}"), "{stanza}");
        assert_eq!(super::super::stanza::faults(&stanza), None, "{stanza}");
        assert_eq!(json(&connection)["connection"]["jwks"]["insecure"], true);
    }

    #[test]
    fn names_are_made_of_hosts() {
        for (host, name) in [("acme.okta.example", "acme-okta-example"), ("::1", "1"), ("a_b.example", "a-b-example")] {
            assert_eq!(named(host), name);
        }
        assert_eq!(named(&"a".repeat(253)).len(), 64);
    }
}
