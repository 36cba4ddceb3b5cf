//! The feed and the store's answers in every order: what was changed or ended is never brought back, nor let in.

use proptest::prelude::*;
use usher_policy::wire::LoginAnswer;

use super::*;
use crate::feed::Feed;
use crate::feed::testing::{History, Memory};
use crate::flow::ExpectStore;

/// The workers of one process, and their store.
pub(super) struct Process {
    memory: Memory,
    pub(super) history: History,
    pub(super) workers: Vec<Worker>,
    tokens: u32,
    pub(super) millis: u64,
    /// How far the wall's clock has jumped.
    pub(super) jumped: i64,
}

/// One worker with its part in the feed, and with what it waits for.
pub(super) struct Worker {
    pub(super) world: World,
    feed: Feed,
    poll: Option<(u32, String)>,
    asked: Vec<(ExpectStore, Option<LoginAnswer>)>,
}

impl Process {
    fn new(workers: usize) -> Self {
        let workers = (0..workers).map(|_| Worker::new()).collect();
        Self { memory: Memory::default(), history: History::default(), workers, tokens: 0, millis: 0, jumped: 0 }
    }

    /// A process that follows the feed, with a session of ada, a user, in its first worker.
    pub(super) fn with_ada() -> Self {
        let mut process = Self::new(2);
        process.history.write("ada", Some("user"));
        process.log_in(0, "ada");
        process.settle();
        assert_eq!(process.session(0, "ada").as_deref(), Some("user"));
        process
    }

    pub(super) fn now(&self) -> Now {
        let unix_ms = (T0 * 1000 + self.millis).saturating_add_signed(self.jumped);
        Now { unix_ms, steady: Duration::from_millis(self.millis) }
    }

    fn answer(&self, member: &str) -> LoginAnswer {
        let answer = match self.history.role(member) {
            Some(role) => json!({"answer": "member", "position": self.history.position(), "member": {
                "id": member, "email": format!("{member}@acme.example"), "role": role, "seat_tier": "standard",
                "status": "active", "source": "jit",
            }}),
            None => json!({"answer": "revoked", "position": self.history.position()}),
        };
        LoginAnswer::parse(answer.to_string().as_bytes()).unwrap()
    }

    fn step(&mut self, at: usize, step: impl FnOnce(&mut Desk<'_>) -> Next) -> Next {
        let now = self.now();
        let Worker { world, feed, .. } = &mut self.workers[at];
        let next = world.step_at(now, step);
        if world.follow.start().is_some() {
            feed.begin(&mut world.follow, &self.memory, now);
        }
        next
    }

    pub(super) fn present(&mut self, at: usize, member: &str) -> Next {
        let bearer = format!("Bearer {}", token_of(member));
        let pseudo = [(":authority", "chat.acme.example"), (":path", "/x"), (":method", "GET")];
        let headers = [&pseudo[..], &[("authorization", &bearer)]].concat();
        let headers = HeaderMap::decode(HeaderMap::encode(&headers)).unwrap();
        self.step(at, |desk| arrive(&headers, desk))
    }

    /// A request that waits for the store, where it has to.
    fn ask(&mut self, at: usize, member: &str) {
        if let Next::AskStore(expect) = self.present(at, member) {
            self.workers[at].asked.push((expect, None));
        }
    }

    /// The store answers a waiting request, which does not hear it yet.
    fn decide(&mut self, at: usize, which: usize) {
        let Some((expect, _)) = self.workers[at].asked.get(which) else { return };
        let answer = self.answer(expect.body().subject.as_str());
        self.workers[at].asked[which].1.get_or_insert(answer);
    }

    /// A waiting request hears its answer.
    fn hear(&mut self, at: usize, which: usize) -> Option<Next> {
        self.decide(at, which);
        if which >= self.workers[at].asked.len() {
            return None;
        }
        let (expect, answer) = self.workers[at].asked.remove(which);
        let next = self.step(at, |desk| expect.answered(Ok(answer.unwrap()), desk));
        match next {
            Next::AskStore(expect) => {
                self.workers[at].asked.push((expect, None));
                None
            }
            next => Some(next),
        }
    }

    pub(super) fn log_in(&mut self, at: usize, member: &str) -> Option<Next> {
        self.ask(at, member);
        self.hear(at, self.workers[at].asked.len().checked_sub(1)?)
    }

    fn tick(&mut self, at: usize) {
        let now = self.now();
        let worker = &mut self.workers[at];
        let World { follow, sessions, policy, .. } = &mut worker.world;
        let tick = worker.feed.tick(follow, &self.memory, now);
        for change in &tick.changes {
            sessions.apply(change, follow.generation(), policy);
        }
        if let Some(poll) = tick.poll {
            self.tokens += 1;
            worker.poll = Some((self.tokens, poll.path.clone()));
            worker.feed.sent(poll, Some(self.tokens), now);
        }
    }

    fn poll_answered(&mut self, at: usize, is_lost: bool) {
        let now = self.now();
        let worker = &mut self.workers[at];
        let Some((token, path)) = worker.poll.take() else { return };
        let (status, body) = if is_lost { (503, Vec::new()) } else { self.history.poll(&path) };
        if worker.feed.is_poll(token) {
            worker.feed.answered(Some(status), &body, &self.memory, now);
        }
    }

    /// Three seconds in which nothing new happens: everybody learns what there is to learn.
    pub(super) fn settle(&mut self) {
        for _ in 0..60 {
            for at in 0..self.workers.len() {
                self.tick(at);
                self.poll_answered(at, false);
            }
            self.millis += 50;
        }
    }

    /// With which role a worker lets a member in without asking anybody.
    pub(super) fn session(&mut self, at: usize, member: &str) -> Option<String> {
        match self.present(at, member) {
            Next::Allow(allow) => Some(allow.permit.role().to_string()),
            _ => None,
        }
    }
}

impl Worker {
    pub(super) fn new() -> Self {
        // Whatever is still trusted at the end was kept up to date by the feed, not by its age.
        let policy = policy(|document| document["sessions"] = json!({"max_staleness": "1h"}));
        let feed = Feed::new(&policy);
        Self { world: World::new(policy), feed, poll: None, asked: Vec::new() }
    }
}

fn token_of(member: &str) -> String {
    token(|claims| {
        claims["sub"] = json!(member);
        claims["email"] = json!(format!("{member}@acme.example"));
        claims["exp"] = json!(T0 + 100_000);
    })
}

#[test]
fn a_role_changes_in_a_live_session_and_a_removal_ends_it() {
    let mut process = Process::with_ada();
    process.history.write("ada", Some("admin"));
    process.settle();
    assert_eq!(process.session(0, "ada").as_deref(), Some("admin"));
    process.history.write("ada", None);
    process.settle();
    assert_eq!(process.workers[0].world.sessions.len(), 0);
    assert!(matches!(process.present(0, "ada"), Next::AskStore(expect) if expect.is_login()));
}

#[test]
fn a_role_that_the_product_does_not_have_ends_the_session() {
    let mut process = Process::with_ada();
    process.history.write("ada", Some("emperor"));
    process.settle();
    assert_eq!(process.workers[0].world.sessions.len(), 0);
}

#[test]
fn a_change_touches_nobody_elses_session() {
    let mut process = Process::with_ada();
    process.history.write("bob", Some("user"));
    process.log_in(0, "bob");
    process.history.write("bob", None);
    process.settle();
    assert_eq!(process.session(0, "ada").as_deref(), Some("user"));
    assert_eq!(process.workers[0].world.sessions.len(), 1);
}

#[test]
fn earlier_changes_do_not_touch_a_session() {
    let mut process = Process::with_ada();
    process.history.write("ada", None);
    process.history.write("ada", Some("admin"));
    // The login is faster than the feed: what it answers has both changes in it.
    process.log_in(1, "ada");
    assert_eq!(process.session(1, "ada").as_deref(), Some("admin"));
    process.settle();
    assert_eq!(process.session(1, "ada").as_deref(), Some("admin"));
}

#[test]
fn a_change_ends_a_session_of_another_history_though_its_number_is_smaller() {
    let mut process = Process::with_ada();
    for _ in 0..5 {
        process.history.write("ada", Some("admin"));
        process.settle();
    }
    process.history.restore(1);
    process.settle();
    assert_eq!(process.workers[0].world.sessions.len(), 1, "it has its turn to be checked");
    process.log_in(1, "ada");
    process.history.write("ada", None);
    process.settle();
    assert_eq!(process.workers[0].world.sessions.len(), 0);
}

#[test]
fn an_answer_that_is_older_than_a_change_is_asked_for_again() {
    let mut process = Process::with_ada();
    process.ask(1, "ada");
    process.decide(1, 0);
    process.history.write("ada", None);
    process.settle();
    // The answer says that ada is a user; the feed has said since that she is not.
    assert!(process.hear(1, 0).is_none());
    assert_eq!(process.workers[1].world.sessions.len(), 0);
    assert_eq!(reason(&process.hear(1, 0).unwrap()), Reason::SessionRevoked);
}

#[test]
fn who_is_overtaken_twice_is_denied() {
    let mut process = Process::with_ada();
    process.ask(1, "ada");
    for role in ["admin", "user"] {
        process.decide(1, 0);
        process.history.write("ada", Some(role));
        process.settle();
        if let Some(next) = process.hear(1, 0) {
            assert_eq!(reason(&next), Reason::StoreUnavailable);
        }
    }
    assert_eq!(process.workers[1].asked.len(), 0);
    assert_eq!(process.workers[1].world.sessions.len(), 0);
}

#[test]
fn a_login_that_was_answered_before_the_feed_began_misses_nothing() {
    let mut process = Process::new(2);
    process.history.write("ada", Some("user"));
    process.ask(0, "ada");
    process.decide(0, 0);
    process.history.write("ada", None);
    process.history.write("bob", Some("user"));
    process.log_in(1, "bob");
    process.settle();
    // The process follows from bob's login on: what became of ada before is not known here.
    assert_eq!(role(&process.hear(0, 0).unwrap()), "user");
    assert_eq!(process.workers[0].world.sessions.len(), 0, "so nothing is remembered");
}

#[derive(Clone, Debug)]
enum Event {
    Ask { at: usize, member: usize },
    Decide { at: usize, which: usize },
    Die { at: usize },
    Forget,
    Hear { at: usize, which: usize },
    Jump { millis: i64 },
    Pass { millis: u64 },
    PollAnswered { at: usize, is_lost: bool },
    RefuseHeads,
    Restore { by: usize },
    Tick { at: usize },
    Write { member: usize, role: Option<&'static str> },
}

const WORKERS: usize = 3;
const MEMBERS: [&str; 3] = ["ada", "bob", "eve"];

fn events() -> impl Strategy<Value = Vec<Event>> {
    let (at, member, which) = (0..WORKERS, 0..MEMBERS.len(), 0..3_usize);
    let role = prop_oneof![Just(None), Just(Some("user")), Just(Some("admin")), Just(Some("owner"))];
    let event = prop_oneof![
        8 => (at.clone(), member.clone()).prop_map(|(at, member)| Event::Ask { at, member }),
        5 => (at.clone(), which.clone()).prop_map(|(at, which)| Event::Decide { at, which }),
        8 => (at.clone(), which).prop_map(|(at, which)| Event::Hear { at, which }),
        1 => at.clone().prop_map(|at| Event::Die { at }),
        1 => Just(Event::Forget),
        1 => prop_oneof![Just(-90_000), Just(-700), Just(700), Just(90_000)].prop_map(|millis| Event::Jump { millis }),
        6 => prop_oneof![Just(50), Just(300), Just(1_700)].prop_map(|millis| Event::Pass { millis }),
        8 => (at.clone(), proptest::bool::weighted(0.2)).prop_map(|(at, is_lost)| Event::PollAnswered { at, is_lost }),
        1 => Just(Event::RefuseHeads),
        1 => (1..4_usize).prop_map(|by| Event::Restore { by }),
        20 => at.prop_map(|at| Event::Tick { at }),
        6 => (member, role).prop_map(|(member, role)| Event::Write { member, role }),
    ];
    proptest::collection::vec(event, 0..200)
}

impl Process {
    fn happens(&mut self, event: &Event) {
        match *event {
            Event::Ask { at, member } => self.ask(at, MEMBERS[member]),
            Event::Decide { at, which } => self.decide(at, which),
            Event::Die { at } => self.workers[at] = Worker::new(),
            Event::Forget => self.history.forget(self.history.number().saturating_sub(2)),
            Event::Hear { at, which } => drop(self.hear(at, which)),
            Event::Jump { millis } => self.jumped += millis,
            Event::Pass { millis } => self.millis += millis,
            Event::PollAnswered { at, is_lost } => self.poll_answered(at, is_lost),
            Event::RefuseHeads => self.memory.refuse_heads.set(1),
            Event::Restore { by } => self.history.restore(self.history.number().saturating_sub(by)),
            Event::Tick { at } => self.tick(at),
            Event::Write { member, role } => self.history.write(MEMBERS[member], role),
        }
    }
}

proptest! {
    #[test]
    fn whoever_is_let_in_without_a_question_is_let_in_as_the_store_has_it(events in events()) {
        let mut process = Process::new(WORKERS);
        for event in &events {
            process.happens(event);
        }
        process.settle();
        // By then, whatever may have missed something has had its turn.
        process.millis += 10_000;
        for at in 0..WORKERS {
            for member in MEMBERS {
                if let Some(role) = process.session(at, member) {
                    prop_assert_eq!(Some(role.as_str()), process.history.role(member), "{} in worker {}", member, at);
                }
            }
        }
    }
}
