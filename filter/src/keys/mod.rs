//! The keys of remote connections: fetched once per process, shared by its workers, kept while the provider is down.

mod record;
mod remote;
mod tenure;
#[cfg(test)]
mod testing;

use std::collections::HashMap;
use std::hash::RandomState;
use std::rc::Rc;
use std::time::Duration;

use hashbrown::HashTable;
use usher_policy::Policy;
use usher_policy::model::{Connection, Jwks, RemoteJwks};
use usher_policy::token::keys::KeySet;
use usher_policy::token::verify::KeySource;

use crate::clock::Now;
use crate::metrics::{Counter, Histogram, Metrics};
use record::Cause;
use remote::Remote;
pub(crate) use tenure::Tenure;

/// How many key sets are looked after in one tick; a policy with more takes several ticks for a round.
const REMOTES_PER_TICK: usize = 64;

/// Places for requests that wait for keys in one worker …
const PLACES: usize = 1000;

/// … each for so many bytes of their headers, so that what waits is bounded in memory, too.
const PLACE: usize = 4096;

/// Every remote key set of the policy, as this worker knows it.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    remotes: Vec<Remote>,
    index: HashTable<usize>,
    hasher: RandomState,
    fetches: HashMap<u32, usize>,
    next: usize,
    /// How many places are taken, of all key sets together.
    taken: usize,
    /// That of inline keys, which nobody withdraws: they are the policy's.
    inline: Tenure,
}

/// What a request that lacks keys waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Awaited {
    remote: usize,
    places: usize,
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
                keys.add(jwks);
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

    /// Whether and for what a request of this size should wait that lacks keys; takes up first what another worker may have
    /// fetched. Whoever waits has places, until `leave`.
    pub(crate) fn ask(&mut self, connection: &Connection, lack: Lack, size: usize, now: Now) -> Ask {
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
        let Some(patience) = remote.want(record, cause, now) else { return Ask::Refuse };
        // Nobody has shown anything yet. No key set has more places than it leaves to the others: however many wait for one
        // of which nothing comes, there is room for whoever waits for another.
        let places = 1 + size / PLACE;
        if self.taken + remote.taken + 2 * places > PLACES {
            return Ask::Refuse;
        }
        self.taken += places;
        remote.taken += places;
        Ask::Wait(Awaited { remote: at, places, ended: record.ended, until: now.steady + patience })
    }

    /// A request waits no more.
    pub(crate) fn leave(&mut self, awaited: Awaited) {
        self.taken = self.taken.saturating_sub(awaited.places);
        if let Some(remote) = self.remotes.get_mut(awaited.remote) {
            remote.taken = remote.taken.saturating_sub(awaited.places);
        }
    }

    /// Whether what a request waits for has happened, or has taken too long.
    pub(crate) fn is_settled(&self, awaited: Awaited, now: Now) -> bool {
        let ended = self.remotes.get(awaited.remote).map(Remote::ended);
        now.steady >= awaited.until || ended != Some(awaited.ended)
    }

    /// The age of the oldest key set that was fetched.
    pub(crate) fn age(&self, now: Now) -> Option<Duration> {
        self.remotes.iter().filter_map(|remote| remote.age(now)).max()
    }

    /// The keys as they may be used at one moment.
    pub(crate) fn at(&self, now: Now) -> KeysNow<'_> {
        KeysNow { keys: self, now }
    }

    fn remote(&self, connection: &Connection) -> Option<&Remote> {
        self.remotes.get(self.position(connection)?)
    }

    fn position(&self, connection: &Connection) -> Option<usize> {
        match &connection.jwks {
            Jwks::Remote(jwks) => self.position_of(jwks),
            Jwks::Inline(_) => None,
        }
    }

    fn position_of(&self, jwks: &RemoteJwks) -> Option<usize> {
        let is_its = |at: &usize| self.remotes.get(*at).is_some_and(|remote| remote.is_of(jwks));
        self.index.find(remote::hash(&self.hasher, jwks), is_its).copied()
    }

    fn add(&mut self, jwks: &RemoteJwks) {
        if self.position_of(jwks).is_none() {
            let (remotes, hasher) = (&self.remotes, &self.hasher);
            let hash_of = |at: &usize| remotes.get(*at).map_or(0, |remote| remote.hash(hasher));
            self.index.insert_unique(remote::hash(hasher, jwks), remotes.len(), hash_of);
            self.remotes.push(Remote::new(jwks.clone()));
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

/// The keys of remote connections, and how long it stands what they have verified.
pub(crate) trait Keyring: KeySource {
    /// The tenure of a connection's keys.
    fn tenure(&self, connection: &Connection) -> Tenure;
}

/// The keys at one moment: those that are too old by then are not there.
pub(crate) struct KeysNow<'a> {
    keys: &'a Keys,
    now: Now,
}

impl KeySource for KeysNow<'_> {
    fn keys(&self, connection: &Connection) -> Option<Rc<KeySet>> {
        self.keys.remote(connection)?.usable(self.now)
    }
}

impl Keyring for KeysNow<'_> {
    fn tenure(&self, connection: &Connection) -> Tenure {
        self.keys.remote(connection).map_or(&self.keys.inline, Remote::tenure).clone()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use usher_policy_file::from_json;

    use super::*;

    const NOW: Now = Now { unix_ms: 1_800_000_000_000, steady: Duration::ZERO };

    /// Customers, each with keys of their own, which never come.
    fn policy(customers: usize) -> Policy {
        policy_with(customers, |_| {})
    }

    fn policy_with(customers: usize, change: impl FnOnce(&mut Value)) -> Policy {
        let mut document: Value = serde_json::from_str(include_str!("../../testdata/policy.json")).unwrap();
        let customer = |n| {
            let mut parent = document["parents"][0].clone();
            parent["id"] = json!(format!("p{n}"));
            parent["domains"] = json!([format!("p{n}.example")]);
            parent["connections"][0]["issuer"] = json!(format!("https://p{n}.example"));
            parent["connections"][0]["jwks"] = json!({"uri": format!("https://p{n}.example/keys"), "cluster": "idp"});
            parent["organizations"][0]["id"] = json!(format!("o{n}"));
            parent["organizations"][0]["hosts"] = json!([format!("p{n}.example")]);
            parent
        };
        let mut customers: Value = (0..customers).map(customer).collect();
        change(&mut customers);
        document["parents"] = customers;
        from_json(document.to_string().as_bytes()).unwrap()
    }

    /// Requests of one size come to one customer until one of them need not wait.
    fn crowd(keys: &mut Keys, policy: &Policy, customer: usize, size: usize) -> Vec<Awaited> {
        let connection = &policy.parents[customer].connections[0];
        let next = || match keys.ask(connection, Lack::Keys, size, NOW) {
            Ask::Wait(awaited) => Some(awaited),
            Ask::Again | Ask::Refuse => None,
        };
        std::iter::from_fn(next).take(10 * PLACES).collect()
    }

    #[test]
    fn however_many_wait_for_the_keys_of_one_there_is_room_for_those_of_others() {
        let policy = policy(4);
        let mut keys = Keys::new(&policy);
        let waiting = [0, 1, 2, 3].map(|customer| crowd(&mut keys, &policy, customer, 700));
        assert_eq!(waiting.each_ref().map(Vec::len), [500, 250, 125, 62]);
        let [first, rest @ ..] = waiting;
        first.into_iter().for_each(|awaited| keys.leave(awaited));
        assert_eq!(crowd(&mut keys, &policy, 3, 700).len(), 250, "as many as are left to the others then");
        assert!(keys.taken <= PLACES);
        rest.into_iter().flatten().for_each(|awaited| keys.leave(awaited));
        assert_eq!(keys.taken, keys.remotes[3].taken, "nothing is forgotten");
    }

    #[test]
    fn a_key_that_is_gone_counts_for_those_connections_alone_that_share_its_set() {
        let policy = policy_with(4, |parents| {
            parents[1]["connections"][0]["jwks"] = parents[0]["connections"][0]["jwks"].clone();
            parents[2]["connections"][0]["jwks"] = json!({"inline": {"keys": [
                {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
            ]}});
        });
        let keys = Keys::new(&policy);
        let tenure = |n: usize| keys.at(NOW).tenure(&policy.parents[n].connections[0]);
        let tenures = [0, 1, 2, 3].map(tenure);
        let have_ended = || tenures.each_ref().map(Tenure::has_ended);
        assert_eq!(have_ended(), [false; 4]);
        tenures[0].end();
        assert_eq!(have_ended(), [true, true, false, false]);
        tenures[3].end();
        assert_eq!(have_ended(), [true, true, false, true]);
    }

    #[test]
    fn what_waits_for_keys_is_bounded_in_bytes() {
        let policy = policy(1);
        for (size, most) in [(0, 500), (PLACE - 1, 500), (PLACE, 250), (64 * 1024, 29), (PLACES * PLACE, 0)] {
            assert_eq!(crowd(&mut Keys::new(&policy), &policy, 0, size).len(), most, "{size}");
        }
    }
}
