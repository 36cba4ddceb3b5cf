//! Of two reasons that apply, the first of design §2's list is answered: every pair of those that a token can give.

use std::rc::Rc;

use serde_json::{Value, json};

use super::signing::{encode, jwks, seal};
use super::world::{Keys, NOW, claims, connection, header, login, organization, remote};
use crate::Reason;
use crate::model::Algorithm::EdDsa;
use crate::model::{ClaimPath, Connection, Requirement};
use crate::token::KeySet;

/// A good login, to be spoilt in one or more ways.
struct Attempt {
    header: Value,
    claims: Value,
    keys: Keys,
    forged: bool,
}

type Spoil = fn(&mut Attempt);

/// Every reason that a token can give, in the order of the list, with a way to it.
const SPOILS: &[(Reason, Spoil)] = &[
    (Reason::MalformedToken, |attempt| attempt.header["crit"] = json!(["x"])),
    (Reason::UnknownIssuer, |attempt| attempt.claims["iss"] = json!("https://other.example")),
    (Reason::UnsupportedAlgorithm, |attempt| attempt.header["alg"] = json!("HS256")),
    (Reason::KeysUnavailable, |attempt| attempt.keys = Keys(None)),
    (Reason::UnknownKey, |attempt| attempt.header["kid"] = json!("nobody")),
    (Reason::BadSignature, |attempt| attempt.forged = true),
    (Reason::WrongAudience, |attempt| attempt.claims["aud"] = json!("other")),
    (Reason::Expired, |attempt| attempt.claims["exp"] = json!(NOW - 1000)),
    (Reason::NotYetValid, |attempt| attempt.claims["iat"] = json!(NOW + 1000)),
    (Reason::MissingClaim, |attempt| attempt.claims["email"] = Value::Null),
    (Reason::EmailNotVerified, |attempt| attempt.claims["email_verified"] = json!(false)),
    (Reason::DomainNotVerified, |attempt| attempt.claims["email"] = json!("ada@other.example")),
    (Reason::NotAssigned, |attempt| attempt.claims["hd"] = json!("other.example")),
    (Reason::GroupsOverage, |attempt| attempt.claims["_claim_names"] = json!({"groups": "src1"})),
    (Reason::MissingClaim, |attempt| attempt.claims["groups"] = json!({})),
];

#[test]
fn the_list_is_in_the_order_of_the_reasons() {
    let positions: Vec<_> = SPOILS.iter().map(|(reason, _)| *reason).collect();
    // `missing_claim` is in the list twice: for the email, and at the end for the groups.
    let (groups, rest) = positions.split_last().unwrap();
    assert_eq!(*groups, Reason::MissingClaim);
    assert!(rest.is_sorted(), "{rest:?}");
}

#[test]
fn each_alone_gives_its_reason() {
    assert!(outcome(&[]).is_ok());
    for (reason, spoil) in SPOILS {
        assert_eq!(outcome(&[*spoil]).err(), Some(*reason));
    }
}

#[test]
fn of_two_the_first_is_answered() {
    for (index, (first, spoil_first)) in SPOILS.iter().enumerate() {
        for (second, spoil_second) in SPOILS.iter().skip(index + 1) {
            // The first comes last, where both touch the same claim.
            assert_eq!(outcome(&[*spoil_second, *spoil_first]).err(), Some(*first), "{first} and {second}");
        }
    }
}

#[test]
fn of_all_the_first_is_answered() {
    for (index, (reason, _)) in SPOILS.iter().enumerate() {
        let spoils: Vec<Spoil> = SPOILS.iter().skip(index).rev().map(|(_, spoil)| *spoil).collect();
        assert_eq!(outcome(&spoils).err(), Some(*reason));
    }
}

fn outcome(spoils: &[Spoil]) -> Result<(), Reason> {
    let hd = Requirement { claim: ClaimPath::parse("hd"), any_of: vec!["acme.example".to_owned()] };
    let organization = organization(vec![Connection { jwks: remote(), require: vec![hd], ..connection("okta") }]);
    let keys = Keys(Some(Rc::new(KeySet::parse(jwks().to_string().as_bytes()).unwrap())));
    let mut attempt = Attempt { header: header(EdDsa), claims: claims(), keys, forged: false };
    for spoil in spoils {
        spoil(&mut attempt);
    }
    let mut token = seal(&attempt.header.to_string(), &attempt.claims.to_string(), EdDsa);
    if attempt.forged {
        let (message, _) = token.rsplit_once('.').unwrap();
        token = format!("{message}.{}", encode([1; 64]));
    }
    login(&organization, &attempt.keys, &token).map(drop)
}
