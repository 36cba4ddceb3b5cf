//! Wycheproof's vectors of whole JWS and of JWK sets: all that reads and verifies an assertion, but for its claims.

use std::cell::RefCell;
use std::rc::Rc;

use anyhow::{Context, Result, anyhow, bail, ensure};
use jwt_simple::reexports::ct_codecs::{Base64UrlSafeNoPadding, Decoder as _, Encoder as _};
use serde_json::{Value, json};
use usher_policy::model::{Algorithm, Connection};
use usher_policy::token::keys::{Key, KeySet};
use usher_policy::token::signature::{JwtSimple, SignatureVerifier};
use usher_policy::token::verify::{KeySource, verify};
use usher_policy::token::{Assertion, VerifyError};
use usher_policy::{Policy, Reason};
use usher_tests::policy;

/// The sets, as Wycheproof has them.
const SETS: [(&str, &str); 2] = [
    ("json_web_signature", include_str!("vendored/json_web_signature_test.json")),
    ("json_web_key", include_str!("vendored/json_web_key_test.json")),
];

/// When the claims are good that stand in for those that no vector has.
const NOW: u64 = 1_800_000_000;

/// One vector.
pub(crate) struct Vector {
    /// The set that it is from, by Wycheproof's name.
    pub(crate) set: &'static str,
    /// Its number in the set.
    pub(crate) id: u64,
    /// What it is about.
    pub(crate) comment: String,
    /// What is presented.
    pub(crate) jws: String,
    /// The JWK set, as a provider would publish it.
    pub(crate) jwks: Value,
    /// Whether Wycheproof calls it valid.
    pub(crate) is_valid: bool,
}

/// Why a vector is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It is no assertion that can be read.
    Unread,
    /// Its `alg` is none of ours.
    Algorithm,
    /// No key verifies it: there is none, or none of its name.
    NoKey,
    /// The signature is not the key's, or not of its form.
    Signature,
}

/// What a verifier was asked.
pub(crate) struct Question {
    /// The header's `alg`.
    pub(crate) algorithm: Algorithm,
    /// What was signed.
    pub(crate) message: Vec<u8>,
    /// The signature.
    pub(crate) signature: Vec<u8>,
    /// What the verifier said.
    pub(crate) answer: bool,
}

/// All of them.
///
/// # Errors
/// A set cannot be read.
pub(crate) fn all() -> Result<Vec<Vector>> {
    let mut vectors = Vec::new();
    for (set, text) in SETS {
        let document: Value = serde_json::from_str(text)?;
        let before = vectors.len();
        for group in list(&document, "testGroups")? {
            // What is not public is a secret to sign and to verify with.
            let keys = group.get("public").or_else(|| group.get("private")).context("a group has keys")?;
            let jwks = if keys.get("keys").is_some() { keys.clone() } else { json!({"keys": [keys]}) };
            for test in list(group, "tests")? {
                let text = |name: &str| Some(test.get(name)?.as_str()?.to_owned());
                vectors.push(Vector {
                    set,
                    id: test.get("tcId").and_then(Value::as_u64).context("a vector has a number")?,
                    comment: text("comment").unwrap_or_default(),
                    // One that is an object is presented as its text.
                    jws: text("jws").or_else(|| Some(test.get("jws")?.to_string())).context("a vector has a JWS")?,
                    jwks: jwks.clone(),
                    is_valid: text("result").context("a vector has a result")? == "valid",
                });
            }
        }
        let stated = document.get("numberOfTests").and_then(Value::as_u64);
        ensure!(stated == u64::try_from(vectors.len() - before).ok(), "{set}: {stated:?} vectors");
    }
    Ok(vectors)
}

fn list<'a>(of: &'a Value, name: &str) -> Result<&'a Vec<Value>> {
    of.get(name).and_then(Value::as_array).with_context(|| name.to_owned())
}

/// What reads and verifies assertions, under a policy that accepts every algorithm that there is.
pub(crate) struct Door {
    policy: Policy,
    claims: String,
}

impl Door {
    /// The door of the tests' usual organization.
    ///
    /// # Errors
    /// Its policy has faults.
    pub(crate) fn open() -> Result<Self> {
        let policy = policy::changed("claude", "connection: {jwks: {remote: {}}}")?;
        let policy = usher_scenario::policy::fill_in_keys(&policy, None)?;
        let policy = usher_policy_file::from_json(policy.to_string().as_bytes())
            .map_err(|faults| anyhow!("the policy has faults: {faults:#?}"))?;
        let claims = json!({
            "iss": "https://acme.okta.example", "aud": "usher", "sub": "ada", "iat": NOW - 1, "exp": NOW + 600,
        });
        Ok(Self { policy, claims: Base64UrlSafeNoPadding::encode_to_string(claims.to_string())? })
    }

    /// What becomes of a vector (`Ok` where it is accepted), and what the verifier was asked about it.
    ///
    /// What the vectors sign are no claims (`foo`), which every assertion must have: they are read with good ones in their
    /// place, and the signature is verified over what was signed. Everything else is as it was presented.
    ///
    /// # Errors
    /// The policy is not the one that it was.
    pub(crate) fn judge(&self, vector: &Vector) -> Result<(Result<(), Refused>, Vec<Question>)> {
        let organization = self.policy.organization("acme-chat").context("the organization")?;
        let (presented, message) = self.with_claims(&vector.jws);
        let Ok(assertion) = Assertion::parse(presented.as_bytes()) else {
            return Ok((Err(Refused::Unread), Vec::new()));
        };
        let Ok(keys) = KeySet::parse(vector.jwks.to_string().as_bytes()) else {
            return Ok((Err(Refused::NoKey), Vec::new()));
        };
        let verifier = Signed { message, asked: RefCell::default() };
        let verdict = match verify(organization, &assertion, &Keys(Rc::new(keys)), &verifier, NOW) {
            Ok(_) => Ok(()),
            Err(VerifyError::UnknownKey(_)) => Err(Refused::NoKey),
            Err(VerifyError::Deny(Reason::BadSignature)) => Err(Refused::Signature),
            Err(VerifyError::Deny(Reason::UnsupportedAlgorithm)) => Err(Refused::Algorithm),
            Err(other) => bail!("{} {}: {other:?}", vector.set, vector.id),
        };
        Ok((verdict, verifier.asked.into_inner()))
    }

    /// The token with good claims, where it has a payload that can be read; and what was signed.
    fn with_claims(&self, jws: &str) -> (String, Vec<u8>) {
        let parts: Vec<&str> = jws.split('.').collect();
        match parts.as_slice() {
            [header, payload, signature] if Base64UrlSafeNoPadding::decode_to_vec(payload, None).is_ok() => {
                (format!("{header}.{}.{signature}", self.claims), format!("{header}.{payload}").into_bytes())
            }
            _ => (jws.to_owned(), Vec::new()),
        }
    }
}

struct Keys(Rc<KeySet>);

impl KeySource for Keys {
    fn keys(&self, _: &Connection) -> Option<Rc<KeySet>> {
        Some(Rc::clone(&self.0))
    }
}

/// jwt-simple, asked about what was signed in place of what it is told.
struct Signed {
    message: Vec<u8>,
    asked: RefCell<Vec<Question>>,
}

impl SignatureVerifier for Signed {
    fn verify(&self, algorithm: Algorithm, key: &Key, _: &[u8], signature: &[u8]) -> bool {
        let answer = JwtSimple.verify(algorithm, key, &self.message, signature);
        let (message, signature) = (self.message.clone(), signature.to_vec());
        self.asked.borrow_mut().push(Question { algorithm, message, signature, answer });
        answer
    }
}
