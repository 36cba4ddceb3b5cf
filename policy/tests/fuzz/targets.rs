//! A target for each thing that is read: tokens, key sets, policies, paths, hosts, answers of the store.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use jwt_simple::algorithms::{Ed25519KeyPair, EdDSAKeyPairLike as _};
use jwt_simple::reexports::ct_codecs::{Base64UrlSafeNoPadding, Encoder as _};
use serde_json::{Value, json};
use usher_policy::id::OrganizationId;
use usher_policy::model::{Connection, Policy};
use usher_policy::rules::path::NormalPath;
use usher_policy::rules::route::{host, route};
use usher_policy::token::{Assertion, Claimant, JwtSimple, KeySet, KeySource, verify};
use usher_policy::wire::{Login, LoginAnswer};
use usher_policy::{Reason, json as strict};
use usher_policy_file::{check_json, check_yaml, from_json, yaml_to_json};

use super::mutate::fuzz;

/// A time at which the seeds' claims are good.
pub(crate) const NOW: u64 = 1_800_000_000;

pub(crate) static KEY: LazyLock<Ed25519KeyPair> = LazyLock::new(|| Ed25519KeyPair::generate().with_key_id("k"));

pub(crate) static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let mut jwk: Value = serde_json::from_str(&KEY.public_key().to_jwk()).unwrap();
    jwk["kid"] = json!("k");
    let document = json!({
        "version": 1,
        "parents": [{
            "id": "acme", "plan": "enterprise", "domains": ["acme.example"],
            "connections": [{
                "id": "okta", "issuer": "https://idp.acme.example", "audiences": ["usher"], "jwks": {"inline": {"keys": [jwk]}},
            }],
            "organizations": [{
                "id": "acme-chat", "product": "claude", "hosts": ["chat.acme.example"],
                "provisioning": {"mode": "jit", "group_mappings": {"roles": [{"group": "staff", "role": "user"}]}},
                "access": [{"path": "/admin/", "roles": ["owner"]}], "bypass": [{"path": "/healthz"}],
            }],
        }],
    });
    from_json(document.to_string().as_bytes()).unwrap()
});

/// Nothing was fetched: the keys are in the policy.
pub(crate) struct NoKeys;

impl KeySource for NoKeys {
    fn keys(&self, _connection: &Connection) -> Option<std::rc::Rc<KeySet>> {
        None
    }
}

pub(crate) fn seeds(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds").join(target)
}

fn decided(token: &[u8]) -> Result<(), Reason> {
    let organization = POLICY.organization("acme-chat").unwrap();
    let assertion = Assertion::parse(token)?;
    let verified = verify(organization, &assertion, &NoKeys, &JwtSimple, NOW).map_err(|error| error.reason())?;
    let login = Claimant::read(organization, &verified)?.login(organization, false)?;
    // What is put to the store is bounded whatever the token says.
    assert!(serde_json::to_vec(&login).unwrap().len() < 8192, "{login:?}");
    Ok(())
}

#[test]
fn tokens() {
    fuzz(&seeds("token"), &[".", "..", "eyJhbGciOiJub25lIn0", "Bearer ", "=", "e30"], |token| {
        // None of them is signed by our key.
        assert!(decided(token).is_err());
    });
}

/// Claims and header are changed before they are signed: behind the signature nothing may be taken for granted either.
#[test]
fn signed_claims() {
    let words = [
        "\"iss\":",
        "\"sub\":",
        "\"aud\":[",
        "\"exp\":",
        "\"groups\":",
        "\"azp\":",
        "\"_claim_names\":{",
        "\"crit\":[",
        ",",
        ":",
    ];
    fuzz(&seeds("claims"), &words, |text| {
        let split = text.iter().position(|byte| *byte == b'\n').unwrap_or(text.len());
        let (header, payload) = text.split_at(split);
        let payload = payload.strip_prefix(b"\n").unwrap_or(payload);
        let encode = |bytes: &[u8]| Base64UrlSafeNoPadding::encode_to_string(bytes).unwrap();
        let message = format!("{}.{}", encode(header), encode(payload));
        let signature = KEY.key_pair().as_ref().sk.sign(&message, None);
        let token = format!("{message}.{}", encode(signature.as_ref()));
        let first = decided(token.as_bytes());
        assert_eq!(first, decided(token.as_bytes()), "two verdicts");
        if first.is_ok() {
            let claims = strict::parse(payload).unwrap();
            assert_eq!(
                (&claims["iss"], claims["email_verified"] == true || claims["email_verified"] == "true"),
                (&json!("https://idp.acme.example"), true)
            );
            assert!(claims["email"].as_str().unwrap().to_ascii_lowercase().ends_with("@acme.example"));
            assert!(claims["exp"].as_f64().unwrap() + 60.0 > NOW as f64);
        }
    });
}

#[test]
fn key_sets() {
    let words = [
        "\"kty\":",
        "\"RSA\"",
        "\"EC\"",
        "\"OKP\"",
        "\"oct\"",
        "\"crv\":",
        "\"P-256\"",
        "\"n\":",
        "\"e\":\"AQAB\"",
        "\"keys\":[",
        "\"kid\":",
        "\"use\":",
    ];
    fuzz(&seeds("jwks"), &words, |document| {
        if let Ok(set) = KeySet::parse(document) {
            assert!((1..=KeySet::MAX_KEYS).contains(&set.keys().len()));
            for key in set.keys() {
                assert!(key.spki().len() < 600 && (64..=512).contains(&key.signature_len()));
                assert!(key.id().is_none_or(|id| id.len() <= 1024));
            }
        }
    });
}

#[test]
fn policies() {
    let words = [
        "parents",
        "organizations",
        "mode: scim",
        "&a",
        "*a",
        "<<: *a",
        "!!binary",
        "? ",
        "- ",
        "  ",
        "\t",
        "|\n",
        ": ",
        "{",
        "}",
        "[",
        "]",
        "#",
    ];
    fuzz(&seeds("policy"), &words, |document| {
        for faults in
            [check_json(document).err(), std::str::from_utf8(document).ok().and_then(|text| check_yaml(text).err())]
                .into_iter()
                .flatten()
        {
            assert!(!faults.is_empty());
            let told: usize = faults.iter().map(|fault| fault.path.len() + fault.message.len()).sum();
            assert!(told < 100 * (document.len() + 1000), "{} bytes of faults for {}", told, document.len());
        }
        if let Ok(text) = std::str::from_utf8(document)
            && let Ok(value) = yaml_to_json(text)
        {
            // Aliases must not make much of little.
            assert!(value.to_string().len() <= 8 * document.len() + 1000);
        }
    });
}

#[test]
fn paths_and_hosts() {
    let words = [
        "/",
        "..",
        "%2e",
        "%2F",
        "%5c",
        ";",
        "?",
        "#",
        "//",
        "\\",
        "%00",
        "/admin",
        "/healthz",
        "[::1]",
        ":80",
        ".",
        "%25",
        "2e",
        "%c0%af",
        "%e0%80%ae",
        "%c3%a9",
        "%09",
        "%7f",
    ];
    fuzz(&seeds("path"), &words, |raw| {
        if let Ok(path) = NormalPath::parse(raw) {
            let text = path.as_str();
            assert_eq!(NormalPath::parse(text.as_bytes()).as_ref(), Ok(&path), "one reading");
            assert!(text.len() <= raw.len() * 3 && text.starts_with('/') && text.is_ascii());
            assert!(text.split('/').skip(1).all(|segment| segment != "." && segment != ".."), "{text}");
            assert!(!text.contains("//") && !text.contains(['\\', ';', '#', '?', ' ']), "{text}");
            let folded = text.to_ascii_lowercase();
            let hidden = ["%2f", "%5c", "%2e", "%0", "%1", "%7f", "%c0", "%c1", "%252e", "%2525"];
            assert!(hidden.iter().all(|hidden| !folded.contains(hidden)), "{text}");
        }
        if let Some(name) = host(raw) {
            assert!(!name.contains(['/', '@', ' ', '\0']) && name == name.to_ascii_lowercase());
        }
        // Whatever it is, it is routed to an organization whose path is known, or refused.
        match route(&POLICY, b"chat.acme.example", raw) {
            Ok(routed) => assert!(routed.path.is_some()),
            Err(reason) => assert_eq!(reason, Reason::AmbiguousRequest),
        }
    });
}

#[test]
fn answers_of_the_store() {
    let words = [
        "\"answer\":",
        "\"member\":",
        "\"position\":",
        "\"organization\":\"globex\"",
        "\"subject\":\"eve\"",
        "\"role\":",
        "null",
    ];
    let organization = OrganizationId::new("acme-chat");
    let login: Login = serde_json::from_value(json!({
        "connection": "okta", "issuer": "https://idp.acme.example", "subject": "u-1", "email": "ada@acme.example", "issued_at": 1,
        "plan": {"do": "require"},
    }))
    .unwrap_or_else(|error| panic!("{error}"));
    fuzz(&seeds("answer"), &words, |body| {
        if let Ok(answer) = LoginAnswer::parse_about(body.to_vec(), &organization, &login)
            && let Some(member) = answer.member
        {
            let document = strict::parse(body).unwrap();
            assert_eq!(document["member"]["organization"], "acme-chat");
            assert_eq!(document["member"]["id"], json!(member.id));
            assert!(document["member"]["subject"].is_null() || document["member"]["subject"] == "u-1");
        }
    });
}
