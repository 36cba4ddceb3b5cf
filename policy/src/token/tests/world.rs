//! A parent, its connections and a good login, for tests to spoil.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::signing::{self, jwks, kid};
use crate::Reason;
use crate::id::{ConnectionId, Group, Issuer, OrganizationId, ParentId, Role, Tier};
use crate::model::{
    Algorithm, Cap, ClaimNames, Connection, EmailTrust, GroupRole, Guards, HostPattern, Jwks, JwksUri, Mappings,
    Organization, Parent, Plan, Product, Provisioning, RemoteJwks, ScimMatch, SeatDefault, SeatTier, Seats, WhenFull,
};
use crate::token::{Assertion, Claimant, JwtSimple, KeySet, KeySource, VerifiedAssertion, VerifyError, verify};
use crate::wire::Login;

/// The time at which every test verifies, unless it says otherwise.
pub(super) const NOW: u64 = 1_800_000_000;
/// The skew of every connection, in seconds.
pub(super) const SKEW: u64 = 60;
pub(super) const ISSUER: &str = "https://idp.acme.example";

/// A good header for an algorithm.
pub(super) fn header(algorithm: Algorithm) -> Value {
    json!({"alg": algorithm.name(), "kid": kid(algorithm), "typ": "JWT"})
}

/// Good claims.
pub(super) fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "u-1", "aud": "usher", "exp": NOW + 300, "iat": NOW - 10,
        "email": "ada@acme.example", "email_verified": true, "name": "Ada", "groups": ["staff"], "hd": "acme.example",
    })
}

/// A value with some members set, or removed where the new value is JSON `null`.
pub(super) fn with(mut value: Value, edits: Value) -> Value {
    for (name, edit) in edits.as_object().unwrap() {
        match edit {
            Value::Null => drop(value.as_object_mut().unwrap().remove(name)),
            edit => value[name] = edit.clone(),
        }
    }
    value
}

/// A token with these claims, signed with Ed25519, the quickest here.
pub(super) fn token(claims: &Value) -> String {
    signed(&header(Algorithm::EdDsa), claims, Algorithm::EdDsa)
}

/// A token with this header and these claims, signed with the algorithm's key whatever the header says.
pub(super) fn signed(header: &Value, claims: &Value, algorithm: Algorithm) -> String {
    signing::seal(&header.to_string(), &claims.to_string(), algorithm)
}

/// A connection with inline keys of every kind, and the audience `usher`.
pub(super) fn connection(id: &str) -> Connection {
    Connection {
        id: ConnectionId::new(id),
        issuer: Issuer::new(ISSUER),
        audiences: vec!["usher".to_owned()],
        jwks: Jwks::Inline(KeySet::parse(jwks().to_string().as_bytes()).unwrap()),
        algorithms: Algorithm::ALL.to_vec(),
        claims: ClaimNames::default(),
        email: EmailTrust::Verified,
        require: vec![],
        assignment: None,
        domains: None,
        scim_match: ScimMatch::Email,
        clock_skew: Duration::from_secs(SKEW),
    }
}

/// Keys behind a URL; what is there is for the test's [`Keys`] to say.
pub(super) fn remote() -> Jwks {
    Jwks::Remote(RemoteJwks {
        uri: JwksUri { tls: true, host: "idp.acme.example".to_owned(), port: 443, path: "/keys".to_owned() },
        cluster: "idp".to_owned(),
        insecure: false,
        timeout: Duration::from_secs(2),
        refresh: Duration::from_secs(300),
        min_interval: Duration::from_secs(10),
        max_stale: Duration::from_secs(86_400),
    })
}

/// An organization that lists all of its parent's connections; in jit mode, with `staff` mapped to `user`.
pub(super) fn organization(connections: Vec<Connection>) -> Organization {
    let connections: Vec<_> = connections.into_iter().map(Arc::new).collect();
    let (owner, user, tier) = (Role::new("owner"), Role::new("user"), Tier::new("standard"));
    let product = Product::new("claude", vec![owner, user.clone()], vec![tier.clone()], user.clone()).unwrap();
    Organization {
        id: OrganizationId::new("acme-chat"),
        parent: Arc::new(Parent {
            id: ParentId::new("acme"),
            plan: Plan::named("enterprise").unwrap(),
            domains: vec!["acme.example".to_owned(), "acme.test".to_owned()],
            connections: connections.clone(),
            directory: None,
        }),
        product: Arc::new(product),
        connections,
        hosts: vec![HostPattern::Exact("chat.acme.example".to_owned())],
        path_prefix: None,
        primary_owner: None,
        provisioning: Provisioning::JitMapped(Mappings {
            roles: vec![GroupRole { group: Group::new("staff"), role: user, label: None }],
            seat_tiers: vec![],
        }),
        seats: Some(Seats {
            tiers: vec![SeatTier { tier, cap: Cap::Unlimited }],
            default: SeatDefault::HighestAvailable,
            when_full: WhenFull::Deny,
        }),
        guards: Guards::default(),
        access: vec![],
        bypass: vec![],
    }
}

/// An organization with one connection, as [`connection`] makes it.
pub(super) fn plain() -> Organization {
    organization(vec![connection("okta")])
}

/// The same organization, listing only some of its parent's connections.
pub(super) fn listing(mut organization: Organization, ids: &[&str]) -> Organization {
    organization.connections.retain(|connection| ids.contains(&connection.id.as_str()));
    organization
}

/// What was fetched for every remote connection.
pub(super) struct Keys(pub(super) Option<Rc<KeySet>>);

impl KeySource for Keys {
    fn keys(&self, _connection: &Connection) -> Option<Rc<KeySet>> {
        self.0.clone()
    }
}

/// Parses and verifies at a time, with nothing fetched.
pub(super) fn verified_at(
    organization: &Organization,
    token: &str,
    now: u64,
) -> Result<VerifiedAssertion, VerifyError> {
    let assertion = Assertion::parse(token.as_bytes())?;
    verify(organization, &assertion, &Keys(None), &JwtSimple, now)
}

/// Parses and verifies; the reason of a denial.
pub(super) fn verified(organization: &Organization, token: &str) -> Result<VerifiedAssertion, Reason> {
    verified_at(organization, token, NOW).map_err(|error| error.reason())
}

/// The claimant of good claims with some edits. The assertion that they are read from stays for as long as the tests run.
pub(super) fn claimant(organization: &Organization, edits: Value) -> Result<Claimant<'static>, Reason> {
    let assertion = verified(organization, &token(&with(claims(), edits)))?;
    Claimant::read(organization, Box::leak(Box::new(assertion)))
}

/// The whole way from a token to what is put to the store.
pub(super) fn login(organization: &Organization, keys: &Keys, token: &str) -> Result<Login, Reason> {
    let assertion = Assertion::parse(token.as_bytes())?;
    let verified = verify(organization, &assertion, keys, &JwtSimple, NOW).map_err(|error| error.reason())?;
    Claimant::read(organization, &verified)?.login(organization, false)
}
