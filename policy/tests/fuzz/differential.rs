//! The verdict on a token beside that of joserfc, which others wrote in another language: every difference has its rule.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use jwt_simple::algorithms::EdDSAKeyPairLike as _;
use jwt_simple::reexports::ct_codecs::{Base64UrlSafeNoPadding, Decoder as _, Encoder as _};
use serde_json::{Value, json};
use usher_policy::json as strict;
use usher_policy::token::{Assertion, JwtSimple, verify};

use super::mutate::cases;
use super::targets::{KEY, NOW, NoKeys, POLICY, seeds};

/// Where `cargo xtask test` puts it.
const PYTHON: &str = "../target/differential-venv/bin/python";

#[test]
fn every_difference_from_joserfc_has_its_rule() {
    let tokens = tokens();
    let theirs = peer(&tokens);
    assert_eq!(theirs.len(), tokens.len(), "an answer for each token");
    let (mut rules, mut unexplained, mut both_accept) = (BTreeMap::new(), Vec::new(), 0);
    for (token, theirs) in tokens.iter().zip(theirs) {
        let ours = accepts(token);
        if ours == theirs {
            both_accept += usize::from(ours);
            continue;
        }
        match rule(token, ours) {
            Some(rule) => *rules.entry(rule).or_insert(0) += 1,
            None => unexplained.push(format!("ours: {ours}, theirs: {theirs}: {}", token.escape_ascii())),
        }
    }
    println!("{} tokens, {both_accept} accepted by both, differences by rule: {rules:#?}", tokens.len());
    assert!(
        unexplained.is_empty(),
        "{} differences: {:#?}",
        unexplained.len(),
        unexplained.iter().take(5).collect::<Vec<_>>()
    );
    assert!(both_accept > 20, "only {both_accept} were accepted by both: nothing was compared");
}

/// Claims and header changed and then signed, and a good token changed.
fn tokens() -> Vec<Vec<u8>> {
    let words = [
        "\"aud\":[\"usher\"]",
        "\"exp\":",
        "\"nbf\":1",
        "\"iss\":",
        "\"sub\":",
        "\"typ\":\"JWT\"",
        "\"crit\":[\"x\"],",
        ",",
        "1800000000",
        ".5",
    ];
    let texts = seeds("claims");
    let mut tokens: Vec<_> = cases(&texts, &words).map(|(_, text)| sealed(&text)).collect();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("differential");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("good"), sealed(&std::fs::read(texts.join("plain.txt")).unwrap())).unwrap();
    tokens.extend(cases(&folder, &["=", ".", "AA", "_", "-"]).map(|(_, token)| token));
    tokens
}

/// A header, a line end and claims, signed as they are.
fn sealed(text: &[u8]) -> Vec<u8> {
    let split = text.iter().position(|byte| *byte == b'\n').unwrap_or(text.len());
    let (header, payload) = text.split_at(split);
    let encode = |bytes: &[u8]| Base64UrlSafeNoPadding::encode_to_string(bytes).unwrap();
    let message = format!("{}.{}", encode(header), encode(payload.strip_prefix(b"\n").unwrap_or(payload)));
    let signature = KEY.key_pair().as_ref().sk.sign(&message, None);
    format!("{message}.{}", encode(signature.as_ref())).into_bytes()
}

fn accepts(token: &[u8]) -> bool {
    let organization = POLICY.organization("acme-chat").unwrap();
    Assertion::parse(token).is_ok_and(|assertion| verify(organization, &assertion, &NoKeys, &JwtSimple, NOW).is_ok())
}

fn peer(tokens: &[Vec<u8>]) -> Vec<bool> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join(PYTHON);
    assert!(python.is_file(), "{} is missing: run `cargo xtask test`, which installs joserfc there", python.display());
    let mut jwk: Value = serde_json::from_str(&KEY.public_key().to_jwk()).unwrap();
    jwk["kid"] = json!("k");
    let terms = json!({
        "jwks": {"keys": [jwk]}, "now": NOW, "leeway": 60, "issuer": "https://idp.acme.example", "audience": "usher",
        "algorithms": ["EdDSA"],
    });
    let mut input = format!("{terms}\n");
    for token in tokens {
        input.extend(token.iter().map(|byte| format!("{byte:02x}")));
        input.push('\n');
    }
    let mut child = Command::new(python)
        .arg(root.join("tests/fuzz/peer.py"))
        .env("PYTHONWARNINGS", "ignore")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writing = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(|line| line == "accept").collect()
}

/// The rule by which we differ, if there is one.
fn rule(token: &[u8], ours: bool) -> Option<&'static str> {
    let parts: Vec<&[u8]> = token.split(|byte| *byte == b'.').collect();
    let [header, payload, signature] = parts.as_slice() else { return (!ours).then_some("three parts") };
    let decode = |part: &[u8]| Base64UrlSafeNoPadding::decode_to_vec(part, None).ok();
    let (Some(header), Some(payload), Some(_)) = (decode(header), decode(payload), decode(signature)) else {
        return (!ours).then_some("base64url has one spelling");
    };
    let (Ok(header), Ok(claims)) = (strict::parse(&header), strict::parse(&payload)) else {
        return (!ours).then_some("JSON without doubles, of bounded depth, in UTF-8");
    };
    if ours {
        let known = ["alg", "typ", "cty", "kid", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256"];
        let members = header.as_object()?;
        let has_fraction =
            |name: &&str| claims.get(*name).and_then(Value::as_f64).is_some_and(|date| date.fract() != 0.0);
        return Some(match () {
            () if !members.contains_key("kid") => "without a kid, the one key that fits",
            () if members.keys().any(|name| !known.contains(&name.as_str())) => "other members of a header are ignored",
            () if members.len() > 2 + usize::from(members.contains_key("kid")) => {
                "other members of a header are not looked at"
            }
            () if ["exp", "iat", "nbf"].iter().any(has_fraction) => "dates may have fractions",
            () => return None,
        });
    }
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let is_date = |name: &str| claims.get(name).and_then(Value::as_f64).is_some_and(|date| (0.0..9e15).contains(&date));
    let typ = header.get("typ");
    Some(match () {
        () if typ.is_some_and(|typ| !typ.as_str().is_some_and(|typ| typ.eq_ignore_ascii_case("JWT"))) => "typ is JWT",
        () if header.get("crit").is_some() || header.get("b64").is_some() => "nothing is critical",
        () if header.get("kid").is_some_and(|kid| kid != "k") => "a kid names its key",
        () if claims.get("events").is_some() => "no security events",
        () if !text("sub").is_some_and(|sub| (1..=255).contains(&sub.len()) && !sub.chars().any(char::is_control)) => {
            "a subject is 1 to 255 bytes"
        }
        () if ["exp", "iat"].iter().any(|name| !is_date(name)) => "dates are numbers from 0 on",
        () if claims.get("nbf").is_some_and(|nbf| !nbf.as_f64().is_some_and(|date| (0.0..9e15).contains(&date))) => {
            "dates are numbers from 0 on"
        }
        () if claims.get("azp").is_some_and(|azp| azp != "usher") => "azp is us",
        () if claims.get("aud").and_then(Value::as_array).is_some_and(|aud| aud.iter().any(|one| !one.is_string())) => {
            "audiences are texts"
        }
        () => return None,
    })
}
