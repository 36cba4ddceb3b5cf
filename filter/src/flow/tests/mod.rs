//! The flow on a real policy, with a verifier and a key source that say what a test wants.

use std::cell::Cell;
use std::collections::HashMap;
use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};
use usher_policy::Reason;
use usher_policy::model::{Algorithm, Connection, Policy};
use usher_policy::rules::plan::Plan;
use usher_policy::token::keys::{Key, KeySet};
use usher_policy::token::signature::SignatureVerifier;
use usher_policy::token::verify::KeySource;
use usher_policy::wire::LoginAnswer;

use super::{Desk, LastHost, Next, Passage, Tally, recognise};
use crate::clock::Now;
use crate::feed::Follow;
use crate::glance::Glance;
use crate::header_map::HeaderMap;
use crate::headers::Reserved;
use crate::keys::{Keyring, Lack, Tenure};
use crate::session::Sessions;
use crate::store_call::NoAnswer;

mod clock;
mod denials;
mod feed;
mod known;
mod sessions;
mod tagged;
mod withdrawal;

const T0: u64 = 1_800_000_000;

/// A key set with the public key of RFC 8037, A.2.
fn jwks(kid: &str) -> Value {
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x}]})
}

fn policy(change: impl FnOnce(&mut Value)) -> Policy {
    let mut document: Value = serde_json::from_str(include_str!("../../../testdata/policy.json")).unwrap();
    // Without the feed a session is due after 4 seconds, and at most a quarter more.
    document["sessions"] = json!({"max_staleness": "4s"});
    change(&mut document);
    usher_policy_file::from_json(document.to_string().as_bytes()).unwrap()
}

fn remote_jwks(document: &mut Value) {
    document["parents"][0]["connections"][0]["jwks"] = json!({"uri": "https://idp.example/keys", "cluster": "idp"});
}

/// Says one thing of every signature, and counts how often it is asked.
struct Verifier {
    says: Cell<bool>,
    asked: Cell<u32>,
}

impl SignatureVerifier for Verifier {
    fn verify(&self, _: Algorithm, _: &Key, _: &[u8], _: &[u8]) -> bool {
        self.asked.set(self.asked.get() + 1);
        self.says.get()
    }
}

/// The keys of every remote connection, and the tenures of those that withdraw some.
#[derive(Default)]
struct Source {
    keys: Option<Rc<KeySet>>,
    tenures: HashMap<String, Tenure>,
}

impl Source {
    fn has(&mut self, kid: &str) {
        self.keys = Some(Rc::new(KeySet::parse(jwks(kid).to_string().as_bytes()).unwrap()));
    }
}

impl KeySource for Source {
    fn keys(&self, _: &Connection) -> Option<Rc<KeySet>> {
        self.keys.clone()
    }
}

impl Keyring for Source {
    fn tenure(&self, connection: &Connection) -> Tenure {
        self.tenures.get(connection.id.as_str()).cloned().unwrap_or_default()
    }
}

/// A request arrives. Whoever is recognised is let in as they are when the whole way is gone.
fn arrive(headers: &HeaderMap, desk: &mut Desk<'_>) -> Next {
    let reserved = Reserved::new(&desk.policy.headers);
    let glance = Glance::of(headers, &reserved, |_| Ok::<_, Infallible>(())).unwrap();
    let recognised = recognise(headers, &glance, desk);
    let next = super::arrive(headers, &glance, desk);
    if let Some(permit) = recognised {
        let Next::Allow(allow) = &next else { panic!("recognised, and not let in: {next:?}") };
        assert_eq!(format!("{:?}", allow.permit), format!("{permit:?}"));
        assert!(!allow.is_login && desk.tally.session_hit);
    }
    next
}

/// A worker without a host.
struct World {
    policy: Policy,
    last_host: LastHost,
    sessions: Sessions,
    follow: Follow,
    source: Source,
    verifier: Verifier,
    seconds: u64,
    tally: Tally,
}

impl World {
    fn new(policy: Policy) -> Self {
        let verifier = Verifier { says: Cell::new(true), asked: Cell::new(0) };
        let follow = Follow::default();
        Self {
            last_host: LastHost::default(),
            sessions: Sessions::new(8),
            follow,
            source: Source::default(),
            verifier,
            seconds: 0,
            tally: Tally::default(),
            policy,
        }
    }

    fn step(&mut self, step: impl FnOnce(&mut Desk<'_>) -> Next) -> Next {
        let now = Now { unix_ms: (T0 + self.seconds) * 1000, steady: Duration::from_secs(self.seconds) };
        self.step_at(now, step)
    }

    fn step_at(&mut self, now: Now, step: impl FnOnce(&mut Desk<'_>) -> Next) -> Next {
        let mut desk = Desk {
            policy: &self.policy,
            last_host: &mut self.last_host,
            sessions: &mut self.sessions,
            follow: &mut self.follow,
            keys: &self.source,
            signatures: &self.verifier,
            now,
            tally: Tally::default(),
        };
        let next = step(&mut desk);
        self.tally = desk.tally;
        next
    }

    fn request(&mut self, path: &str, headers: &[(&str, &str)]) -> Next {
        let pseudo = [(":authority", "chat.acme.example"), (":path", path), (":method", "GET")];
        let given = |name: &str| headers.iter().any(|header| header.0 == name);
        let pseudo = pseudo.into_iter().filter(|header| !given(header.0));
        let headers: Vec<(&str, &str)> = pseudo.chain(headers.iter().copied()).collect();
        let headers = HeaderMap::decode(HeaderMap::encode(&headers)).unwrap();
        self.step(|desk| arrive(&headers, desk))
    }

    fn present(&mut self, path: &str, token: &str) -> Next {
        self.request(path, &[("authorization", &format!("Bearer {token}"))])
    }

    /// Puts a login to the store and gives what comes of its answer.
    fn log_in(&mut self, path: &str, token: &str, answer: Result<LoginAnswer, NoAnswer>) -> Next {
        match self.present(path, token) {
            Next::AskStore(expect) => self.step(|desk| expect.answered(answer, desk)),
            other => panic!("the store is not asked: {other:?}"),
        }
    }
}

fn token(change: impl FnOnce(&mut Value)) -> String {
    let mut claims = json!({
        "iss": "https://idp.example", "sub": "ada", "aud": "usher", "iat": T0, "exp": T0 + 600,
        "email": "ada@acme.example", "email_verified": true,
    });
    change(&mut claims);
    let header = json!({"alg": "EdDSA", "kid": "k1"});
    let parts = [header.to_string().into_bytes(), claims.to_string().into_bytes(), vec![1; 64]];
    parts.map(|part| base64url(&part)).join(".")
}

pub(crate) fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let chunk = |chunk: &[u8]| {
        let bits = chunk.iter().chain(&[0, 0]).take(3).fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let sextet = |at: usize| char::from(ALPHABET[(bits >> (18 - 6 * at) & 63) as usize]);
        (0..=chunk.len()).map(sextet).collect::<String>()
    };
    bytes.chunks(3).map(chunk).collect()
}

fn answer(answer: &str, role: &str) -> LoginAnswer {
    let member = json!({
        "id": "m1", "email": "ada@acme.example", "role": role, "seat_tier": "standard",
        "status": "active", "source": "jit", "organization": "acme-chat",
    });
    let member = if answer == "member" { member } else { Value::Null };
    serde_json::from_value(json!({"answer": answer, "member": member, "position": "d-0-0"})).unwrap()
}

fn role(next: &Next) -> &str {
    match next {
        Next::Allow(allow) => allow.permit.role().as_str(),
        other => panic!("not let in: {other:?}"),
    }
}

fn reason(next: &Next) -> Reason {
    match next {
        Next::Deny(deny) => deny.reason,
        other => panic!("not turned away: {other:?}"),
    }
}

#[test]
fn a_request_is_routed_by_its_own_pseudo_headers_and_nothing_else() {
    let mut world = World::new(policy(|_| {}));
    let elsewhere =
        [(":authority", "evil.example"), ("x-forwarded-host", "chat.acme.example"), ("host", "chat.acme.example")];
    assert_eq!(reason(&world.request("/", &elsewhere)), Reason::UnknownOrganization);
    let original = [("x-original-path", "/healthz"), ("x-envoy-original-path", "/healthz")];
    assert_eq!(reason(&world.request("/", &original)), Reason::NoCredentials);
    assert_eq!(reason(&world.request("/a/../b", &[])), Reason::AmbiguousRequest);
}

#[test]
fn a_bypass_passes_whatever_is_presented_and_an_unmatched_host_only_where_the_policy_says_so() {
    let mut world = World::new(policy(|_| {}));
    let two = [("authorization", "Bearer a"), ("authorization", "Bearer b")];
    assert!(matches!(world.request("/healthz", &two), Next::Pass(Passage::Bypass)));
    assert_eq!(reason(&world.request("/healthz", &[(":method", "POST")])), Reason::NoCredentials);
    assert_eq!(reason(&world.request("/x", &two)), Reason::AmbiguousRequest);
    let mut world = World::new(policy(|document| document["unmatched"] = json!("pass")));
    assert!(matches!(world.request("/", &[(":authority", "other.example")]), Next::Pass(Passage::Unmatched)));
    assert_eq!(reason(&world.request("/", &[])), Reason::NoCredentials);
}

#[test]
fn only_a_host_that_no_organization_has_is_unmatched() {
    let mut world = World::new(policy(|document| {
        document["unmatched"] = json!("pass");
        document["parents"][0]["organizations"][0]["path_prefix"] = json!("/chat");
    }));
    assert!(matches!(world.request("/", &[(":authority", "other.example")]), Next::Pass(Passage::Unmatched)));
    for authority in [
        "chat.acme.example:",
        "chat.acme.example:8x",
        "x@chat.acme.example",
        "",
        "chat.acme.example..",
        "chat.acme.example..:443",
        ".chat.acme.example",
        "a..acme.example",
        "other..example",
        ".",
        "..",
        "127.1",
        "0x7f000001:443",
        "[::1].",
        "[0:0:0:0:0:0:0:1",
    ] {
        assert_eq!(
            reason(&world.request("/chat", &[(":authority", authority)])),
            Reason::UnknownOrganization,
            "{authority}"
        );
    }
    assert_eq!(reason(&world.request("/elsewhere", &[])), Reason::UnknownOrganization);
    // Somebody has it, however its name or address is spelt.
    for (host, spellings) in [
        ("::1", ["[::1]", "[0:0:0:0:0:0:0:1]:443", "[0::0001]"]),
        ("[2001:DB8::a]", ["[2001:db8:0:0:0:0:0:A]", "[2001:0db8::000a]", "[2001:DB8::A]:80"]),
        ("Chat.acme.example", ["CHAT.acme.example", "chat.acme.example.", "chat.acme.example.:8443"]),
    ] {
        let mut world = World::new(policy(|document| {
            document["unmatched"] = json!("pass");
            document["parents"][0]["organizations"][0]["hosts"] = json!([host]);
        }));
        for authority in spellings {
            assert_eq!(
                reason(&world.request("/", &[(":authority", authority)])),
                Reason::NoCredentials,
                "{host}: {authority}"
            );
        }
        assert!(matches!(world.request("/", &[(":authority", "[::2]")]), Next::Pass(Passage::Unmatched)));
    }
}

#[test]
fn access_is_checked_at_every_request_of_a_session() {
    let mut world = World::new(policy(|_| {}));
    let token = token(|_| {});
    world.log_in("/x", &token, Ok(answer("member", "user")));
    assert_eq!(reason(&world.present("/admin", &token)), Reason::RoleNotAllowed);
    assert_eq!(role(&world.present("/x", &token)), "user");
}

#[test]
fn not_assigned_is_the_answer_even_when_the_store_is_down() {
    let mut world = World::new(policy(|document| {
        document["parents"][0]["connections"][0]["assignment"] = json!({"claim": "roles", "any_of": ["usher"]});
    }));
    let token = token(|_| {});
    let Next::AskStore(expect) = world.present("/x", &token) else { panic!("the store is not asked") };
    assert_eq!(expect.body().plan, Plan::Remove { reason: Reason::NotAssigned });
    let next = world.step(|desk| expect.answered(Err(NoAnswer::Unsent), desk));
    assert_eq!(reason(&next), Reason::NotAssigned);
}

#[test]
fn a_bad_signature_and_an_unknown_inline_key_are_denied_at_once() {
    let mut world = World::new(policy(|_| {}));
    world.verifier.says.set(false);
    assert_eq!(reason(&world.present("/x", &token(|_| {}))), Reason::BadSignature);
    let mut world = World::new(policy(|document| {
        document["parents"][0]["connections"][0]["jwks"] = json!({"inline": jwks("k2")});
    }));
    assert_eq!(reason(&world.present("/x", &token(|_| {}))), Reason::UnknownKey);
    assert_eq!(world.verifier.asked.get(), 0);
}

#[test]
fn a_request_that_lacks_remote_keys_waits_and_goes_on_with_them() {
    let mut world = World::new(policy(remote_jwks));
    let token = token(|_| {});
    let Next::AwaitKeys(expect) = world.present("/x", &token) else { panic!("keys are not awaited") };
    assert_eq!(expect.lack(), Lack::Keys);
    assert_eq!(expect.connection().id.as_str(), "idp");
    world.source.has("k2");
    let Next::AwaitKeys(expect) = world.step(|desk| expect.check_again(desk)) else { panic!("the key is not awaited") };
    assert_eq!(expect.lack(), Lack::Kid);
    world.source.has("k1");
    assert!(matches!(world.step(|desk| expect.check_again(desk)), Next::AskStore(_)));
}

#[test]
fn a_request_for_which_no_keys_come_is_denied_for_what_it_lacks() {
    let mut world = World::new(policy(remote_jwks));
    let Next::AwaitKeys(expect) = world.present("/x", &token(|_| {})) else { panic!("keys are not awaited") };
    assert_eq!(reason(&expect.refuse()), Reason::KeysUnavailable);
    world.source.has("k2");
    let Next::AwaitKeys(expect) = world.present("/x", &token(|_| {})) else { panic!("the key is not awaited") };
    assert_eq!(reason(&expect.refuse()), Reason::UnknownKey);
}

#[test]
fn in_shadow_the_store_is_only_asked_what_it_would_do() {
    let mut world = World::new(policy(|document| document["enforcement"] = json!("shadow")));
    let Next::AskStore(expect) = world.present("/x", &token(|_| {})) else { panic!("the store is not asked") };
    assert!(expect.body().preview);
}
