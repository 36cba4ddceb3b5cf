//! The change feed at the rim: polls are sent, changes reach the sessions, and checks go on without their request.

use std::time::Duration;

use super::Worker;
use crate::clock::Now;
use crate::feed::{Ended, Poll};
use crate::header_map::HeaderMap;
use crate::host::{self, SharedData};
use crate::log_line;
use crate::metrics::{Age, Counter};
use crate::store_call::STORE_MARGIN;

/// How often ages are reported.
const REPORT: Duration = Duration::from_secs(1);

/// A feed that fails is worth a line this often.
const LOG: Duration = Duration::from_secs(10);

impl Worker {
    /// Takes up what changed, and asks for more where that is this worker's turn.
    pub(super) fn follow_feed(&mut self, now: Now) {
        let tick = self.feed.tick(&mut self.follow, &SharedData, now);
        if tick.is_lost {
            self.metrics.count(Counter::FeedResyncs);
        }
        for change in &tick.changes {
            let touched = self.sessions.apply(change, self.follow.generation(), &self.policy);
            self.metrics.add(Counter::SessionsChanged, touched.changed);
            self.metrics.add(Counter::SessionsEnded, touched.ended);
        }
        if let Some(poll) = tick.poll {
            self.send_poll(poll, now);
        }
        if now.since(self.ages_reported_at) >= REPORT {
            self.ages_reported_at = now.steady;
            self.metrics.report(Age::Feed, self.follow.silence(now));
            self.metrics.report(Age::Keys, self.keys.age(now));
        }
    }

    /// The poll that this worker sent has ended.
    pub(super) fn poll_answered(&mut self, status: Option<u16>, body: &[u8], now: Now) {
        match self.feed.answered(status, body, &SharedData, now) {
            Ended::Failed(why) => self.feed_failed(&why, now),
            Ended::Followed(changes) => self.metrics.add(Counter::FeedChanges, changes),
            Ended::Ignored => {}
            Ended::Lost => self.feed_failed("the store does not go on from here: every session is checked", now),
        }
    }

    fn send_poll(&mut self, poll: Poll, now: Now) {
        let store = &self.policy.store;
        let headers = vec![
            (":method", "GET"),
            (":path", poll.path.as_str()),
            (":authority", store.authority.as_str()),
            ("authorization", self.store_token.authorization()),
            ("accept", "application/json"),
        ];
        let sent = host::dispatch(&store.cluster, &headers, &[], poll.timeout);
        self.feed.sent(poll, sent.ok(), now);
        if let Err(error) = sent {
            self.feed_failed(&error.to_string(), now);
        }
    }

    fn feed_failed(&mut self, why: &str, now: Now) {
        self.metrics.count(Counter::FeedFailures);
        if self.feed_logged_at.is_none_or(|logged_at| now.since(logged_at) >= LOG) {
            self.feed_logged_at = Some(now.steady);
            log_line::feed_failed(why);
        }
    }

    /// Asks about sessions whose requests have gone. On a tick: the answers reach the root context.
    pub(super) fn ask_unattended(&mut self, now: Now) {
        let longest = self.policy.store.timeout + STORE_MARGIN;
        self.unattended.forget_lost(longest, now);
        for expect in self.unattended.take_due() {
            let (expect, headers) = (expect.anew(now), HeaderMap::default().into());
            self.metrics.count(Counter::StoreCalls);
            match self.send(&expect, &headers) {
                Ok(token) => self.unattended.begin(token, expect, now),
                // What could not be sent is an answer too.
                Err(why) => drop(self.store_answered(now, expect, Err(why), &headers)),
            }
        }
    }
}
