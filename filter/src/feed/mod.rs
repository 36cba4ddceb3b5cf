//! The store's change feed: one worker of the process polls it, every worker takes up what it publishes (design §5).

mod change;
mod follow;
mod head;
mod lead;
mod lease;
mod page;
mod shared;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::time::Duration;

use usher_policy::Policy;

use crate::clock::Now;

pub(crate) use change::{Change, State};
pub(crate) use follow::{Follow, Order, Stamp};
pub(crate) use lead::{Ended, Poll};
pub(crate) use shared::Shared;

use head::Head;
use lead::Lead;
use shared::Keys;

/// This worker's part in following the feed.
#[derive(Debug)]
pub(crate) struct Feed {
    keys: Keys,
    lead: Lead,
}

/// What a tick brought.
#[derive(Debug, Default)]
pub(crate) struct Tick {
    /// The changes to be taken up by this worker's sessions, in order.
    pub(crate) changes: Vec<Change>,
    /// The feed is not continued: every session is to be checked with the store.
    pub(crate) is_lost: bool,
    /// The store is to be asked, by this worker.
    pub(crate) poll: Option<Poll>,
}

impl Feed {
    /// A worker that knows nothing of the feed yet.
    pub(crate) fn new(policy: &Policy) -> Self {
        // Silence must be told from a wait that is long.
        let wait = LONGEST_WAIT.min(policy.sessions.max_staleness / 3);
        Self { keys: Keys::new(&policy.store, wait), lead: Lead::new(policy, wait) }
    }

    /// Time has passed: takes up what was published, and asks the store where that is this worker's turn. For a root
    /// context's tick only: an answer that belongs to a stream would be lost with it.
    pub(crate) fn tick(&mut self, follow: &mut Follow, shared: &impl Shared, now: Now) -> Tick {
        let mut tick = Tick::default();
        let head = self.catch_up(follow, shared, now, &mut tick);
        tick.poll = self.lead.tick(&self.keys, shared, &head, now);
        tick
    }

    /// A first session was made: it begins to be followed at once, so that no change comes in between. Says whether one
    /// did all the same.
    pub(crate) fn begin(&self, follow: &mut Follow, shared: &impl Shared, now: Now) -> bool {
        let mut tick = Tick::default();
        self.catch_up(follow, shared, now, &mut tick);
        tick.is_lost
    }

    fn catch_up(&self, follow: &mut Follow, shared: &impl Shared, now: Now, tick: &mut Tick) -> Head {
        let (mut head, cas) = self.keys.head(shared);
        follow.take_up(&head, |sequence| self.keys.entry(shared, &head, sequence), now, tick);
        if let Some(start) = follow.start() {
            // Nobody has begun but this worker. Where another one is faster, the next tick finds what it set.
            let begun = Head { position: Some(start.clone()), ..head.clone() };
            if self.keys.set_head(shared, &begun, cas) {
                head = begun;
                follow.take_up(&head, |_| None, now, tick);
            }
        }
        head
    }

    /// A poll was sent, or could not be.
    pub(crate) fn sent(&mut self, poll: Poll, token: Option<u32>, now: Now) {
        self.lead.sent(poll, token, now);
    }

    /// Whether this is the token of the poll under way.
    pub(crate) fn is_poll(&self, token: u32) -> bool {
        self.lead.is_poll(token)
    }

    /// The poll under way has ended.
    pub(crate) fn answered(&mut self, status: Option<u16>, body: &[u8], shared: &impl Shared, now: Now) -> Ended {
        self.lead.answered(&self.keys, status, body, shared, now)
    }

    /// The worker goes: whoever is next need not wait for the lease to end.
    pub(crate) fn close(&self, shared: &impl Shared) {
        self.lead.close(&self.keys, shared);
    }
}

/// The longest answer that is read, in bytes: a page is far shorter.
pub(crate) const MAX_PAGE: usize = 512 * 1024;

/// Most changes that are asked for at once.
const PAGE: u32 = 500;

/// How many published answers are kept for the slowest worker.
const RING: u64 = 64;

/// How long the store waits for a change.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
