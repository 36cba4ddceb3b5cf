//! Several workers of one process, played without a host: who polls, what each of them sees, and what nobody misses.

mod election;
mod history;
mod sessions;

use std::time::Duration;

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
    let policy = usher_policy_file::from_json(include_bytes!("../../../testdata/policy.json")).unwrap();
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
