//! Several workers of one process, played without a host: who polls, what each of them sees, and what nobody misses.

use std::time::Duration;

use usher_policy::file;
use usher_policy::wire::Position;

use super::testing::{History, Memory};
use super::*;

const MAX_STALENESS: Duration = Duration::from_secs(30);

/// One worker.
struct Worker {
    feed: Feed,
    follow: Follow,
    seen: Vec<Change>,
    lost: u32,
    polls: u32,
    under_way: Option<(u32, String, u64)>,
    timeout: Duration,
}

/// One process and its store.
struct Process {
    memory: Memory,
    history: History,
    workers: Vec<Worker>,
    millis: u64,
    /// How far the wall's clock is from the steady one.
    skew: i64,
    tokens: u32,
}

impl Process {
    fn new(workers: usize) -> Self {
        let mut process = Self {
            memory: Memory::default(),
            history: History::default(),
            workers: Vec::new(),
            millis: 0,
            skew: 1_800_000_000_000,
            tokens: 0,
        };
        (0..workers).for_each(|_| process.workers.push(worker()));
        process
    }

    /// A process whose workers follow the feed from one session of the first worker on.
    fn following(workers: usize) -> Self {
        let mut process = Self::new(workers);
        process.history.write("ada", Some("user"));
        process.log_in(0);
        process.run(200);
        assert!(
            process.workers.iter().all(|worker| worker.lost == 0 && worker.follow.silence(process.now()).is_some())
        );
        process
    }

    fn now(&self) -> Now {
        let unix_ms = self.millis.checked_add_signed(self.skew).unwrap();
        Now { unix_ms, steady: Duration::from_millis(self.millis) }
    }

    fn position(&self) -> Position {
        self.history.position().parse().unwrap()
    }

    /// A session from an answer of the store as it is now.
    fn log_in(&mut self, at: usize) -> Stamp {
        self.log_in_at(at, "ada")
    }

    fn log_in_at(&mut self, at: usize, member: &str) -> Stamp {
        let position = self.position();
        assert_eq!(self.workers[at].follow.order(Some(&position), "acme-chat", member), Order::Newest);
        self.workers[at].follow.stamp(Some(&position))
    }

    fn is_due(&self, at: usize, stamp: Stamp, confirmed_at: Duration) -> bool {
        self.workers[at].follow.is_due(stamp, confirmed_at, MAX_STALENESS, self.now())
    }

    fn tick(&mut self, at: usize) {
        let now = self.now();
        let worker = &mut self.workers[at];
        let tick = worker.feed.tick(&mut worker.follow, &self.memory, now);
        worker.seen.extend(tick.changes);
        worker.lost += u32::from(tick.is_lost);
        if let Some(poll) = tick.poll {
            assert!(worker.under_way.is_none(), "one poll at a time");
            self.tokens += 1;
            worker.polls += 1;
            worker.under_way = Some((self.tokens, poll.path.clone(), self.millis));
            worker.timeout = poll.timeout;
            worker.feed.sent(poll, Some(self.tokens), now);
        }
    }

    /// The store answers a worker's poll as it stands now.
    fn answer(&mut self, at: usize) -> Option<Ended> {
        let path = self.workers[at].under_way.as_ref()?.1.clone();
        let (status, body) = self.history.poll(&path);
        self.answer_with(at, Some(status), &body)
    }

    fn answer_with(&mut self, at: usize, status: Option<u16>, body: &[u8]) -> Option<Ended> {
        let now = self.now();
        let worker = &mut self.workers[at];
        let (token, ..) = worker.under_way.take()?;
        worker.feed.is_poll(token).then(|| worker.feed.answered(status, body, &self.memory, now))
    }

    /// For so many milliseconds every worker ticks and every poll is answered where there is something to say.
    fn run(&mut self, millis: u64) {
        for _ in 0..millis / 50 {
            for at in 0..self.workers.len() {
                self.tick(at);
                let is_answered = |path: &str, asked_at: u64| {
                    self.history.poll(path).1 != self.empty() || self.millis >= asked_at + 10_000
                };
                if self.workers[at].under_way.as_ref().is_some_and(|(_, path, asked_at)| is_answered(path, *asked_at)) {
                    self.answer(at);
                }
            }
            self.millis += 50;
        }
    }

    fn empty(&self) -> Vec<u8> {
        serde_json::json!({"changes": [], "position": self.history.position()}).to_string().into_bytes()
    }

    fn polling(&self) -> Vec<usize> {
        (0..self.workers.len()).filter(|at| self.workers[*at].under_way.is_some()).collect()
    }
}

fn worker() -> Worker {
    let policy = file::from_json(include_bytes!("../../testdata/policy.json")).unwrap();
    let follow = Follow::default();
    Worker {
        feed: Feed::new(&policy),
        follow,
        seen: vec![],
        lost: 0,
        polls: 0,
        under_way: None,
        timeout: Duration::ZERO,
    }
}

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

#[test]
fn a_poll_waits_no_longer_than_silence_can_be_told() {
    let mut document: serde_json::Value = serde_json::from_slice(include_bytes!("../../testdata/policy.json")).unwrap();
    for (max_staleness, wait, timeout) in [("1h", 10_000, 11_500), ("30s", 10_000, 11_500), ("300ms", 100, 1_600)] {
        document["sessions"] = serde_json::json!({"max_staleness": max_staleness});
        let policy = file::from_json(document.to_string().as_bytes()).unwrap();
        let mut process = Process::following(1);
        process.workers.push(Worker { feed: Feed::new(&policy), ..worker() });
        process.workers[0].feed.close(&process.memory);
        process.tick(1);
        let (_, path, _) = process.workers[1].under_way.as_ref().unwrap();
        assert!(path.contains(&format!("&wait={wait}ms&")), "{path}");
        assert_eq!(process.workers[1].timeout, Duration::from_millis(timeout));
    }
}

#[test]
fn filters_of_different_stores_share_nothing() {
    let mut process = Process::following(1);
    let mut document: serde_json::Value = serde_json::from_slice(include_bytes!("../../testdata/policy.json")).unwrap();
    document["store"] = serde_json::json!({"cluster": "other"});
    let policy = file::from_json(document.to_string().as_bytes()).unwrap();
    process.workers.push(Worker { feed: Feed::new(&policy), ..worker() });
    process.run(5_000);
    assert_eq!(process.workers[1].follow.silence(process.now()), None);
    assert_eq!(process.polling(), [0]);
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
