use std::collections::HashSet;

use super::*;
use proptest::prelude::*;

use crate::flow::tests::base64url;

fn okta() -> Issuer {
    Issuer::new("https://acme.okta.example")
}

/// As a provider writes them: claims in one order, and some of which no two are alike.
fn token(key: &str, person: &str, at: u32, groups: &str) -> Vec<u8> {
    let claims = format!(
        r#"{{"sub":"00u{person}8xK1","name":"{person}","email":"{person}@acme.example","ver":1,"iss":"https://acme.okta.example/oauth2/default","aud":"usher","iat":{at},"exp":{},"jti":"ID.{person}{at}","amr":["pwd","mfa"],"email_verified":true,"groups":[{groups}]}}"#,
        at + 3600
    );
    let signature: Vec<u8> = person.bytes().cycle().take(256).collect();
    let parts = [format!(r#"{{"kid":"{key}","alg":"RS256"}}"#).into_bytes(), claims.into_bytes(), signature];
    parts.map(|part| base64url(&part)).join(".").into_bytes()
}

fn own(kept: &Kept) -> usize {
    match kept {
        Kept::Assertion(Assertion { own, .. }) => own.len() - 256,
        Kept::Text(text) => text.len(),
    }
}

fn has_model_of(one: &Kept, other: &Kept) -> bool {
    match (one, other) {
        (Kept::Assertion(one), Kept::Assertion(other)) => Rc::ptr_eq(&one.model, &other.model),
        _ => false,
    }
}

#[test]
fn what_the_assertions_of_a_provider_have_in_common_is_in_memory_once() {
    let mut models = Models::new();
    let people =
        ["ada", "bartholomew", "cyd"].map(|person| token("k1", person, 1_760_000_000, "\"everyone\",\"staff\""));
    let kept = people.each_ref().map(|credential| models.keep(&okta(), credential));
    assert!(kept.iter().all(|other| has_model_of(other, &kept[0])));
    assert_eq!(kept.each_ref().map(own), [5, 71, 42], "of some 280 bytes");
    assert_eq!(kept.each_ref().map(Kept::room), people.each_ref().map(Vec::len));
    let elsewhere = models.keep(&Issuer::new("https://acme.entra.example"), &people[0]);
    assert!(!has_model_of(&elsewhere, &kept[0]), "each provider has its own");
}

#[test]
fn each_key_of_a_provider_has_a_model() {
    let mut models = Models::new();
    let credentials = ["k1", "k2", "k1", "k2"].map(|key| token(key, "ada", 1_760_000_000, ""));
    let kept = credentials.each_ref().map(|credential| models.keep(&okta(), credential));
    assert!(has_model_of(&kept[0], &kept[2]) && has_model_of(&kept[1], &kept[3]));
    assert!(!has_model_of(&kept[0], &kept[1]));
    assert!(kept.iter().zip(&credentials).all(|(kept, credential)| kept.is(credential)));
}

#[test]
fn a_model_that_has_little_in_common_with_an_assertion_gives_way_to_it() {
    let mut models = Models::new();
    let many: String = (0..99).map(|number| format!("\"{}\",", number * 7_654_321)).collect();
    let credentials = ["", &many, &many, ""].map(|groups| token("k1", "ada", 1_760_000_000, groups));
    let kept = credentials.each_ref().map(|credential| models.keep(&okta(), credential));
    assert!(!has_model_of(&kept[0], &kept[1]) && has_model_of(&kept[1], &kept[2]) && has_model_of(&kept[1], &kept[3]));
    assert!(kept.iter().zip(&credentials).all(|(kept, credential)| kept.is(credential)));
}

#[test]
fn providers_without_sessions_are_forgotten() {
    let mut models = Models::new();
    let credential = token("k1", "ada", 1, "");
    let kept = models.keep(&okta(), &credential);
    for number in 0..10_000 {
        models.keep(&Issuer::new(number.to_string()), &credential);
    }
    assert!(models.of.len() <= FIRST_SWEEP, "{}", models.of.len());
    assert!(has_model_of(&kept, &models.keep(&okta(), &credential)), "this one has some");
}

/// One with claims that are as long as whoever signs wants them.
fn filled(head: &str, number: u32, filler: usize) -> Vec<u8> {
    let mut state = u64::from(number);
    let letters = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + u8::try_from(state >> 60).unwrap())
    });
    let filler: String = letters.take(filler).collect();
    let claims = format!(r#"{{"iss":"https://acme.okta.example","sub":"ada","jti":"{number}","filler":"{filler}"}}"#);
    [head.as_bytes().to_vec(), claims.into_bytes(), vec![7; 64]].map(|part| base64url(&part)).join(".").into_bytes()
}

/// How many bytes of models these hold, each counted once.
fn models_of(held: &[Kept]) -> usize {
    let models: std::collections::HashMap<_, _> = held
        .iter()
        .filter_map(|kept| match kept {
            Kept::Assertion(assertion) => Some((assertion.model.as_ptr(), assertion.model.len())),
            Kept::Text(_) => None,
        })
        .collect();
    models.values().sum()
}

#[test]
fn a_short_assertion_holds_on_to_no_long_one_that_has_gone_and_what_it_holds_is_counted() {
    for filler in [1_000, 45_000] {
        let mut models = Models::new();
        let mut held = Vec::new();
        for number in 0..60 {
            drop(models.keep(&okta(), &filled("{}", number, filler)));
            held.push(models.keep(&okta(), &filled("{}", number, 1)));
        }
        let (holds, told) = (models_of(&held), held.iter().map(Kept::room).sum::<usize>());
        assert!(holds <= told, "{holds} of {told}");
        assert!(holds <= 60 * LONGEST, "{holds}");
    }
}

#[test]
fn models_are_few_however_many_headers_a_provider_has() {
    let mut models = Models::new();
    let header = |number: u32| format!(r#"{{"alg":"RS256","x":{number}}}"#);
    let held: Vec<Kept> = (0..3_000).map(|number| models.keep(&okta(), &filled(&header(number), number, 1))).collect();
    assert!(models.of.len() <= MODELS, "{}", models.of.len());
    for number in 0..100 {
        drop(models.keep(&okta(), &filled(&header(number + 10_000), number, 45_000)));
    }
    assert!(models.of.len() <= MODELS && models.of.iter().all(|model| model.bytes.len() <= LONGEST));
    assert!(held.iter().zip(0..).all(|(kept, number)| kept.is(&filled(&header(number), number, 1))));
}

#[test]
fn headers_have_hashes_of_their_own_wherever_they_differ() {
    let models = Models::new();
    for (before, after) in
        [("", ""), ("", "-and-more-than-a-few-letters-that-all-of-them-end-with"), ("of-a-provider-", "")]
    {
        let headers = (0..1_000).map(|number| format!("{before}{number}{after}."));
        let hashes: HashSet<u64> = headers.map(|header| hash(&models.keys, &okta(), header.as_bytes())).collect();
        assert_eq!(hashes.len(), 1_000, "between `{before}` and `{after}`");
    }
}

proptest! {
    #[test]
    fn a_credential_is_itself_and_no_other(credentials in proptest::collection::vec(prop_oneof![parts(), assertion()], 1..12), odd: u8, at: proptest::sample::Index) {
        let mut models = Models::new();
        let kept: Vec<Kept> = credentials.iter().map(|credential| models.keep(&okta(), credential)).collect();
        for (kept, own) in kept.iter().zip(&credentials) {
            for credential in &credentials {
                prop_assert_eq!(kept.is(credential), credential == own);
            }
            let mut changed = own.clone();
            changed[at.index(own.len())] = odd;
            prop_assert_eq!(kept.is(&changed), changed == *own);
            prop_assert!(kept.room() >= own.len());
            prop_assert!(!kept.is(&[own.as_slice(), b"x"].concat()));
            prop_assert!(!kept.is(own.get(1..).unwrap_or(b"x")));
            prop_assert!(!kept.is(own.split_last().map_or(b"x", |(_, rest)| rest)));
        }
    }
}

/// Credentials of no form.
fn parts() -> impl Strategy<Value = Vec<u8>> {
    (0..80_usize, 0..3_usize, proptest::collection::vec(0..2_u8, 0..6))
        .prop_map(|(first, second, rest)| [vec![1; first + 40], vec![2; second], rest].concat())
}

/// Assertions, nearly all of them canonical, which have much in common, if not at the same place.
fn assertion() -> impl Strategy<Value = Vec<u8>> {
    let long: &'static str = "long".repeat(300).leak();
    let word = proptest::sample::select(vec!["\"name\":\"", "\",\"email\":", "\"]}", "ada", "b", "\"", long]);
    let payload = proptest::collection::vec(word, 0..40);
    ("[hi]", payload, proptest::collection::vec(0..2_u8, 0..90), proptest::option::of("[A-D]")).prop_map(
        |(header, payload, signature, odd)| {
            let payload = base64url(payload.concat().as_bytes());
            format!("{header}.{payload}{}.{}", odd.unwrap_or_default(), base64url(&signature)).into_bytes()
        },
    )
}
