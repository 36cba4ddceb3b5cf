//! A demo identity provider: fresh keys, a discovery document, a key set, and real ID tokens for whoever asks. For loopback only.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use jwt_simple::prelude::{
    Claims, Duration, ECDSAP256KeyPairLike as _, ES256KeyPair, JWTClaims, RS256KeyPair, RSAKeyPairLike as _,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::people::{PEOPLE, Person, SigningKey};

/// The `aud` of every token.
const AUDIENCE: &str = "usher-demo";
/// How long a token is good, in minutes.
const LIFETIME: u64 = 60;
/// The size of RSA keys, in bits.
const MODULUS: usize = 2048;

/// The provider's keys and its name.
pub(super) struct Provider {
    issuer: String,
    keys: Keys,
    /// A forger's keys: the same key ids, but not in the key set.
    forged: Keys,
}

struct Keys {
    rs256: RS256KeyPair,
    es256: ES256KeyPair,
}

/// What an ID token says besides the registered claims (OpenID Connect Core, 5.1).
#[derive(Serialize, Deserialize)]
struct Profile {
    email: String,
    email_verified: bool,
    name: String,
    groups: Vec<String>,
}

#[derive(Deserialize)]
struct Who {
    person: String,
}

impl Provider {
    /// A provider that is reached at `address`, with keys that nobody has seen before. Making them takes a moment.
    pub(super) fn new(address: SocketAddr) -> anyhow::Result<Self> {
        Ok(Self { issuer: format!("http://{address}"), keys: Keys::generate()?, forged: Keys::generate()? })
    }

    /// Its pages.
    pub(super) fn router(self) -> Router {
        Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/token", get(token))
            .route("/forged", get(forged))
            .with_state(Arc::new(self))
    }

    /// A ticket of a person, or one that a forger makes of the same claims.
    fn ticket(&self, person: &Person, forged: bool) -> Result<String, jwt_simple::Error> {
        let keys = if forged { &self.forged } else { &self.keys };
        keys.sign(person.key, self.claims(person))
    }

    fn claims(&self, person: &Person) -> JWTClaims<Profile> {
        let profile = Profile {
            email: person.email(),
            email_verified: true,
            name: person.name.to_owned(),
            groups: person.groups.iter().map(|group| (*group).to_owned()).collect(),
        };
        Claims::with_custom_claims(profile, Duration::from_mins(LIFETIME))
            .with_issuer(&self.issuer)
            .with_subject(format!("demo|{}", person.name))
            .with_audience(AUDIENCE)
    }
}

impl Keys {
    fn generate() -> anyhow::Result<Self> {
        let rs256 = RS256KeyPair::generate(MODULUS).context("cannot make an RSA key")?.with_key_id("demo-rs256");
        Ok(Self { rs256, es256: ES256KeyPair::generate().with_key_id("demo-es256") })
    }

    fn sign(&self, key: SigningKey, claims: JWTClaims<Profile>) -> Result<String, jwt_simple::Error> {
        match key {
            SigningKey::Es256 => self.es256.sign(claims),
            SigningKey::Rs256 => self.rs256.sign(claims),
        }
    }

    /// The public halves (RFC 7517).
    fn public(&self) -> Result<Value, serde_json::Error> {
        let rs256: Value = serde_json::from_str(&self.rs256.public_key().with_key_id("demo-rs256").to_jwk())?;
        let es256: Value = serde_json::from_str(&self.es256.public_key().with_key_id("demo-es256").to_jwk())?;
        Ok(json!({"keys": [rs256, es256]}))
    }
}

async fn discovery(State(provider): State<Arc<Provider>>) -> Json<Value> {
    let issuer = &provider.issuer;
    Json(json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/keys"),
        "token_endpoint": format!("{issuer}/token"),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
    }))
}

async fn keys(State(provider): State<Arc<Provider>>) -> Response {
    match provider.keys.public() {
        Ok(keys) => Json(keys).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn token(State(provider): State<Arc<Provider>>, Query(who): Query<Who>) -> Response {
    issue(&provider, &who, false)
}

async fn forged(State(provider): State<Arc<Provider>>, Query(who): Query<Who>) -> Response {
    issue(&provider, &who, true)
}

fn issue(provider: &Provider, who: &Who, forged: bool) -> Response {
    let Some(person) = Person::named(&who.person) else {
        let known: Vec<_> = PEOPLE.iter().map(|person| person.name).collect();
        return (StatusCode::NOT_FOUND, format!("nobody of that name; there are {}\n", known.join(", ")))
            .into_response();
    };
    match provider.ticket(person, forged) {
        Ok(ticket) => {
            ([(header::CACHE_CONTROL, "no-store"), (header::CONTENT_TYPE, "application/jwt")], ticket).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::super::calls::{CALLS, Call, Ticket};
    use super::*;
    use crate::explain::{KnownKeys, Question, explain};
    use crate::render::fill;

    /// What the filter would see, as far as no member is stored and every seat is free.
    fn seen(provider: &Provider, call: &Call) -> String {
        let address = provider.issuer.strip_prefix("http://").unwrap().to_owned();
        let policy = usher_policy_file::from_yaml(&fill(include_str!("usher.yaml"), &[("provider", address)])).unwrap();
        let mut keys = KnownKeys::default();
        keys.add(&policy, "demo", provider.keys.public().unwrap().to_string().as_bytes()).unwrap();
        let token = match call.ticket {
            Ticket::Forged(name) => Some(provider.ticket(Person::named(name).unwrap(), true).unwrap()),
            Ticket::None => None,
            Ticket::Of(name) => Some(provider.ticket(Person::named(name).unwrap(), false).unwrap()),
        };
        let question = Question {
            host: call.host,
            path: call.path,
            method: "GET",
            token: token.as_deref().map(str::as_bytes),
            now: SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs(),
            made_of_claims: false,
            member: None,
            full: &[],
            keys: &keys,
        };
        let explanation = explain(&policy, &question).unwrap();
        match explanation.reason {
            Some(reason) => format!("{} {reason}", reason.status()),
            None => {
                let facts =
                    [explanation.role.map(|role| role.to_string()), explanation.seat_tier.map(|tier| tier.to_string())];
                ["200".to_owned()].into_iter().chain(facts.into_iter().flatten()).collect::<Vec<_>>().join(" ")
            }
        }
    }

    #[test]
    fn tickets_are_real_and_every_call_gets_what_it_says() {
        let provider = Provider::new(SocketAddr::from(([127, 0, 0, 1], 8085))).unwrap();
        for call in CALLS {
            match call.ticket {
                // The one call that depends on who came before.
                Ticket::Of("dan") => assert_eq!(seen(&provider, call), "200 user premium", "{call:?}"),
                _ => assert_eq!(seen(&provider, call), call.expected, "{call:?}"),
            }
        }
    }
}
