//! A provider withdraws a key: sessions that rest on it are over, all others go on.

use super::*;

fn world() -> World {
    let mut world = World::new(policy(remote_jwks));
    world.source = Source(Some(Rc::new(KeySet::parse(jwks("k1").to_string().as_bytes()).unwrap())));
    world
}

#[test]
fn a_session_is_over_when_its_key_has_been_withdrawn() {
    let mut world = world();
    let token = token(|_| {});
    assert_eq!(role(&world.log_in("/", &token, Ok(answer("member", "user")))), "user");
    world.source = Source(Some(Rc::new(KeySet::parse(jwks("k2").to_string().as_bytes()).unwrap())));
    world.withdrawals = 1;
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
    world.withdrawals = 1;
    assert_eq!(reason(&world.present("/", &token)), Reason::BadSignature);
    assert_eq!(world.sessions.len(), 0);
}

#[test]
fn a_session_whose_key_is_still_there_is_verified_once_more_and_goes_on_without_the_store() {
    let mut world = world();
    let token = token(|_| {});
    world.log_in("/", &token, Ok(answer("member", "user")));
    assert_eq!(world.verifier.asked.get(), 1);
    world.withdrawals = 1;
    for _ in 0..3 {
        assert_eq!(role(&world.present("/", &token)), "user");
    }
    assert_eq!(world.verifier.asked.get(), 2, "once for each time that a key was withdrawn");
}

#[test]
fn a_key_that_is_withdrawn_while_the_store_is_asked_counts_against_the_session_that_comes_of_it() {
    let mut world = world();
    let token = token(|_| {});
    let Next::AskStore(expect) = world.present("/", &token) else { panic!("the store is not asked") };
    world.withdrawals = 1;
    assert_eq!(role(&world.step(|desk| expect.answered(Ok(answer("member", "user")), desk))), "user");
    world.verifier.says.set(false);
    assert_eq!(reason(&world.present("/", &token)), Reason::BadSignature);
}
