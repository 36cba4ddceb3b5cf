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
    issue(&provider, &provider.keys, &who)
}

async fn forged(State(provider): State<Arc<Provider>>, Query(who): Query<Who>) -> Response {
    issue(&provider, &provider.forged, &who)
}

fn issue(provider: &Provider, keys: &Keys, who: &Who) -> Response {
    let Some(person) = Person::named(&who.person) else {
        let known: Vec<_> = PEOPLE.iter().map(|person| person.name).collect();
        return (StatusCode::NOT_FOUND, format!("nobody of that name; there are {}\n", known.join(", ")))
            .into_response();
    };
    match keys.sign(person.key, provider.claims(person)) {
        Ok(token) => {
            ([(header::CACHE_CONTROL, "no-store"), (header::CONTENT_TYPE, "application/jwt")], token).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
