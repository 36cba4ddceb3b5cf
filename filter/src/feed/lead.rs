//! The worker that polls the store for all of the process: when it asks, and what becomes of the answer.

use std::time::Duration;

use usher_policy::Policy;
use usher_policy::wire::Position;

use super::PAGE;
use super::head::Head;
use super::lease::{self, LOOK};
use super::page::{self, Page};
use super::shared::{Keys, Shared};
use crate::clock::Now;

/// How much longer than it may wait a poll may take, besides the store's own timeout.
const MARGIN: Duration = Duration::from_secs(1);

/// After a poll that came to nothing, the next one is this much later.
const RETRY: Duration = Duration::from_millis(500);

/// One worker's part in polling.
#[derive(Debug)]
pub(super) struct Lead {
    wait: Duration,
    timeout: Duration,
    /// Until when this worker holds the lease, as it is shared.
    held: Option<u64>,
    looked_at: Option<Duration>,
    under_way: Option<(u32, Poll)>,
    not_before: Duration,
}

/// A question to the store: what came after a position?
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Poll {
    after: Position,
    epoch: u64,
    asked_at: Duration,
    /// The path with its query.
    pub(crate) path: String,
    /// When it is given up.
    pub(crate) timeout: Duration,
}

/// How a poll ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It came to nothing: why, for the log.
    Failed(String),
    /// So many changes were published.
    Followed(usize),
    /// Another worker has gone on meanwhile.
    Ignored,
    /// The store does not go on from this position: all begin again.
    Lost,
}

impl Lead {
    pub(super) fn new(policy: &Policy, wait: Duration) -> Self {
        Self {
            wait,
            timeout: wait + policy.store.timeout + MARGIN,
            held: None,
            looked_at: None,
            under_way: None,
            not_before: Duration::ZERO,
        }
    }

    /// The next poll, if there is something to follow, this worker is the one, and nothing is under way.
    pub(super) fn tick(&mut self, keys: &Keys, shared: &impl Shared, head: &Head, now: Now) -> Option<Poll> {
        let after = head.position.as_ref()?;
        if self.looked_at.is_none_or(|looked_at| now.since(looked_at) >= LOOK) {
            self.looked_at = Some(now.steady);
            self.claim(keys, shared, now);
        }
        // The host ends a poll in time: this is for an answer that was lost.
        self.under_way.take_if(|(_, poll)| now.since(poll.asked_at) > poll.timeout + MARGIN);
        if self.held.is_none() || self.under_way.is_some() || now.steady < self.not_before {
            return None;
        }
        let wait = self.wait.as_millis();
        let path = format!("/v1/changes?after={after}&wait={wait}ms&limit={PAGE}");
        let after = after.clone();
        Some(Poll { after, epoch: head.epoch, asked_at: now.steady, path, timeout: self.timeout })
    }

    /// The poll was sent under a token, or could not be.
    pub(super) fn sent(&mut self, poll: Poll, token: Option<u32>, now: Now) {
        match token {
            Some(token) => self.under_way = Some((token, poll)),
            None => self.not_before = now.steady + RETRY,
        }
    }

    pub(super) fn is_poll(&self, token: u32) -> bool {
        self.under_way.as_ref().is_some_and(|(own, _)| *own == token)
    }

    /// The poll has ended: publishes what it brought.
    pub(super) fn answered(
        &mut self,
        keys: &Keys,
        status: Option<u16>,
        body: &[u8],
        shared: &impl Shared,
        now: Now,
    ) -> Ended {
        let Some((_, poll)) = self.under_way.take() else { return Ended::Ignored };
        let ended = match status {
            Some(200) => match page::read(body, &poll.after) {
                Ok(page) => publish(keys, shared, &poll, page),
                Err(why) => Ended::Failed(why.to_owned()),
            },
            Some(410) => restart(keys, shared, &poll),
            Some(status) => Ended::Failed(format!("the answer's status is {status}")),
            None => Ended::Failed("there was no answer".to_owned()),
        };
        if matches!(ended, Ended::Failed(_) | Ended::Lost) {
            self.not_before = now.steady + RETRY;
        }
        ended
    }

    pub(super) fn close(&self, keys: &Keys, shared: &impl Shared) {
        let (until, cas) = keys.lease(shared);
        if self.held == Some(until) {
            keys.set_lease(shared, 0, cas);
        }
    }

    fn claim(&mut self, keys: &Keys, shared: &impl Shared, now: Now) {
        let (until, cas) = keys.lease(shared);
        let next = lease::claim(until, self.held, now.unix_ms);
        self.held = next.filter(|next| keys.set_lease(shared, *next, cas));
        if self.held.is_none() {
            self.under_way = None;
        }
    }
}

/// First the changes, then the head that tells of them: who reads the head finds them.
fn publish(keys: &Keys, shared: &impl Shared, poll: &Poll, page: Page) -> Ended {
    let (head, cas) = keys.head(shared);
    if !poll.goes_on_from(&head) {
        return Ended::Ignored;
    }
    let is_more = !page.changes.is_empty();
    if is_more && !keys.set_entry(shared, &head, &page.changes) {
        return Ended::Failed("the host did not take the changes".to_owned());
    }
    let sequence = head.sequence.wrapping_add(u64::from(is_more));
    let next = Head { sequence, beat: head.beat.wrapping_add(1), position: Some(page.position), ..head };
    if keys.set_head(shared, &next, cas) { Ended::Followed(page.changes.len()) } else { Ended::Ignored }
}

fn restart(keys: &Keys, shared: &impl Shared, poll: &Poll) -> Ended {
    let (head, cas) = keys.head(shared);
    let next = Head { epoch: head.epoch.wrapping_add(1), position: None, ..head.clone() };
    if poll.goes_on_from(&head) && keys.set_head(shared, &next, cas) { Ended::Lost } else { Ended::Ignored }
}

impl Poll {
    fn goes_on_from(&self, head: &Head) -> bool {
        head.epoch == self.epoch && head.position.as_ref() == Some(&self.after)
    }
}
