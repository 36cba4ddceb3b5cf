//! Who polls, how often, and what becomes of a poll that fails.

use super::*;

#[test]
fn without_a_session_nobody_polls_and_nothing_is_shared() {
    let mut process = Process::new(3);
    process.run(10_000);
    assert_eq!(process.polling(), [] as [usize; 0]);
    assert_eq!(process.memory.all(), []);
}

#[test]
fn one_worker_polls_from_where_the_first_session_stands() {
    let mut process = Process::new(3);
    process.history.write("ada", Some("user"));
    process.log_in(1);
    process.history.write("ada", None);
    process.run(200);
    assert_eq!(process.polling().len(), 1);
    // Whoever has a session misses nothing that came after it.
    assert_eq!(process.workers[1].seen.iter().map(|change| change.number).collect::<Vec<_>>(), [2]);
    assert_eq!(process.workers[1].seen[0].state, State::Ended);
    let path = &process.workers[process.polling()[0]].under_way.as_ref().unwrap().1;
    assert_eq!(path, "/v1/changes?after=d-2-2&wait=10000ms&limit=500");
}

#[test]
fn a_worker_that_dies_is_replaced_within_two_seconds_and_nothing_is_missed() {
    let mut process = Process::following(3);
    let leader = process.polling()[0];
    process.workers[leader] = worker();
    process.history.write("ada", Some("admin"));
    process.run(2_000);
    assert_eq!(process.polling().len(), 1);
    for (at, worker) in process.workers.iter().enumerate() {
        let numbers: Vec<u64> = worker.seen.iter().map(|change| change.number).collect();
        assert_eq!(numbers, [2], "worker {at}");
        assert_eq!(worker.lost, 0);
    }
}

#[test]
fn a_worker_that_is_closed_is_replaced_at_once() {
    let mut process = Process::following(3);
    let leader = process.polling()[0];
    process.workers[leader].feed.close(&process.memory);
    process.workers.remove(leader);
    process.run(300);
    assert_eq!(process.polling().len(), 1);
}

#[test]
fn only_the_holder_gives_the_lease_back() {
    let mut process = Process::following(2);
    let leader = process.polling()[0];
    process.workers[1 - leader].feed.close(&process.memory);
    process.run(1_000);
    assert_eq!(process.polling(), [leader]);
}

#[test]
fn two_that_think_they_lead_publish_every_change_once() {
    let mut process = Process::following(2);
    let leader = process.polling()[0];
    // The wall's clock jumps: to the other worker the lease has ended.
    process.skew += 60_000;
    process.tick(1 - leader);
    process.millis += 250;
    process.tick(1 - leader);
    assert_eq!(process.polling().len(), 2);
    process.history.write("ada", Some("admin"));
    assert_eq!(process.answer(1 - leader), Some(Ended::Followed(1)));
    assert_eq!(process.answer(leader), Some(Ended::Ignored));
    process.run(500);
    assert_eq!(process.polling().len(), 1);
    for worker in &process.workers {
        assert_eq!(worker.seen.iter().map(|change| change.number).collect::<Vec<_>>(), [2]);
    }
}

/// Three workers, of which two think that they lead: these two, then the one that only follows.
fn two_leaders() -> (Process, [usize; 3]) {
    let mut process = Process::following(3);
    let winner = process.polling()[0];
    let (loser, follower) = ((winner + 1) % 3, (winner + 2) % 3);
    process.skew += 60_000;
    process.tick(loser);
    process.millis += 250;
    process.tick(loser);
    assert_eq!(process.polling().len(), 2);
    (process, [winner, loser, follower])
}

fn head(process: &Process) -> (String, Vec<u8>) {
    process.memory.all().into_iter().find(|(key, _)| key.contains("head")).unwrap()
}

/// Publishes what a worker brings that had read this head before another one set the next: its entry, and then no head.
fn publish_late(process: &mut Process, loser: usize, (key, stale): (String, Vec<u8>), body: &[u8]) {
    let (_, current) = head(process);
    process.memory.overwrite(&key, &stale);
    process.memory.refuse_heads.set(1);
    assert_eq!(process.answer_with(loser, Some(200), body), Some(Ended::Ignored));
    process.memory.overwrite(&key, &current);
}

/// What the store has come to by the time when it answers a poll.
type Told<'a> = &'a dyn Fn(&mut History);

#[test]
fn an_entry_by_whoever_lost_the_race_for_the_head_is_never_taken_for_the_winners() {
    let nothing = |_: &mut History| {};
    let more = |history: &mut History| (0..2).for_each(|_| history.write("ada", Some("owner")));
    let another = |history: &mut History| {
        history.restore(1);
        history.write("ada", Some("owner"));
    };
    // What the winner was told, and the loser, and how often a worker must begin again.
    let cases: [(Told<'_>, Told<'_>, u32); 4] =
        [(&nothing, &nothing, 0), (&more, &nothing, 1), (&nothing, &more, 1), (&nothing, &another, 1)];
    for (case, (of_winner, of_loser, lost)) in cases.into_iter().enumerate() {
        for has_gone_on in [false, true] {
            let (mut process, [winner, loser, follower]) = two_leaders();
            let path = process.workers[winner].under_way.as_ref().unwrap().1.clone();
            process.history.write("ada", Some("admin"));
            let mut late = process.history.clone();
            of_winner(&mut process.history);
            of_loser(&mut late);
            let before = head(&process);
            assert!(matches!(process.answer(winner), Some(Ended::Followed(_))));
            publish_late(&mut process, loser, before, &late.poll(&path).1);
            if has_gone_on {
                process.millis += 50;
                process.tick(loser);
                process.history.write("bob", Some("user"));
                assert_eq!(process.answer(loser), Some(Ended::Followed(1)));
            }
            process.tick(follower);
            let worker = &process.workers[follower];
            let numbers: Vec<u64> = worker.seen.iter().map(|change| change.number).collect();
            let all: &[u64] = if has_gone_on { &[2, 3] } else { &[2] };
            let expected = if lost == 0 { all } else { &[] };
            assert_eq!((worker.lost, numbers.as_slice()), (lost, expected), "case {case}, gone on: {has_gone_on}");
        }
    }
}

#[test]
fn a_leader_that_dies_between_the_changes_and_the_head_is_repeated_by_the_next() {
    let mut process = Process::following(2);
    let leader = process.polling()[0];
    process.history.write("ada", None);
    process.memory.refuse_heads.set(1);
    assert_eq!(process.answer(leader), Some(Ended::Ignored));
    process.workers[leader] = worker();
    process.history.write("bob", Some("user"));
    process.run(2_500);
    let seen = &process.workers[1 - leader].seen;
    assert_eq!(seen.iter().map(|change| change.number).collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn polls_that_fail_are_repeated_and_bounded() {
    let hostile: [(Option<u16>, &[u8]); 8] = [
        (None, b""),
        (Some(200), b""),
        (Some(200), b"{\"changes\": [], \"position\": \"d-1-2\"}"),
        (Some(200), b"{\"changes\": [], \"position\": \"e-1-1\"}"),
        (Some(204), b""),
        (Some(401), b""),
        (Some(404), b""),
        (Some(503), b""),
    ];
    for (status, body) in hostile {
        let mut process = Process::following(1);
        let (polls, head) = (process.workers[0].polls, process.memory.all());
        for _ in 0..200 {
            process.tick(0);
            let ended = process.answer_with(0, status, body);
            assert!(matches!(ended, None | Some(Ended::Failed(_))), "{status:?}: {ended:?}");
            process.millis += 50;
        }
        // 10 seconds, twice a second.
        assert!((18..=22).contains(&(process.workers[0].polls - polls)), "{status:?}");
        let heads = |all: Vec<(String, Vec<u8>)>| all.into_iter().find(|(key, _)| key.contains("head"));
        assert_eq!(heads(process.memory.all()), heads(head), "{status:?}");
        assert_eq!(process.workers[0].seen, []);
    }
}

#[test]
fn a_poll_that_cannot_be_sent_or_whose_answer_is_lost_is_repeated() {
    let mut process = Process::following(1);
    process.workers[0].under_way = None;
    process.run(12_000);
    assert_eq!(process.polling(), [] as [usize; 0]);
    process.run(1_000);
    assert_eq!(process.polling(), [0]);
    process.answer(0);
    let now = process.now();
    let worker = &mut process.workers[0];
    let poll = worker.feed.tick(&mut worker.follow, &process.memory, now).poll.unwrap();
    worker.feed.sent(poll, None, now);
    assert_eq!(worker.feed.tick(&mut worker.follow, &process.memory, now).poll, None);
    process.run(600);
    assert_eq!(process.polling(), [0]);
}

/// A worker under a policy that is somewhat different.
fn worker_with(option: &str, value: serde_json::Value) -> Worker {
    let document = include_bytes!("../../../testdata/policy.json");
    let mut document: serde_json::Value = serde_json::from_slice(document).unwrap();
    document[option] = value;
    let policy = usher_policy_file::from_json(document.to_string().as_bytes()).unwrap();
    Worker { feed: Feed::new(&policy), ..worker() }
}

#[test]
fn a_poll_waits_no_longer_than_silence_can_be_told() {
    for (max_staleness, wait, timeout) in [("1h", 10_000, 11_500), ("30s", 10_000, 11_500), ("300ms", 100, 1_600)] {
        let mut process = Process::new(0);
        process.workers.push(worker_with("sessions", serde_json::json!({"max_staleness": max_staleness})));
        process.log_in(0);
        process.tick(0);
        let (_, path, _) = process.workers[0].under_way.as_ref().unwrap();
        assert!(path.contains(&format!("&wait={wait}ms&")), "{path}");
        assert_eq!(process.workers[0].timeout, Duration::from_millis(timeout));
    }
}

#[test]
fn filters_that_ask_another_store_or_at_another_pace_share_nothing() {
    for (option, value) in [
        ("store", serde_json::json!({"cluster": "other"})),
        ("store", serde_json::json!({"authority": "other"})),
        ("store", serde_json::json!({"token_env": "OTHER"})),
        ("sessions", serde_json::json!({"max_staleness": "1s"})),
    ] {
        let mut process = Process::following(1);
        process.workers.push(worker_with(option, value));
        process.run(5_000);
        assert_eq!(process.workers[1].follow.silence(process.now()), None);
        assert_eq!(process.polling(), [0]);
    }
}
