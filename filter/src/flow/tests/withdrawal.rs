//! A provider withdraws a key: sessions that rest on it are over, all others go on.

use super::*;

/// A customer with two providers.
fn world() -> World {
    let mut world = World::new(policy(|document| {
        remote_jwks(document);
        let mut other = document["parents"][0]["connections"][0].clone();
        other["id"] = json!("other");
        other["issuer"] = json!("https://other.example");
        document["parents"][0]["connections"].as_array_mut().unwrap().push(other);
    }));
    world.source.has("k1");
    world.source.tenures = ["idp", "other"].map(|id| (id.to_owned(), Tenure::default())).into();
    world
}

impl World {
    /// A key of this connection has gone.
    pub(super) fn withdraw(&mut self, connection: &str) {
        self.source.tenures.insert(connection.to_owned(), Tenure::default()).unwrap().end();
    }
}

#[test]
fn a_session_is_over_when_its_key_has_been_withdrawn() {
    let mut world = world();
    let token = token(|_| {});
    assert_eq!(role(&world.log_in("/", &token, Ok(answer("member", "user")))), "user");
    world.source.has("k2");
    world.withdraw("idp");
    match world.present("/", &token) {
        Next::AwaitKeys(expect) => assert_eq!(expect.lack(), Lack::Kid),
        other => panic!("the session goes on: {other:?}"),
    }
    assert_eq!(world.sessions.len(), 0);
}

#[test]
fn a_session_of_a_key_that_does_not_verify_it_any_more_is_over() {
    let mut world = world();
    let token = token(|_| {});
    world.log_in("/", &token, Ok(answer("member", "user")));
    world.verifier.says.set(false);
    world.withdraw("idp");
    assert_eq!(reason(&world.present("/", &token)), Reason::BadSignature);
    assert_eq!(world.sessions.len(), 0);
}

#[test]
fn a_session_whose_key_is_still_there_is_verified_once_more_and_goes_on_without_the_store() {
    let mut world = world();
    let token = token(|_| {});
    world.log_in("/", &token, Ok(answer("member", "user")));
    assert_eq!(world.verifier.asked.get(), 1);
    for verified in [2, 3] {
        world.withdraw("idp");
        for _ in 0..3 {
            assert_eq!(role(&world.present("/", &token)), "user");
        }
        assert_eq!(world.verifier.asked.get(), verified, "once for each time that a key was withdrawn");
    }
}

/// Without any keys, as after `max_stale`: what is verified again now is over.
#[test]
fn what_another_provider_withdraws_ends_no_session_and_costs_none() {
    let mut world = world();
    let ours = token(|_| {});
    let theirs = token(|claims| claims["iss"] = json!("https://other.example"));
    for token in [&ours, &theirs] {
        world.log_in("/", token, Ok(answer("member", "user")));
    }
    world.source.keys = None;
    for _ in 0..3 {
        world.withdraw("other");
        assert_eq!(role(&world.present("/", &ours)), "user");
    }
    assert_eq!(world.verifier.asked.get(), 2, "once for each login");
    assert!(matches!(world.present("/", &theirs), Next::AwaitKeys(_)), "that one's session goes on");
    assert_eq!(world.sessions.len(), 1);
}

#[test]
fn a_key_that_is_withdrawn_while_the_store_is_asked_counts_against_the_session_that_comes_of_it() {
    let mut world = world();
    let token = token(|_| {});
    let Next::AskStore(expect) = world.present("/", &token) else { panic!("the store is not asked") };
    world.withdraw("idp");
    assert_eq!(role(&world.step(|desk| expect.answered(Ok(answer("member", "user")), desk))), "user");
    world.verifier.says.set(false);
    assert_eq!(reason(&world.present("/", &token)), Reason::BadSignature);
}

#[test]
fn a_session_that_the_store_has_confirmed_is_over_with_its_key_as_before() {
    let mut world = world();
    let token = token(|_| {});
    world.log_in("/", &token, Ok(answer("member", "user")));
    world.seconds = 6;
    let Next::AskStore(expect) = world.present("/", &token) else { panic!("the store is not asked") };
    assert!(!expect.is_login());
    world.withdraw("idp");
    assert_eq!(role(&world.step(|desk| expect.answered(Ok(answer("member", "user")), desk))), "user");
    world.verifier.says.set(false);
    assert_eq!(reason(&world.present("/", &token)), Reason::BadSignature);
}
