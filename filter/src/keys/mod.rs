//! The keys of remote connections: fetched once per process, shared by its workers, kept while the provider is down.

mod record;
mod remote;
#[cfg(test)]
mod testing;

use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use usher_policy::Policy;
use usher_policy::model::{Connection, Jwks};
use usher_policy::token::keys::KeySet;
use usher_policy::token::verify::KeySource;

use crate::clock::Now;
use crate::metrics::{Counter, Histogram, Metrics};
use record::Cause;
use remote::Remote;

/// How many key sets are looked after in one tick; a policy with more takes several ticks for a round.
const REMOTES_PER_TICK: usize = 64;

/// Every remote key set of the policy, as this worker knows it.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    remotes: Vec<Remote>,
    index: HashMap<String, usize>,
    fetches: HashMap<u32, usize>,
    next: usize,
    /// How often a key has gone.
    withdrawals: Rc<Cell<u32>>,
}

/// What a request that lacks keys waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Awaited {
    remote: usize,
    ended: u64,
    until: Duration,
}

/// What a request lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lack {
    /// The connection has no keys that may be used.
    Keys,
    /// None of them is the one that the assertion names.
    Kid,
}

impl Keys {
    /// The key sets that a policy names; connections with the same URL and cluster share one.
    pub(crate) fn new(policy: &Policy) -> Self {
        let mut keys = Self::default();
        for connection in policy.parents.iter().flat_map(|parent| &parent.connections) {
            if let Jwks::Remote(jwks) = &connection.jwks {
                let name = remote::name(jwks);
                if !keys.index.contains_key(&name) {
                    keys.remotes.push(Remote::new(name.clone(), jwks.clone(), Rc::clone(&keys.withdrawals)));
                    keys.index.insert(name, keys.remotes.len() - 1);
                }
            }
        }
        keys
    }

    /// Looks after the key sets: takes up what others fetched and fetches what is due. For a root context's tick only: an
    /// answer that belongs to a stream would be lost with it.
    pub(crate) fn tick(&mut self, now: Now, metrics: &Metrics) {
        let count = self.remotes.len();
        let round = (0..count.min(REMOTES_PER_TICK)).map(|step| (self.next + step) % count);
        let mut due: Vec<usize> = round.collect();
        self.next = due.last().map_or(0, |last| last + 1);
        due.extend(self.remotes.iter().enumerate().filter(|(_, remote)| remote.is_wanted()).map(|(at, _)| at));
        for at in due {
            let Some(remote) = self.remotes.get_mut(at) else { continue };
            let record = remote.catch_up();
            let Some(sent) = remote.fetch_if_due(record, now) else { continue };
            metrics.count(Counter::KeysFetches);
            match sent {
                Ok(token) => {
                    self.fetches.insert(token, at);
                }
                Err(error) => {
                    metrics.count(Counter::KeysFailures);
                    remote.log_failure(&error, now);
                }
            }
        }
    }

    /// Takes the answer to a fetch. Says whether the token was one of ours.
    pub(crate) fn answered(
        &mut self,
        token: u32,
        status: Option<u16>,
        body: &[u8],
        now: Now,
        metrics: &Metrics,
    ) -> bool {
        let Some(remote) = self.fetches.remove(&token).and_then(|at| self.remotes.get_mut(at)) else {
            return false;
        };
        if let Some(latency) = remote.latency(now) {
            metrics.record(Histogram::KeysLatency, latency);
        }
        if let Err(fault) = remote.answered(status, body, now) {
            metrics.count(Counter::KeysFailures);
            remote.log_failure(&fault, now);
        }
        true
    }

    /// Whether and for what a request should wait that lacks keys; takes up first what another worker may have fetched.
    pub(crate) fn ask(&mut self, connection: &Connection, lack: Lack, now: Now) -> Ask {
        let Some((at, remote)) = self.position(connection).and_then(|at| Some((at, self.remotes.get_mut(at)?))) else {
            return Ask::Refuse;
        };
        let known = remote.serial();
        let record = remote.catch_up();
        if remote.serial() != known {
            return Ask::Again;
        }
        let cause = match lack {
            Lack::Keys => Cause::Age,
            Lack::Kid => Cause::UnknownKid,
        };
        match remote.want(record, cause, now) {
            Some(patience) => Ask::Wait(Awaited { remote: at, ended: record.ended, until: now.steady + patience }),
            None => Ask::Refuse,
        }
    }

    /// Whether what a request waits for has happened, or has taken too long.
    pub(crate) fn is_settled(&self, awaited: Awaited, now: Now) -> bool {
        let ended = self.remotes.get(awaited.remote).map(Remote::ended);
        now.steady >= awaited.until || ended != Some(awaited.ended)
    }

    /// How often a provider has withdrawn a key: what was verified before the last time is to be verified again.
    pub(crate) fn withdrawals(&self) -> u32 {
        self.withdrawals.get()
    }

    /// The age of the oldest key set that was fetched.
    pub(crate) fn age(&self, now: Now) -> Option<Duration> {
        self.remotes.iter().filter_map(|remote| remote.age(now)).max()
    }

    /// The keys as they may be used at one moment.
    pub(crate) fn at(&self, now: Now) -> KeysNow<'_> {
        KeysNow { keys: self, now }
    }

    fn position(&self, connection: &Connection) -> Option<usize> {
        match &connection.jwks {
            Jwks::Remote(jwks) => self.index.get(&remote::name(jwks)).copied(),
            Jwks::Inline(_) => None,
        }
    }
}

/// What a request that lacks keys should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Look again: there are newer keys already.
    Again,
    /// Be denied: nothing will come soon.
    Refuse,
    /// Wait for a fetch to end.
    Wait(Awaited),
}

/// The keys at one moment: those that are too old by then are not there.
pub(crate) struct KeysNow<'a> {
    keys: &'a Keys,
    now: Now,
}

impl KeySource for KeysNow<'_> {
    fn keys(&self, connection: &Connection) -> Option<Rc<KeySet>> {
        self.keys.remotes.get(self.keys.position(connection)?)?.usable(self.now)
    }
}
