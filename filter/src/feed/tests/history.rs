//! One history, and every change of it: nothing is missed, and another history is found out.

use super::*;

#[test]
fn a_first_session_is_followed_before_another_workers_next_change() {
    let mut process = Process::new(2);
    process.history.write("ada", Some("user"));
    for at in 0..2 {
        process.log_in(at);
        let (now, worker) = (process.now(), &mut process.workers[at]);
        assert!(!worker.feed.begin(&mut worker.follow, &process.memory, now));
        assert_eq!(worker.follow.start(), None);
    }
    process.history.write("ada", None);
    process.tick(0);
    assert_eq!(process.answer(0), Some(Ended::Followed(1)));
    process.tick(1);
    assert_eq!((process.workers[1].lost, process.workers[1].seen.len()), (0, 1));
}

#[test]
fn every_worker_sees_every_change_once_and_in_order() {
    let mut process = Process::following(4);
    for round in 0..50 {
        for write in 0..round % 7 {
            process.history.write("ada", (write % 2 == 0).then_some("admin"));
        }
        process.run(100);
    }
    let last = process.history.number() as u64;
    for worker in &process.workers {
        assert_eq!(worker.seen.iter().map(|change| change.number).collect::<Vec<_>>(), (2..=last).collect::<Vec<_>>());
        assert_eq!(worker.lost, 0);
    }
    assert_eq!(process.workers.iter().filter(|worker| worker.polls > 0).count(), 1);
}

#[test]
fn whom_the_ring_has_overtaken_sends_every_session_to_the_store() {
    let mut process = Process::following(2);
    let slow = 1 - process.polling()[0];
    let stamp = process.log_in(slow);
    let confirmed_at = process.now().steady;
    for _ in 0..=RING {
        process.history.write("ada", Some("admin"));
        let leader = 1 - slow;
        while process.workers[leader].under_way.is_none() {
            process.millis += 50;
            process.tick(leader);
        }
        assert_eq!(process.answer(leader), Some(Ended::Followed(1)));
    }
    let before = process.now().steady;
    process.tick(slow);
    assert_eq!((process.workers[slow].lost, process.workers[1 - slow].lost), (1, 0));
    process.millis += 7_500;
    assert!(process.is_due(slow, stamp, confirmed_at), "within a quarter of `max_staleness`");
    assert!(process.now().steady - before < MAX_STALENESS);
    // It goes on from where the others are.
    let stamp = process.log_in(slow);
    process.history.write("ada", None);
    process.run(200);
    assert_eq!(process.workers[slow].seen.len(), 1);
    assert!(!process.is_due(slow, stamp, process.now().steady));
}

#[test]
fn a_ring_that_is_just_long_enough_is_read_whole() {
    let mut process = Process::following(2);
    let slow = 1 - process.polling()[0];
    for _ in 0..RING {
        process.history.write("ada", Some("admin"));
        process.millis += 50;
        process.tick(1 - slow);
        assert_eq!(process.answer(1 - slow), Some(Ended::Followed(1)));
    }
    process.tick(slow);
    assert_eq!((process.workers[slow].seen.len() as u64, process.workers[slow].lost), (RING, 0));
}

#[test]
fn a_feed_that_is_not_continued_is_never_followed_silently() {
    let restored = |history: &mut History| history.restore(1);
    let rewritten = |history: &mut History| {
        history.restore(1);
        (0..20).for_each(|_| history.write("bob", Some("user")));
    };
    let forgotten = |history: &mut History| {
        (0..20).for_each(|_| history.write("bob", Some("user")));
        history.forget(15);
    };
    for change in [&restored as &dyn Fn(&mut History), &rewritten, &forgotten] {
        let mut process = Process::following(2);
        for _ in 0..5 {
            process.history.write("ada", Some("admin"));
        }
        process.run(500);
        let stamps = [process.log_in(0), process.log_in(1)];
        let confirmed_at = process.now().steady;
        change(&mut process.history);
        let leader = process.polling()[0];
        assert_eq!(process.answer(leader), Some(Ended::Lost));
        process.run(100);
        assert_eq!(process.polling(), [] as [usize; 0], "there is no position to go on from");
        process.millis += 7_500;
        for (at, stamp) in stamps.into_iter().enumerate() {
            assert_eq!(process.workers[at].lost, 1);
            assert!(process.is_due(at, stamp, confirmed_at));
        }
        // The next answer of the store is where all of them begin again.
        process.log_in(0);
        process.history.write("ada", None);
        process.run(1_000);
        assert_eq!(process.workers[0].seen.last().unwrap().state, State::Ended);
        assert!(process.workers.iter().all(|worker| worker.lost == 1));
    }
}

#[test]
fn sessions_that_are_older_than_where_the_process_began_are_checked() {
    let mut process = Process::new(2);
    process.history.write("ada", Some("user"));
    let old = process.log_in(0);
    process.history.write("ada", None);
    let new = process.log_in(1);
    // The other worker is faster.
    process.tick(1);
    process.run(200);
    process.millis += 7_500;
    assert!(process.is_due(0, old, Duration::ZERO));
    assert_eq!(process.workers[0].lost, 1);
    assert!(!process.is_due(1, new, Duration::ZERO));
    assert_eq!(process.workers[1].lost, 0);
}

#[test]
fn the_oldest_session_of_a_worker_is_where_it_begins() {
    let mut process = Process::new(1);
    for member in ["ada", "bob", "eve"] {
        process.history.write(member, Some("user"));
    }
    for number in [3, 1, 2] {
        let position: Position = format!("d-{number}-{number}").parse().unwrap();
        process.workers[0].follow.stamp(Some(&position));
    }
    process.run(200);
    assert_eq!(process.workers[0].seen.iter().map(|change| change.number).collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn an_answer_of_a_history_that_is_no_more_is_found_out_when_the_feed_comes_by() {
    // Restored behind the feed's back: it had not come to where the session's answer was.
    let mut process = Process::following(1);
    process.history.write("ada", Some("admin"));
    let stamp = process.log_in(0);
    process.history.restore(1);
    process.history.write("bob", Some("user"));
    process.run(200);
    assert_eq!(process.workers[0].lost, 1);
    process.millis += 7_500;
    assert!(process.is_due(0, stamp, process.now().steady));
}

#[test]
fn an_answer_beyond_the_end_of_the_history_is_found_out_when_nothing_comes() {
    let mut process = Process::following(1);
    process.history.write("ada", Some("admin"));
    let stamp = process.log_in(0);
    process.history.restore(1);
    process.run(31_000);
    assert_eq!(process.workers[0].lost, 1);
    process.millis += 7_500;
    assert!(process.is_due(0, stamp, process.now().steady));
}

#[test]
fn a_feed_that_lags_is_not_taken_for_another_history() {
    let mut process = Process::following(1);
    for _ in 0..40 {
        process.history.write("ada", Some("admin"));
        process.history.write("bob", Some("user"));
        // Each poll brings three changes: the feed falls behind the logins.
        process.log_in_at(0, "eve");
        process.run(50);
    }
    process.run(60_000);
    assert_eq!((process.workers[0].lost, process.workers[0].seen.len()), (0, 80));
}

#[test]
fn what_is_shared_is_bounded() {
    let mut process = Process::following(1);
    for _ in 0..1_000 {
        process.history.write("ada", Some("admin"));
    }
    process.run(60_000);
    assert_eq!(process.workers[0].seen.len(), 1_000);
    assert!(process.memory.all().len() as u64 <= RING + 2);
}

#[test]
fn a_worker_that_slept_while_the_others_began_again_notices_it() {
    let mut process = Process::following(2);
    for _ in 0..3 {
        process.history.write("ada", Some("admin"));
    }
    process.run(500);
    let leader = process.polling()[0];
    let sleeper = 1 - leader;
    process.history.restore(2);
    process.history.write("ada", Some("owner"));
    assert_eq!(process.answer(leader), Some(Ended::Lost));
    process.tick(leader);
    process.log_in(leader);
    process.millis += 500;
    process.tick(leader);
    process.history.write("ada", None);
    assert_eq!(process.answer(leader), Some(Ended::Followed(1)));
    process.tick(sleeper);
    assert_eq!(process.workers[sleeper].lost, 1);
}

#[test]
fn a_head_that_goes_backwards_is_not_followed() {
    let mut process = Process::following(1);
    process.history.write("ada", Some("admin"));
    process.run(200);
    let (head, _) = process.workers[0].feed.keys.head(&process.memory);
    let key = process.memory.all().into_iter().map(|(key, _)| key).find(|key| key.contains("head")).unwrap();
    process.memory.overwrite(&key, &Head { sequence: head.sequence - 1, ..head }.encode());
    process.tick(0);
    assert_eq!(process.workers[0].lost, 1);
}

#[test]
fn who_is_not_the_first_to_begin_begins_where_the_first_did() {
    let mut process = Process::new(2);
    process.history.write("ada", Some("user"));
    process.log_in(0);
    // Between its look and its word another worker is faster, which knows of more.
    process.memory.refuse_heads.set(1);
    let (now, worker) = (process.now(), &mut process.workers[0]);
    worker.feed.begin(&mut worker.follow, &process.memory, now);
    process.history.write("ada", None);
    process.log_in(1);
    process.tick(1);
    process.tick(0);
    assert_eq!(process.workers[0].lost, 1, "a change lies between");
}
