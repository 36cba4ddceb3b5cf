//! The use of tokens, for the audit: the first of each, and what was refused. Never the token itself, and never an entry for
//! each request: what is refused is counted, for a minute at a time, and so are the kinds of it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use usher_policy::id::ParentId;

use crate::audit::{self, Actor, Cause, Entry};

/// How long refusals are counted before they are noted.
pub(crate) const COUNTED_FOR: Duration = Duration::from_secs(60);

/// Most kinds of refusals that are told apart; what is beyond is counted together.
const MAX_KINDS: usize = 100;

/// Most first uses that wait to be noted. There are no more than tokens in the policies since the last that was noted.
const MAX_FIRST: usize = 1_000;

/// What is known of the use of tokens and not noted yet.
#[derive(Default)]
pub(crate) struct TokenUse {
    pending: Mutex<Pending>,
    was_used: Notify,
    stopping: watch::Sender<bool>,
}

#[derive(Default)]
struct Pending {
    first: Vec<Entry>,
    refused: BTreeMap<Refused, Attempts>,
}

/// What was refused: attempts that are alike are counted together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Refused {
    /// Whose token opens the route that was asked for: `administrator`, `directory` or `filter`.
    pub(crate) opens: &'static str,
    /// The parent that the path names, if the policy has it.
    pub(crate) parent: Option<ParentId>,
    /// Whose token it was, if it is one.
    pub(crate) holder: Option<Actor>,
}

/// How often, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attempts {
    pub(crate) count: u64,
    /// Seconds since the Unix epoch.
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// The request that was refused last.
    pub(crate) request_id: String,
}

impl TokenUse {
    /// A token was used for the first time.
    pub(crate) fn first(&self, cause: Cause, now: u64) {
        let mut pending = self.pending();
        if pending.first.len() < MAX_FIRST {
            pending.first.push(audit::of_token(cause, now));
        }
        drop(pending);
        self.was_used.notify_one();
    }

    /// A token was refused.
    pub(crate) fn refused(&self, refused: Refused, request_id: &str, now: u64) {
        let mut pending = self.pending();
        let is_room = pending.refused.len() < MAX_KINDS || pending.refused.contains_key(&refused);
        let kind = if is_room { refused } else { Refused { parent: None, holder: None, ..refused } };
        let attempts = Attempts { count: 0, first: now, last: now, request_id: String::new() };
        let attempts = pending.refused.entry(kind).or_insert(attempts);
        attempts.count = attempts.count.saturating_add(1);
        attempts.last = now;
        request_id.clone_into(&mut attempts.request_id);
    }

    /// Waits for a first use.
    pub(crate) async fn used(&self) {
        self.was_used.notified().await;
    }

    /// Nothing more comes: what is known is noted at once.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Waits until nothing more comes.
    pub(crate) async fn stopped(&self) {
        // It cannot fail: the sender is here.
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }

    /// The first uses that are not noted yet.
    pub(crate) fn take_first(&self) -> Vec<Entry> {
        std::mem::take(&mut self.pending().first)
    }

    /// What was refused since this was last asked, at `now` (Unix seconds).
    pub(crate) fn take_refused(&self, now: u64) -> Vec<Entry> {
        let refused = std::mem::take(&mut self.pending().refused);
        refused.into_iter().map(|(refused, attempts)| audit::of_refused_tokens(&refused, &attempts, now)).collect()
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_FIRST, MAX_KINDS, Refused, TokenUse};
    use crate::audit::{Actor, Cause};
    use usher_policy::id::ParentId;

    fn refused(parent: &str) -> Refused {
        Refused { opens: "directory", parent: Some(ParentId::new(parent)), holder: None }
    }

    #[test]
    fn attempts_that_are_alike_are_one_entry_however_many_there_are() {
        let tokens = TokenUse::default();
        for n in 0..10_000_u64 {
            tokens.refused(refused("acme"), &format!("r{n}"), n);
        }
        let entries = tokens.take_refused(10_000);
        assert_eq!(entries.len(), 1);
        let after = entries[0].after.as_ref().unwrap();
        assert_eq!((&after["attempts"], &after["opens"]), (&10_000.into(), &"directory".into()));
        assert_eq!((&after["first_at"], &after["last_at"]), (&0.into(), &9_999.into()));
        assert_eq!(entries[0].cause.request_id, "r9999");
        assert!(tokens.take_refused(10_001).is_empty(), "they are told once");
    }

    #[test]
    fn kinds_of_attempts_are_bounded_and_none_is_lost() {
        let tokens = TokenUse::default();
        for n in 0..10 * MAX_KINDS {
            tokens.refused(refused(&format!("p{n}")), "r", 1);
        }
        let entries = tokens.take_refused(2);
        assert_eq!(entries.len(), MAX_KINDS + 1);
        let attempts = entries.iter().map(|entry| entry.after.as_ref().unwrap()["attempts"].as_u64().unwrap());
        assert_eq!(attempts.sum::<u64>(), 10 * MAX_KINDS as u64);
    }

    #[test]
    fn first_uses_that_wait_are_bounded() {
        let tokens = TokenUse::default();
        for _ in 0..2 * MAX_FIRST {
            tokens.first(Cause { actor: Actor::Filter, request_id: String::new() }, 1);
        }
        assert_eq!(tokens.take_first().len(), MAX_FIRST);
        assert!(tokens.take_first().is_empty());
    }
}
