//! What one worker holds, and how each event of the host reaches the flow.

mod arrival;
mod calls;
mod follow;
mod numbered;
mod perform;
mod request_headers;
mod turns;
mod unattended;

use std::time::Duration;

use usher_policy::Policy;
use usher_policy::token::keys::KeySet;
use usher_policy::wire::LoginAnswer;

use crate::census::Census;
use crate::clock::{Clock, Now};
use crate::config::StoreToken;
use crate::feed::{self, Feed, Follow};
use crate::flow::{Desk, ExpectKeys, ExpectStore, LastHost, Next, Tally};
use crate::header_map::HeaderMap;
use crate::headers::Reserved;
use crate::host::{self, HostError, SharedData};
use crate::keys::{Awaited, Keys};
use crate::log_line;
use crate::metrics::{Counter, Histogram, MetricIds, Metrics};
use crate::session::Sessions;
use crate::signature::Signatures;
use crate::store_call::{self, NoAnswer, STORE_MARGIN};

use calls::Calls;
use numbered::Numbered;
pub(crate) use perform::refuse;
use request_headers::RequestHeaders;
use unattended::Unattended;

/// One worker's state. Envoy calls a worker's filter from one thread, and never from within a host call.
pub(crate) struct Worker {
    policy: Policy,
    store_token: StoreToken,
    reserved: Reserved,
    clock: Clock,
    last_host: LastHost,
    sessions: Sessions,
    feed: Feed,
    follow: Follow,
    /// When the ages of feed and keys were last reported.
    ages_reported_at: Duration,
    /// When a line about the feed was last logged.
    feed_logged_at: Option<Duration>,
    keys: Keys,
    signatures: Signatures,
    metrics: Metrics,
    /// Whether Envoy's log shows the lines of logins and denials, as it was at the last tick.
    logs_verdicts: bool,
    census: Census,
    /// The request that the host's calls are about, where that is known: to enter it is a call itself.
    entered: Option<u32>,
    waiting: Numbered<Waiting>,
    calls: Calls,
    /// Requests that wait no more for the store but for their turn, with what it has answered.
    answered: Vec<(Vec<u32>, Result<LoginAnswer, NoAnswer>)>,
    /// Checks of sessions whose request went away before the answer came: asked again on a tick.
    unattended: Unattended<ExpectStore>,
}

/// A request that waits.
enum Waiting {
    Keys { expect: ExpectKeys, awaited: Awaited },
    Store { expect: ExpectStore, call: Option<u32> },
}

/// So many requests of each kind that waits are let go on in one event of the host; the others follow with the next ticks. The
/// host carries out what was asked for them one inside the other: 310 denials at once took more of the stack than there is.
const RESUMED_AT_ONCE: usize = 32;

/// Which request an effect is for.
#[derive(Clone, Copy)]
struct Scene {
    context_id: u32,
    now: Now,
    /// Whether the host still waits for the answer to the headers; else the request was paused and must be resumed.
    is_arriving: bool,
}

impl Worker {
    /// A worker with nothing remembered.
    pub(crate) fn new(policy: Policy, store_token: StoreToken, metric_ids: MetricIds) -> Self {
        let (signatures, clock) = (Signatures::detect(), Clock::start());
        log_line::configured(policy.organizations.len(), signatures.by_host());
        Self {
            last_host: LastHost::default(),
            sessions: Sessions::new(policy.sessions.capacity),
            feed: Feed::new(&policy),
            follow: Follow::default(),
            ages_reported_at: Duration::ZERO,
            feed_logged_at: None,
            keys: Keys::new(&policy),
            reserved: Reserved::new(&policy.headers),
            policy,
            store_token,
            clock,
            signatures,
            metrics: Metrics::new(metric_ids),
            logs_verdicts: log_line::shows_verdicts(),
            census: Census::new(clock.began()),
            entered: None,
            waiting: Numbered::default(),
            calls: Calls::default(),
            answered: Vec::new(),
            unattended: Unattended::default(),
        }
    }

    /// A call of this worker has been answered, or has failed: the one that this context made.
    pub(crate) fn call_answered(&mut self, context_id: u32, token: u32, headers: usize, body_size: usize) {
        let now = self.clock.now();
        self.entered = Some(context_id);
        let status = host::answer_status(headers);
        if let Some(waiting) = self.calls.end(token) {
            self.store_answers(&waiting, status, body_size, now);
            // There may be room for another call of the same parent.
            self.ask_for_due(now);
        } else if let Some(expect) = self.unattended.end(token) {
            let answer = self.store_answer(&expect, status, body_size, now);
            self.store_answered(now, expect, answer, &HeaderMap::default().into());
        } else if self.feed.is_poll(token) {
            // One byte more than may be: so that too long is seen as too long.
            self.poll_answered(status, &host::answer_body(feed::MAX_PAGE + 1), now);
        } else if self.keys.answered(token, status, &host::answer_body(KeySet::MAX_LEN + 1), now, &self.metrics) {
            self.resume_settled(now);
        }
    }

    /// One answer, for everyone who waits for it. It is read first: what the host says next is about another request.
    fn store_answers(&mut self, waiting: &[u32], status: Option<u16>, body_size: usize, now: Now) {
        let first = waiting.iter().find_map(|context_id| match self.waiting.get(context_id) {
            Some(Waiting::Store { expect, .. }) => Some(expect),
            Some(Waiting::Keys { .. }) | None => None,
        });
        let Some(first) = first else { return };
        let answer = self.store_answer(first, status, body_size, now);
        let (first, rest) = waiting.split_at_checked(RESUMED_AT_ONCE).unwrap_or((waiting, &[]));
        if !rest.is_empty() {
            self.answered.push((rest.to_vec(), answer.clone()));
        }
        self.take_up_answer(first, answer, now);
    }

    fn take_up_answer(&mut self, waiting: &[u32], answer: Result<LoginAnswer, NoAnswer>, now: Now) {
        let mut take_up = |context_id, answer| {
            if let Some(Waiting::Store { expect, .. }) = self.take(context_id) {
                self.resume(context_id, now, |worker, headers| worker.store_answered(now, expect, answer, headers));
            }
        };
        // Nearly always there is one, who needs no copy.
        if let Some((last, others)) = waiting.split_last() {
            others.iter().for_each(|context_id| take_up(*context_id, answer.clone()));
            take_up(*last, answer);
        }
    }

    /// Goes on with those for whom an answer came together with too many others.
    fn resume_answered(&mut self, now: Now) {
        let mut left = RESUMED_AT_ONCE;
        while left > 0
            && let Some((mut waiting, answer)) = self.answered.pop()
        {
            let next = waiting.split_off(waiting.len().saturating_sub(left));
            left = left.saturating_sub(next.len());
            if !waiting.is_empty() {
                self.answered.push((waiting, answer.clone()));
            }
            self.take_up_answer(&next, answer, now);
        }
    }

    fn store_answer(
        &self,
        expect: &ExpectStore,
        status: Option<u16>,
        body_size: usize,
        now: Now,
    ) -> Result<LoginAnswer, NoAnswer> {
        self.metrics.record(Histogram::StoreLatency, now.since(expect.asked_at()));
        match body_size > store_call::MAX_ANSWER {
            true => Err(NoAnswer::TooLong),
            false => {
                let body = host::answer_body(store_call::MAX_ANSWER);
                store_call::read(expect.organization(), expect.body(), status, body)
            }
        }
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self) {
        let now = self.clock.tick();
        self.entered = None;
        self.metrics.flush();
        self.logs_verdicts = log_line::shows_verdicts();
        self.keys.tick(now, &self.metrics);
        self.follow_feed(now);
        self.metrics.sessions_changed(self.census.tell(self.sessions.len(), &SharedData, now));
        self.calls.turns.workers = self.census.workers();
        self.ask_unattended(now);
        self.resume_answered(now);
        self.ask_for_orphans(now);
        self.ask_for_due(now);
        self.resume_settled(now);
    }

    /// A request is over: nothing that comes for it later is looked at. Whether its session is still good is asked all the
    /// same: else somebody could go on with it by leaving before every answer.
    pub(crate) fn forget(&mut self, context_id: u32) {
        // Nearly every request ends without ever having waited.
        if self.waiting.is_empty() {
            return;
        }
        if let Some(Waiting::Store { call: Some(call), .. }) = self.waiting.get(&context_id) {
            self.calls.abandon(*call, context_id);
        }
        if let Some(Waiting::Store { expect, .. }) = self.take(context_id)
            && !expect.is_login()
            && let Some(expect) = self.unattended.add(expect)
        {
            expect.end_session(&mut self.sessions);
        }
    }

    /// Whether a request's headers still wait.
    pub(crate) fn is_waiting(&self, context_id: u32) -> bool {
        self.waiting.contains_key(&context_id)
    }

    /// Identity names have no business in trailers either.
    pub(crate) fn strip_trailers(&self) -> Result<(), HostError> {
        let trailers = host::request_trailers()?;
        // One that is repeated is removed at its first, and again for nothing.
        self.reserved.among(trailers.iter().map(|(name, _)| name)).try_for_each(host::remove_request_trailer)
    }

    /// The filter is taken down: its sessions no longer count, and another worker may follow the feed.
    pub(crate) fn close(&self) {
        self.metrics.flush();
        self.metrics.sessions_changed(self.census.leave(&SharedData, self.clock.now()));
        self.feed.close(&SharedData);
    }

    /// Lets those requests go on for which what they wait for has come, or will not.
    fn resume_settled(&mut self, now: Now) {
        let longest = self.policy.store.timeout + STORE_MARGIN;
        let settled = |waiting: &Waiting| match waiting {
            Waiting::Keys { awaited, .. } => self.keys.is_settled(*awaited, now),
            // Where the call is over, the answer is here or is asked for again: that goes on by itself.
            Waiting::Store { expect, call } => {
                now.since(expect.asked_at()) > longest && call.is_none_or(|call| self.calls.is_under_way(call))
            }
        };
        let settled = self.waiting.iter().filter(|(_, waiting)| settled(waiting)).map(|(id, _)| *id);
        let ids: Vec<u32> = settled.take(RESUMED_AT_ONCE).collect();
        for context_id in ids {
            match self.take(context_id) {
                Some(Waiting::Keys { expect, .. }) => self.resume(context_id, now, |worker, _| {
                    match worker.decide(now, |desk| expect.check_again(desk)) {
                        // It has waited for one fetch already.
                        Next::AwaitKeys(expect) => expect.refuse(),
                        next => next,
                    }
                }),
                Some(Waiting::Store { expect, call }) => self.resume(context_id, now, |worker, headers| {
                    let why = if call.is_some() { NoAnswer::Reset } else { NoAnswer::Unasked };
                    worker.store_answered(now, expect, Err(why), headers)
                }),
                None => {}
            }
        }
    }

    /// Asks once more for those who waited for the call of a request that has gone.
    fn ask_for_orphans(&mut self, now: Now) {
        let orphans = self.calls.take_orphans(RESUMED_AT_ONCE);
        self.ask_anew(&orphans, now);
    }

    /// Asks for those whose turn has come.
    fn ask_for_due(&mut self, now: Now) {
        let waiting = &self.waiting;
        let still_waits = |id| matches!(waiting.get(&id), Some(Waiting::Store { call: None, .. }));
        let due = self.calls.turns.take_due(RESUMED_AT_ONCE, still_waits);
        self.ask_anew(&due, now);
    }

    fn ask_anew(&mut self, requests: &[u32], now: Now) {
        for context_id in requests {
            let Some(Waiting::Store { expect, .. }) = self.take(*context_id) else { continue };
            self.resume(*context_id, now, |_, _| Next::AskStore(expect.anew(now)));
        }
    }

    /// Goes on with a request that was paused.
    fn resume(&mut self, context_id: u32, now: Now, step: impl FnOnce(&mut Self, &RequestHeaders) -> Next) {
        // Where the request is gone, what follows would be done to another one.
        if self.entered != Some(context_id) {
            if host::enter(context_id).is_err() {
                return;
            }
            self.entered = Some(context_id);
        }
        let scene = Scene { context_id, now, is_arriving: false };
        let headers = RequestHeaders::unread();
        let next = step(self, &headers);
        if let Err(error) = self.perform(scene, next, &headers) {
            log_line::host_failed("request", &error.to_string());
            refuse();
        }
    }

    /// Takes a request out of every table.
    fn take(&mut self, context_id: u32) -> Option<Waiting> {
        let waiting = self.waiting.remove(&context_id)?;
        match &waiting {
            Waiting::Keys { awaited, .. } => self.keys.leave(*awaited),
            Waiting::Store { call: Some(call), .. } => self.calls.leave(*call, context_id),
            Waiting::Store { call: None, .. } => {}
        }
        Some(waiting)
    }

    fn store_answered(
        &mut self,
        now: Now,
        expect: ExpectStore,
        answer: Result<LoginAnswer, NoAnswer>,
        headers: &RequestHeaders,
    ) -> Next {
        if let Err(why) = &answer {
            self.metrics.count(Counter::StoreFailures);
            let organization = expect.organization().id.as_str();
            let request_id = headers.get().ok().and_then(crate::reply::request_id);
            log_line::store_failed(organization, &why.to_string(), request_id);
        }
        self.decide(now, |desk| expect.answered(answer, desk))
    }

    /// Takes one step of the flow and counts what happened on the way.
    fn decide(&mut self, now: Now, step: impl FnOnce(&mut Desk<'_>) -> Next) -> Next {
        let (next, tally) = self.at_desk(now, |desk| (step(desk), desk.tally));
        if self.follow.start().is_some() && self.feed.begin(&mut self.follow, &SharedData, now) {
            self.metrics.count(Counter::FeedResyncs);
        }
        if tally.session_hit {
            self.metrics.count(Counter::SessionHits);
        }
        self.metrics.add(Counter::SessionEvictions, tally.sessions_evicted);
        next
    }

    fn at_desk<T>(&mut self, now: Now, step: impl FnOnce(&mut Desk<'_>) -> T) -> T {
        let keys = self.keys.at(now);
        let mut desk = Desk {
            policy: &self.policy,
            last_host: &mut self.last_host,
            sessions: &mut self.sessions,
            follow: &mut self.follow,
            keys: &keys,
            signatures: &self.signatures,
            now,
            tally: Tally::default(),
        };
        step(&mut desk)
    }
}
