//! What holds for every input: nothing panics, and nothing that was altered is believed.

use std::sync::OnceLock;

use proptest::prelude::*;
use serde_json::json;

use super::signing::{encode, jwks};
use super::world::{claims, header, plain, token, verified, with};
use crate::Reason;
use crate::model::Algorithm::EdDsa;
use crate::token::{Assertion, KeySet};

proptest! {
    #[test]
    fn parsing_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let denied = Assertion::parse(&bytes).err();
        prop_assert!(denied.is_none_or(|reason| reason == Reason::MalformedToken));
    }

    #[test]
    fn parsing_three_encoded_parts_never_panics(
        parts in prop::array::uniform3(prop::collection::vec(any::<u8>(), 0..100)),
        json in "[{}\\[\\]\":,a-z0-9.eE\\\\-]{0,60}",
    ) {
        let [header, payload, signature] = parts.map(encode);
        for token in [
            format!("{header}.{payload}.{signature}"),
            format!("{}.{payload}.{signature}", encode(&json)),
            format!("{}.{}.{signature}", encode(super::world::header(EdDsa).to_string()), encode(&json)),
        ] {
            prop_assert_eq!(Assertion::parse(token.as_bytes()).err(), Some(Reason::MalformedToken));
        }
    }

    #[test]
    fn reading_keys_never_panics(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        member in "(kty|crv|n|e|x|y|use|alg|kid)",
        value in "[A-Za-z0-9_-]{0,90}",
        index in 0_usize..4,
    ) {
        prop_assert!(KeySet::parse(&bytes).is_err());
        let mut set = jwks();
        set["keys"][index][&member] = json!(value);
        // The other three are still good.
        prop_assert!(KeySet::parse(set.to_string().as_bytes()).is_ok_and(|set| set.keys().len() >= 3));
    }

    #[test]
    fn an_altered_token_is_never_believed(position in any::<prop::sample::Index>(), bit in 0_u8..7) {
        let mut token = good_token().as_bytes().to_vec();
        let position = position.index(token.len());
        token[position] ^= 1 << bit;
        let token = String::from_utf8(token).unwrap();
        prop_assert!(verified(&plain(), &token).is_err(), "{token}");
    }

    #[test]
    fn a_shortened_or_spliced_token_is_never_believed(cut in any::<prop::sample::Index>(), with in "[A-Za-z0-9_.=-]{0,8}") {
        let token = good_token();
        let (head, tail) = token.split_at(cut.index(token.len()));
        prop_assert!(verified(&plain(), head).is_err());
        let spliced = format!("{head}{with}{tail}");
        prop_assert_eq!(verified(&plain(), &spliced).is_ok(), with.is_empty());
    }

    #[test]
    fn claims_of_any_type_give_a_reason_and_never_a_panic(
        name in "(iss|sub|aud|exp|nbf|iat|azp|email|email_verified|name|groups|hd|_claim_names|hasgroups|events)",
        value in prop::sample::select(vec![
            json!(null), json!(true), json!(0), json!(-1), json!(1.5), json!(1e300), json!(u64::MAX), json!(i64::MIN), json!(""),
            json!("\u{0}"), json!("true"), json!("usher"), json!([]), json!([[]]), json!({}), json!({"groups": {"groups": []}}),
        ]),
    ) {
        let mut claims = claims();
        claims[&name] = value;
        let organization = plain();
        let denied = super::world::login(&organization, &super::world::Keys(None), &token(&claims)).err();
        prop_assert!(denied.is_none_or(|reason| matches!(reason.status(), 401 | 403)));
        let header = with(header(EdDsa), json!({"kid": name}));
        let token = super::world::signed(&header, &claims, EdDsa);
        prop_assert!(verified(&organization, &token).is_err());
    }
}

fn good_token() -> &'static str {
    static TOKEN: OnceLock<String> = OnceLock::new();
    TOKEN.get_or_init(|| token(&claims()))
}
