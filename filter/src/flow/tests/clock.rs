//! The wall's clock jumps: what was let in stays as right as it was, and nobody comes in by it.

use super::feed::{Process, Worker};
use super::*;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

#[test]
fn a_session_goes_on_over_a_jump_and_its_changes_reach_it_as_soon_as_before() {
    for jump in [-30 * DAY, -HOUR, -2_000, -50, 50, 2_000, HOUR, DAY] {
        let mut process = Process::with_ada();
        process.jumped += jump;
        assert_eq!(process.session(0, "ada").as_deref(), Some("user"), "{jump}: nobody is asked again for it");
        process.history.write("ada", Some("admin"));
        process.settle();
        assert_eq!(process.session(0, "ada").as_deref(), Some("admin"), "{jump}");
        process.jumped -= jump;
        process.history.write("ada", None);
        process.settle();
        assert_eq!(process.workers[0].world.sessions.len(), 0, "{jump}, and back");
        assert_eq!(reason(&process.log_in(0, "ada").unwrap()), Reason::SessionRevoked, "{jump}");
    }
}

/// Until when the dead worker had the feed stands written in what the wall showed then.
#[test]
fn whoever_followed_the_feed_and_died_before_a_jump_keeps_no_change_from_the_others() {
    for jump in [-30 * DAY, -HOUR, -2_000, 0, 2_000, HOUR] {
        let mut process = Process::with_ada();
        process.log_in(1, "ada");
        assert_eq!(process.session(1, "ada").as_deref(), Some("user"));
        process.workers[0] = Worker::new();
        process.jumped += jump;
        process.history.write("ada", None);
        process.settle();
        assert_eq!(process.workers[1].world.sessions.len(), 0, "{jump}");
    }
}

/// A world whose wall shows this many seconds more than the steady clock.
fn at(world: &World, jump: i64) -> Now {
    let unix = (T0 + world.seconds).saturating_add_signed(jump);
    Now { unix_ms: unix * 1000, steady: Duration::from_secs(world.seconds) }
}

/// Presents a token while the wall's clock is so many seconds off.
fn present_at(world: &mut World, jump: i64, token: &str) -> Next {
    let bearer = format!("Bearer {token}");
    let headers =
        [(":authority", "chat.acme.example"), (":path", "/x"), (":method", "GET"), ("authorization", bearer.as_str())];
    let headers = HeaderMap::decode(HeaderMap::encode(&headers)).unwrap();
    let now = at(world, jump);
    world.step_at(now, |desk| arrive(&headers, desk))
}

#[test]
fn a_session_is_due_by_the_steady_clock_whatever_the_wall_shows() {
    for jump in [-86_400, -1, 0, 1, 500] {
        let mut world = World::new(policy(|_| {}));
        let token = token(|_| {});
        world.log_in("/x", &token, Ok(answer("member", "user")));
        world.seconds = 3;
        assert_eq!(role(&present_at(&mut world, jump, &token)), "user", "{jump}: not due yet");
        world.seconds = 5;
        let Next::AskStore(expect) = present_at(&mut world, jump, &token) else { panic!("{jump}: not due") };
        assert!(!expect.is_login(), "{jump}");
        // The answer that does not come is waited for as long as ever.
        world.seconds = 6;
        assert_eq!(role(&present_at(&mut world, 0, &token)), "user", "{jump}: the question is under way");
    }
}

#[test]
fn a_jump_over_exp_ends_the_session_and_a_jump_back_does_not_bring_it_back() {
    let mut world = World::new(policy(|_| {}));
    let token = token(|_| {});
    world.log_in("/x", &token, Ok(answer("member", "user")));
    assert_eq!(reason(&present_at(&mut world, 10_000, &token)), Reason::Expired);
    assert_eq!(world.sessions.len(), 0);
    assert!(matches!(present_at(&mut world, 0, &token), Next::AskStore(expect) if expect.is_login()));
}

#[test]
fn a_login_is_judged_by_what_the_wall_shows_now() {
    let mut world = World::new(policy(|_| {}));
    let token = token(|_| {});
    for (jump, expected) in [
        (-86_400, Err(Reason::NotYetValid)),
        (-61, Err(Reason::NotYetValid)),
        (-60, Ok(())),
        (0, Ok(())),
        (659, Ok(())),
        (660, Err(Reason::Expired)),
        (86_400, Err(Reason::Expired)),
    ] {
        let next = present_at(&mut world, jump, &token);
        match expected {
            Ok(()) => assert!(matches!(next, Next::AskStore(_)), "{jump}: {next:?}"),
            Err(expected) => assert_eq!(reason(&next), expected, "{jump}"),
        }
    }
}

/// The wall jumps over `exp` while the store thinks about it.
#[test]
fn no_session_comes_of_an_answer_after_a_jump_over_exp() {
    let mut world = World::new(policy(|_| {}));
    let token = token(|_| {});
    let Next::AskStore(expect) = world.present("/x", &token) else { panic!("the store is not asked") };
    let later = at(&world, 10_000);
    world.step_at(later, |desk| expect.answered(Ok(answer("member", "user")), desk));
    assert_eq!(world.sessions.len(), 0);
}
