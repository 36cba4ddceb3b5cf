//! One key set behind a URL: this worker's copy, the shared record, and the fetch that this worker may be doing.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;
use std::time::Duration;

use usher_policy::model::RemoteJwks;
use usher_policy::token::keys::KeySet;

use super::record::{Cause, End, INTERVAL_PATIENCE, LEASE_MARGIN, Record, is_older};
use super::tenure::Tenure;
use crate::clock::Now;
use crate::host::{self, HostError};
use crate::log_line;

/// How often a change of the shared record is tried against other workers' changes.
const ATTEMPTS: usize = 8;

/// A key set of the policy.
#[derive(Debug)]
pub(super) struct Remote {
    name: String,
    jwks: RemoteJwks,
    copy: Option<Copy>,
    /// Of this set alone: what another customer's provider withdraws is nothing to those who came with these keys.
    tenure: Tenure,
    ended: u64,
    wanted: Option<Cause>,
    /// How many places are taken by requests that wait for it.
    pub(super) taken: usize,
    fetch: Option<Fetch>,
    /// When a failure was last told of, on the steady clock.
    told_at: Option<Duration>,
}

/// The keys as this worker has them.
#[derive(Debug)]
struct Copy {
    keys: Rc<KeySet>,
    serial: u64,
    fetched_at: u64,
}

/// A fetch that this worker has sent.
#[derive(Clone, Copy, Debug)]
struct Fetch {
    asked: Now,
    lease_until: u64,
}

/// Why an answer was no key set.
#[derive(Debug)]
pub(super) enum Fault {
    /// There was no answer in time.
    NoAnswer,
    /// It had another status than 200.
    Status(u16),
    /// It is no JWK set.
    Unreadable(String),
    /// The host did not take the result.
    Host(HostError),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAnswer => f.write_str("no answer"),
            Self::Status(status) => write!(f, "status {status}"),
            Self::Unreadable(error) => f.write_str(error),
            Self::Host(error) => write!(f, "{error}; is the cluster there, and has it an address?"),
        }
    }
}

/// Of what makes a key set the same as another: cluster and URL.
pub(super) fn hash(hasher: &RandomState, jwks: &RemoteJwks) -> u64 {
    hasher.hash_one((&jwks.cluster, &jwks.uri))
}

/// What a key set is called among the workers: the same, written out, so that no two share a name.
fn name(jwks: &RemoteJwks) -> String {
    format!("{} {}://{}{}", jwks.cluster, jwks.uri.scheme(), jwks.uri.authority(), jwks.uri.path)
}

impl Remote {
    /// A key set that nobody has asked for.
    pub(super) fn new(jwks: RemoteJwks) -> Self {
        let (name, tenure) = (name(&jwks), Tenure::default());
        Self { name, jwks, copy: None, tenure, ended: 0, wanted: None, taken: 0, fetch: None, told_at: None }
    }

    /// Whether these are its keys, however they are looked after.
    pub(super) fn is_of(&self, jwks: &RemoteJwks) -> bool {
        self.jwks.cluster == jwks.cluster && self.jwks.uri == jwks.uri
    }

    /// The hash by which it is found.
    pub(super) fn hash(&self, hasher: &RandomState) -> u64 {
        hash(hasher, &self.jwks)
    }

    /// The number of this worker's copy; 0 without one.
    pub(super) fn serial(&self) -> u64 {
        self.copy.as_ref().map_or(0, |copy| copy.serial)
    }

    /// How many fetches have ended, as far as this worker knows.
    pub(super) fn ended(&self) -> u64 {
        self.ended
    }

    /// Whether a request waits for a fetch that nobody has begun.
    pub(super) fn is_wanted(&self) -> bool {
        self.wanted.is_some()
    }

    /// The keys, unless they are older than they may get.
    pub(super) fn usable(&self, now: Now) -> Option<Rc<KeySet>> {
        let copy = self.copy.as_ref()?;
        // What comes from the future cannot be told from what is too old: it is fetched anew.
        (!is_older(copy.fetched_at, self.jwks.max_stale, now)).then(|| Rc::clone(&copy.keys))
    }

    /// How long it stands what they have verified.
    pub(super) fn tenure(&self) -> &Tenure {
        &self.tenure
    }

    /// How long ago its keys were fetched, where they were.
    pub(super) fn age(&self, now: Now) -> Option<Duration> {
        self.copy.as_ref().map(|copy| Duration::from_millis(now.unix_ms.saturating_sub(copy.fetched_at)))
    }

    /// Reads the shared record, and the document where it is newer than this worker's copy.
    pub(super) fn catch_up(&mut self) -> Record {
        let (record, _) = self.record();
        self.take_note(record.ended);
        if record.serial != self.serial()
            && let Ok(Some((document, _))) = host::shared(&self.document_key())
            && let Some((head, document)) = document.split_first_chunk::<16>()
            && let Ok(keys) = KeySet::parse(document)
        {
            let (numbers, _) = head.as_chunks::<8>();
            if let [serial, fetched_at] = numbers {
                let (serial, fetched_at) = (u64::from_le_bytes(*serial), u64::from_le_bytes(*fetched_at));
                self.take_up(Copy { keys: Rc::new(keys), serial, fetched_at });
            }
        }
        record
    }

    /// Whoever waited for a fetch has what they waited for when one has ended; what was wanted since then is wanted still.
    fn take_note(&mut self, ended: u64) {
        if ended != self.ended {
            self.wanted = None;
        }
        self.ended = ended;
    }

    fn take_up(&mut self, copy: Copy) {
        if self.copy.as_ref().is_some_and(|earlier| copy.keys.withdraws_from(&earlier.keys)) {
            std::mem::take(&mut self.tenure).end();
        }
        self.copy = Some(copy);
    }

    /// Notes that a request lacks keys. Says how long it may wait; `None` where nothing will come soon.
    pub(super) fn want(&mut self, record: Record, cause: Cause, now: Now) -> Option<Duration> {
        record.is_worth_waiting(&self.jwks, cause, now).then(|| {
            self.wanted = Some(cause);
            INTERVAL_PATIENCE + self.jwks.timeout + LEASE_MARGIN
        })
    }

    /// Fetches, where it is due and no other worker is at it: the token of the call, or why it could not be sent.
    pub(super) fn fetch_if_due(&mut self, record: Record, now: Now) -> Option<Result<u32, Fault>> {
        // What another worker fetches meanwhile, or what is not due for long, is no longer wanted from this one.
        self.wanted = self.wanted.filter(|cause| record.is_due_soon(&self.jwks, *cause, now));
        let causes = [self.wanted, Some(Cause::Age)];
        let leased = causes.into_iter().flatten().find_map(|cause| record.lease(&self.jwks, cause, now))?;
        self.wanted = None;
        let (current, cas) = self.record();
        if current != record || !host::set_shared(&self.record_key(), &leased.encode(), cas).unwrap_or(false) {
            return None;
        }
        self.fetch = Some(Fetch { asked: now, lease_until: leased.lease_until });
        let authority = self.jwks.uri.authority();
        let headers = vec![
            (":method", "GET"),
            (":path", self.jwks.uri.path.as_str()),
            (":authority", authority.as_str()),
            (":scheme", self.jwks.uri.scheme()),
            ("accept", "application/jwk-set+json, application/json"),
        ];
        Some(host::dispatch(&self.jwks.cluster, &headers, &[], self.jwks.timeout).map_err(|error| {
            self.finish(End::Unsent, now);
            Fault::Host(error)
        }))
    }

    /// How long the fetch that this worker is doing has taken.
    pub(super) fn latency(&self, now: Now) -> Option<Duration> {
        self.fetch.map(|fetch| now.since(fetch.asked.steady))
    }

    /// Takes the answer to the fetch and tells the other workers.
    pub(super) fn answered(&mut self, status: Option<u16>, body: &[u8], now: Now) -> Result<(), Fault> {
        let result = match status {
            Some(200) => KeySet::parse(body).map_err(|error| Fault::Unreadable(error.to_string())),
            Some(status) => Err(Fault::Status(status)),
            None => Err(Fault::NoAnswer),
        };
        let published = result.and_then(|_| self.publish(body).map_err(Fault::Host));
        let end = if published.is_ok() { End::Fetched } else { End::Failed };
        self.finish(end, now);
        self.catch_up();
        published
    }

    /// One line for whoever runs the proxy. What could not even be sent is soon tried again, but told of no more often than
    /// what was.
    pub(super) fn log_failure(&mut self, fault: &Fault, now: Now) {
        if self.is_news(now) {
            log_line::keys_failed(&self.name, &fault.to_string());
        }
    }

    fn is_news(&mut self, now: Now) -> bool {
        let is_news = self.told_at.is_none_or(|then| now.since(then) >= self.jwks.min_interval);
        if is_news {
            self.told_at = Some(now.steady);
        }
        is_news
    }

    /// Puts the document where other workers find it once the record tells them to look.
    fn publish(&self, document: &[u8]) -> Result<(), HostError> {
        let Some(fetch) = self.fetch else { return Ok(()) };
        let (record, _) = self.record();
        if record.lease_until != fetch.lease_until {
            return Ok(());
        }
        let next = record.end(&self.jwks, End::Fetched, fetch.asked.unix_ms, fetch.asked);
        let mut shared = Vec::with_capacity(document.len() + 16);
        shared.extend_from_slice(&next.serial.to_le_bytes());
        shared.extend_from_slice(&next.fetched_at.to_le_bytes());
        shared.extend_from_slice(document);
        host::overwrite_shared(&self.document_key(), &shared)
    }

    /// Gives the lease back; one that ran out meanwhile is another's by now, and so is the record.
    fn finish(&mut self, end: End, now: Now) {
        let Some(fetch) = self.fetch.take() else { return };
        for _ in 0..ATTEMPTS {
            let (record, cas) = self.record();
            if record.lease_until != fetch.lease_until {
                return;
            }
            let ended = record.end(&self.jwks, end, fetch.asked.unix_ms, now);
            if host::set_shared(&self.record_key(), &ended.encode(), cas).unwrap_or(false) {
                return;
            }
        }
    }

    fn record(&self) -> (Record, Option<u32>) {
        match host::shared(&self.record_key()) {
            Ok(Some((bytes, cas))) => (Record::decode(&bytes), Some(cas)),
            Ok(None) | Err(_) => (Record::default(), None),
        }
    }

    fn record_key(&self) -> String {
        format!("usher.keys.record {}", self.name)
    }

    fn document_key(&self) -> String {
        format!("usher.keys.document {}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::jwks;
    use super::*;

    #[test]
    fn a_failure_that_comes_back_soon_is_told_once_in_an_interval() {
        let jwks = jwks();
        let (interval, mut remote) = (jwks.min_interval, Remote::new(jwks));
        let mut told = |steady| remote.is_news(Now { unix_ms: 0, steady });
        let begin = Duration::from_secs(7);
        assert!(told(begin));
        assert!(!told(begin + Duration::from_millis(250)));
        assert!(!told(begin + interval - Duration::from_millis(1)));
        assert!(told(begin + interval));
        assert!(!told(begin + interval + Duration::from_millis(250)));
    }

    #[test]
    fn a_fetch_gives_those_what_they_want_who_waited_for_it_and_takes_nothing_from_who_comes_later() {
        let (at, jwks) = (Now { unix_ms: 1_000_000, steady: Duration::from_secs(7) }, jwks());
        let mut remote = Remote::new(jwks);
        let want = |remote: &mut Remote| remote.want(Record::default(), Cause::UnknownKid, at).is_some();
        assert!(want(&mut remote) && remote.is_wanted());
        remote.take_note(0);
        assert!(remote.is_wanted(), "no fetch has ended since");
        remote.take_note(1);
        assert!(!remote.is_wanted(), "one that another worker has begun has");
        assert!(want(&mut remote));
        remote.take_note(1);
        assert!(remote.is_wanted(), "it ended before");
    }

    #[test]
    fn a_key_that_is_gone_or_another_under_its_name_is_withdrawn_and_a_new_one_withdraws_none() {
        let set = |keys: &[(&str, &str)]| {
            let keys: Vec<_> =
                keys.iter().map(|(kid, x)| json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x})).collect();
            KeySet::parse(json!({"keys": keys}).to_string().as_bytes()).unwrap()
        };
        let (one, two) = ("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw");
        let jwks = jwks();
        let mut remote = Remote::new(jwks);
        for (serial, (keys, is_withdrawn)) in [
            (set(&[("a", one)]), false),
            (set(&[("a", one), ("b", two)]), false),
            (set(&[("b", two), ("a", one)]), false),
            (set(&[("b", two)]), true),
            (set(&[("b", one)]), true),
            (set(&[("c", one)]), true),
        ]
        .into_iter()
        .enumerate()
        {
            let before = remote.tenure().clone();
            remote.take_up(Copy { keys: Rc::new(keys), serial: serial as u64, fetched_at: 1 });
            assert_eq!((before.has_ended(), remote.tenure().has_ended()), (is_withdrawn, false), "{serial}");
        }
    }

    /// What the host says of shared data without a host is not asked: the copy is this worker's own.
    #[test]
    fn keys_older_than_they_may_get_are_none() {
        let jwks = jwks();
        let document =
            br#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
        let keys = Rc::new(KeySet::parse(document).unwrap());
        let mut remote = Remote::new(jwks);
        let at = |unix_ms| Now { unix_ms, steady: Duration::ZERO };
        assert!(remote.usable(at(1)).is_none(), "there are none yet");
        remote.copy = Some(Copy { keys, serial: 1, fetched_at: 1_000 });
        for (now, are_usable) in
            [(1_000, true), (86_400_999, true), (86_401_000, false), (u64::MAX, false), (999, false)]
        {
            assert_eq!(remote.usable(at(now)).is_some(), are_usable, "{now}");
        }
    }

    /// Keys that cannot be used for the wall's clock are fetched again at once: whoever waits for them waits for one fetch.
    #[test]
    fn after_a_jump_of_the_clock_keys_are_good_or_fetched_at_once_and_good_again() {
        let jwks = jwks();
        let document =
            br#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
        let keys = Rc::new(KeySet::parse(document).unwrap());
        let mut remote = Remote::new(jwks.clone());
        let at = |unix_ms| Now { unix_ms, steady: Duration::from_secs(60) };
        let fetched_at = 1_000_000_000;
        for now in [1, fetched_at - 1, fetched_at, fetched_at + 299_999, fetched_at + 300_000, u64::MAX / 2] {
            remote.copy = Some(Copy { keys: Rc::clone(&keys), serial: 1, fetched_at });
            let fetched = Record::default().end(&jwks, End::Fetched, fetched_at, at(fetched_at));
            let leased = fetched.lease(&jwks, Cause::Age, at(now));
            let is_usable = remote.usable(at(now)).is_some();
            assert!(is_usable || leased.is_some(), "{now}: nobody fetches");
            let Some(leased) = leased else { continue };
            let renewed = leased.end(&jwks, End::Fetched, now, at(now));
            remote.copy = Some(Copy { keys: Rc::clone(&keys), serial: renewed.serial, fetched_at: renewed.fetched_at });
            assert!(remote.usable(at(now)).is_some() && renewed.lease(&jwks, Cause::Age, at(now)).is_none(), "{now}");
        }
    }
}
