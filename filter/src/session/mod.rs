//! What a worker remembers of logins, so that later requests need neither crypto nor the store.

mod check;
mod kept;
mod sieve;

use std::sync::Arc;
use std::time::Duration;

use usher_policy::id::{Issuer, OrganizationId};
use usher_policy::model::{Offline, Policy};
use usher_policy::rules::conclude::Standing;

use crate::clock::Now;
use crate::feed::{Change, Follow, Stamp, State};
use crate::keys::Tenure;
use crate::store_call::STORE_MARGIN;
use check::Patience;
pub(crate) use check::{Check, Step};
use kept::{Kept, Models};
use sieve::{Entry, Group, Key, Sieve};

/// A login that was let in, as later requests with the same credential find it. What was put to the store is in the credential,
/// which the request brings along.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// The member's place, as the store last confirmed it and the feed has changed it since.
    pub(crate) standing: Arc<Standing>,
    /// The assertion's `exp`, seconds since the Unix epoch: from then on there is no session.
    pub(crate) expires_at: u64,
    /// When the store was last asked and said yes, on the steady clock.
    pub(crate) confirmed_at: Duration,
    /// Which changes are in it already.
    pub(crate) stamp: Stamp,
    /// In which its assertion was last verified.
    pub(crate) tenure: Tenure,
    /// How checking it with the store goes, when that is due.
    pub(crate) check: Check,
}

impl Session {
    /// Whether nothing is to be asked about it, and nobody asks.
    pub(crate) fn is_settled(&self, follow: &Follow, policy: &Policy, now: Now) -> bool {
        self.check.is_none() && !follow.is_due(self.stamp, self.confirmed_at, policy.sessions.max_staleness, now)
    }

    /// What a request does that finds this session.
    pub(crate) fn step(&mut self, follow: &Follow, policy: &Policy, now: Now) -> Step {
        let max_staleness = policy.sessions.max_staleness;
        if !follow.is_due(self.stamp, self.confirmed_at, max_staleness, now) {
            self.check = Check::default();
            return Step::Pass;
        }
        let patience = Patience { answer: policy.store.timeout + STORE_MARGIN, retry: max_staleness };
        let is_kept = self.is_kept(follow, policy, now);
        self.check.step(now.steady, patience, is_kept)
    }

    /// `sessions.offline`: whether it goes on while the store cannot be reached.
    pub(crate) fn is_kept(&self, follow: &Follow, policy: &Policy, now: Now) -> bool {
        match policy.sessions.offline {
            Offline::Deny => false,
            Offline::Keep(longest) => now.since(follow.known_at(self.stamp, self.confirmed_at)) <= longest,
        }
    }
}

/// So many bytes of credentials are kept for each session that there is room for: with longer ones there is room for fewer.
const ROOM: usize = 4096;

/// The sessions of one worker, bounded in number and in bytes; each is bounded in time by its assertion.
#[derive(Debug)]
pub(crate) struct Sessions {
    sieve: Sieve<Held>,
    models: Models,
}

/// A session with its credential: found by organization and credential, grouped by organization and member.
#[derive(Debug)]
struct Held {
    credential: Kept,
    session: Session,
}

impl Entry for Held {
    fn has(&self, (organization, credential): Key<'_>) -> bool {
        self.session.standing.organization().as_str() == organization && self.credential.is(credential)
    }

    fn group(&self) -> Group<'_> {
        let standing = &self.session.standing;
        (standing.organization().as_str(), standing.member())
    }

    fn length(&self) -> usize {
        self.credential.room()
    }
}

/// What a change did to the sessions of a member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Touched {
    /// So many go on, with another role or tier.
    pub(crate) changed: usize,
    /// So many are over.
    pub(crate) ended: usize,
}

impl Sessions {
    /// No sessions, and room for this many.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { sieve: Sieve::new(capacity, capacity.saturating_mul(ROOM)), models: Models::new() }
    }

    /// The live session of a credential in an organization.
    pub(crate) fn find(&mut self, organization: &OrganizationId, credential: &[u8], now: Now) -> Option<&mut Session> {
        let at = self.sieve.find((organization.as_str(), credential))?;
        if self.sieve.peek(at)?.session.expires_at <= now.unix_secs() {
            self.sieve.remove(at);
            return None;
        }
        self.sieve.visit(at).map(|held| &mut held.session)
    }

    /// Remembers a session of its standing's organization, in place of the one with the same credential, which is of this
    /// issuer. Says how many others had to go for it.
    pub(crate) fn remember(&mut self, issuer: &Issuer, credential: &[u8], session: Session) -> usize {
        let kept = self.models.keep(issuer, credential);
        let standing = Arc::clone(&session.standing);
        self.sieve.insert((standing.organization().as_str(), credential), Held { credential: kept, session })
    }

    /// Ends a session, if there is one.
    pub(crate) fn end(&mut self, organization: &OrganizationId, credential: &[u8]) {
        if let Some(at) = self.sieve.find((organization.as_str(), credential)) {
            self.sieve.remove(at);
        }
    }

    /// Takes up a change of one member, in each session that it is news to. `generation` is that of the feed.
    pub(crate) fn apply(&mut self, change: &Change, generation: u32, policy: &Policy) -> Touched {
        let mut touched = Touched::default();
        self.sieve.change_group((&change.organization, &change.member), |Held { session, .. }| {
            if session.stamp.has(change.number, generation) {
                return true;
            }
            let standing = match &change.state {
                State::Active { role, seat_tier } => policy
                    .organization(&change.organization)
                    .and_then(|organization| session.standing.changed(organization, role.clone(), seat_tier.clone())),
                State::Ended => None,
            };
            // Whoever may not come in as they are now learns why by a login.
            let Some(standing) = standing else {
                touched.ended += 1;
                return false;
            };
            session.stamp.take_up(change.number, generation);
            if standing != *session.standing {
                session.standing = Arc::new(standing);
                touched.changed += 1;
            }
            true
        });
        touched
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.sieve.len()
    }
}
