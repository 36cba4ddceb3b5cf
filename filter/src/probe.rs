//! What the host and jwt-simple say of any signature, side by side; never part of a normal build.

use serde_json::{Value, json};
use usher_policy::model::Algorithm;
use usher_policy::token::keys::KeySet;
use usher_policy::token::signature::{JwtSimple, SignatureVerifier, is_well_formed};

use crate::header_map::HeaderMap;
use crate::signature::Signatures;

/// The verdicts on the signature that a request carries in `x-usher-probe`, as `{"jwk", "alg", "message", "signature"}` with
/// bytes in hexadecimal; `None` where it carries none. `-` is a question that is none.
pub(crate) fn answer(headers: &HeaderMap, signatures: Signatures) -> Option<String> {
    let question = headers.first(b"x-usher-probe")?;
    Some(verdicts(question, signatures).unwrap_or_else(|| "-".to_owned()))
}

fn verdicts(question: &[u8], signatures: Signatures) -> Option<String> {
    let question: Value = serde_json::from_slice(question).ok()?;
    let algorithm = Algorithm::named(question.get("alg")?.as_str()?)?;
    let (message, signature) = (bytes(question.get("message")?)?, bytes(question.get("signature")?)?);
    let keys = KeySet::parse(json!({"keys": [question.get("jwk")?]}).to_string().as_bytes());
    let accepts = |verifier: &dyn SignatureVerifier| {
        keys.iter().flat_map(|keys| keys.keys()).any(|key| {
            is_well_formed(algorithm, key, &signature) && verifier.verify(algorithm, key, &message, &signature)
        })
    };
    let (here, there) = (accepts(&signatures), accepts(&JwtSimple));
    Some(format!("by_host={} filter={here} jwt_simple={there}", signatures.by_host()))
}

fn bytes(hexadecimal: &Value) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        hexadecimal.as_str()?.chars().map(|digit| u8::try_from(digit.to_digit(16)?).ok()).collect::<Option<_>>()?;
    digits.chunks(2).map(|pair| Some(pair.first()? << 4 | pair.get(1)?)).collect()
}
