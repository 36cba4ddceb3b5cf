//! What a worker remembers of logins, so that later requests need neither crypto nor the store.

mod sieve;

use std::rc::Rc;
use std::time::Duration;

use usher_policy::id::OrganizationId;
use usher_policy::rules::conclude::Standing;
use usher_policy::wire::Login;

use crate::clock::Now;
use sieve::Sieve;

/// A login that was let in, as later requests with the same credential find it.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// The member's place, as the store last confirmed it.
    pub(crate) standing: Rc<Standing>,
    /// What is put to the store when the session is checked again.
    pub(crate) login: Rc<Login>,
    /// The assertion's `exp`, seconds since the Unix epoch: from then on there is no session.
    pub(crate) expires_at: u64,
    /// When the store was last asked and said yes, on the steady clock.
    pub(crate) confirmed_at: Duration,
}

/// The sessions of one worker, bounded in number; each is bounded in time by its assertion.
#[derive(Debug)]
pub(crate) struct Sessions {
    sieve: Sieve<Session>,
    key: Vec<u8>,
}

impl Sessions {
    /// No sessions, and room for this many.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { sieve: Sieve::new(capacity), key: Vec::new() }
    }

    /// The live session of a credential in an organization.
    pub(crate) fn find(&mut self, organization: &OrganizationId, credential: &[u8], now: Now) -> Option<&Session> {
        self.write_key(organization, credential);
        if self.sieve.peek(&self.key)?.expires_at <= now.unix_secs() {
            self.sieve.remove(&self.key);
            return None;
        }
        self.sieve.visit(&self.key)
    }

    /// Remembers a session, in place of the one with the same credential. Says whether another one had to go for it.
    pub(crate) fn remember(&mut self, organization: &OrganizationId, credential: &[u8], session: Session) -> bool {
        self.write_key(organization, credential);
        self.sieve.insert(&self.key, session)
    }

    /// Ends a session, if there is one.
    pub(crate) fn end(&mut self, organization: &OrganizationId, credential: &[u8]) {
        self.write_key(organization, credential);
        self.sieve.remove(&self.key);
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.sieve.len()
    }

    /// The whole credential is the key, after the organization's length and name: no two pairs share one.
    fn write_key(&mut self, organization: &OrganizationId, credential: &[u8]) {
        let organization = organization.as_str().as_bytes();
        self.key.clear();
        self.key.extend_from_slice(&organization.len().to_le_bytes());
        self.key.extend_from_slice(organization);
        self.key.extend_from_slice(credential);
    }
}
