//! How long sessions are good for, and which answers of the store may make them.

use super::*;

#[test]
fn a_live_feed_keeps_sessions_good_and_a_silent_one_sends_them_to_the_store_spread_out() {
    let mut process = Process::following(2);
    let confirmed_at = process.now().steady;
    let stamps: Vec<Stamp> = (0..1_000).map(|_| process.log_in(0)).collect();
    let due = |process: &Process| stamps.iter().filter(|stamp| process.is_due(0, **stamp, confirmed_at)).count();
    for _ in 0..20 {
        process.run(10_000);
        let leader = process.polling()[0];
        assert!(matches!(process.answer(leader), Some(Ended::Followed(0))));
    }
    process.run(100);
    assert_eq!(due(&process), 0);
    // From here on every poll fails.
    for millis in 0..(30_000 / 50) {
        for at in 0..2 {
            process.tick(at);
            process.answer_with(at, Some(503), b"");
        }
        process.millis += 50;
        assert!(due(&process) == 0 || millis * 50 > 29_000, "{millis}");
    }
    let mut before = due(&process);
    for _ in 0..15 {
        process.millis += 500;
        let now = due(&process);
        assert!((50..90).contains(&(now - before)), "{} at once", now - before);
        before = now;
    }
    assert!(before > 990, "{before}");
    process.millis += 500;
    assert_eq!(due(&process), 1_000);
    // It speaks again, from where it was: nothing was missed, all are good.
    process.run(1_000);
    let leader = process.polling()[0];
    process.answer(leader);
    process.run(100);
    assert_eq!(due(&process), 0);
}

#[test]
fn a_session_that_missed_something_twice_has_had_its_turn() {
    let mut process = Process::following(1);
    let stamps: Vec<Stamp> = (0..100).map(|_| process.log_in(0)).collect();
    let confirmed_at = process.now().steady;
    for round in 0..2 {
        process.history.restore(0);
        let leader = process.polling()[0];
        assert_eq!(process.answer(leader), Some(Ended::Lost));
        process.tick(0);
        let due = stamps.iter().filter(|stamp| process.is_due(0, **stamp, confirmed_at)).count();
        assert!(if round == 0 { due < 5 } else { due == 100 }, "{due} in round {round}");
        process.history.write("ada", Some("user"));
        process.log_in(0);
        process.run(1_000);
    }
}

#[test]
fn what_was_stale_before_the_feed_was_lost_stays_stale() {
    let mut process = Process::following(1);
    let stamp = process.log_in(0);
    let confirmed_at = process.now().steady;
    for _ in 0..80 {
        process.tick(0);
        process.answer_with(0, None, b"");
        process.millis += 500;
    }
    assert!(process.is_due(0, stamp, confirmed_at));
    process.history.restore(0);
    process.tick(0);
    assert_eq!(process.answer(0), Some(Ended::Lost));
    process.tick(0);
    assert!(process.is_due(0, stamp, confirmed_at));
}

#[test]
fn an_answer_is_ordered_by_what_was_taken_up() {
    let mut process = Process::following(1);
    let old = process.position();
    process.history.write("ada", Some("admin"));
    process.history.write("bob", Some("user"));
    process.run(200);
    let order = |position: &str, member| {
        let position = position.parse::<Position>().ok();
        process.workers[0].follow.order(position.as_ref(), "acme-chat", member)
    };
    assert_eq!(order(&old.to_string(), "ada"), Order::Superseded);
    assert_eq!(order(&old.to_string(), "eve"), Order::Newest);
    assert_eq!(order("d-2-2", "ada"), Order::Newest);
    assert_eq!(order("d-2-2", "bob"), Order::Superseded);
    assert_eq!(order("d-9-99", "ada"), Order::Newest);
    // Before this worker began, of another history, of another database, or of no order at all.
    for position in ["d-0-0", "d-9-1", "d-9-2", "d-9-3", "e-1-9", "7", ""] {
        assert_eq!(order(position, "ada"), Order::Unknown, "{position}");
    }
}

#[test]
fn an_answer_older_than_what_is_remembered_is_not_trusted() {
    let mut process = Process::following(1);
    for _ in 0..5_000 {
        process.history.write("bob", Some("user"));
    }
    process.run(200_000);
    let order = |number: u32| {
        process.workers[0].follow.order(format!("d-{number}-{number}").parse().ok().as_ref(), "acme-chat", "ada")
    };
    assert_eq!(order(2), Order::Unknown);
    assert_eq!(order(904), Order::Unknown);
    assert_eq!(order(905), Order::Newest);
}

#[test]
fn a_session_whose_answer_has_no_position_is_kept_up_to_date_by_nobody() {
    let mut process = Process::new(1);
    let stamp = process.workers[0].follow.stamp("7".parse().ok().as_ref());
    assert_eq!(process.workers[0].follow.start(), None);
    process.history.write("ada", Some("user"));
    process.log_in(0);
    for _ in 0..5 {
        process.run(8_500);
        process.answer(0);
    }
    process.run(100);
    assert!(process.is_due(0, stamp, Duration::ZERO), "its own age counts");
    assert!(!stamp.has(1, process.workers[0].follow.generation()), "and every change is news to it");
}

#[test]
fn silence_is_told_from_the_last_word_of_the_store() {
    let mut process = Process::following(1);
    process.answer(0);
    process.tick(0);
    let silence = |process: &Process| process.workers[0].follow.silence(process.now()).unwrap();
    assert_eq!(silence(&process), Duration::ZERO);
    process.millis += 5_000;
    assert_eq!(silence(&process), Duration::from_secs(5));
    // It goes on while there is nothing to follow.
    process.history.restore(0);
    process.tick(0);
    assert_eq!(process.answer(0), Some(Ended::Lost));
    process.tick(0);
    process.millis += 3_000;
    assert_eq!(silence(&process), Duration::from_secs(3));
}
