//! What all workers of a process agree on about one key set: which is the newest, who fetches, and when one may again.

use std::time::Duration;

use usher_policy::model::RemoteJwks;

use crate::clock::Now;

/// How much longer than its timeout a fetch may hold the lease: after that its worker is taken for dead.
pub(super) const LEASE_MARGIN: Duration = Duration::from_secs(1);

/// After a fetch that could not even be sent (the cluster is not there yet), another is tried this soon.
const UNSENT_RETRY: Duration = Duration::from_millis(250);

/// A request that names an unknown `kid` waits so long for the interval to be over: a stranger who has just named one that there
/// is not does not shut out those with a new key.
pub(super) const INTERVAL_PATIENCE: Duration = Duration::from_secs(2);

/// The shared record of one key set. Times are milliseconds since the Unix epoch; 0 is never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// The number of the newest document; 0 while there is none.
    pub(super) serial: u64,
    /// When the newest document was asked for.
    pub(super) fetched_at: u64,
    /// How many fetches have ended, well or not.
    pub(super) ended: u64,
    /// Where the last fetch failed: not before this is the next one.
    pub(super) retry_at: u64,
    /// Until when somebody has the right to fetch.
    pub(super) lease_until: u64,
    /// When keys were last fetched for an unknown `kid`.
    pub(super) unknown_kid_at: u64,
}

/// Why keys are to be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// There are none yet, or they have aged, or the last fetch failed.
    Age,
    /// An assertion names a key that is not among them.
    UnknownKid,
}

/// How a fetch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// A key set arrived.
    Fetched,
    /// No answer, or none that is a key set.
    Failed,
    /// It could not be sent.
    Unsent,
}

impl Record {
    const FIELDS: usize = 6;

    /// The record as it is shared.
    pub(super) fn encode(&self) -> Vec<u8> {
        [self.serial, self.fetched_at, self.ended, self.retry_at, self.lease_until, self.unknown_kid_at]
            .iter()
            .flat_map(|field| field.to_le_bytes())
            .collect()
    }

    /// Reads a shared record; what is none counts as a first one, which only means that keys are fetched anew.
    pub(super) fn decode(bytes: &[u8]) -> Self {
        let (fields, rest) = bytes.as_chunks::<8>();
        match fields {
            [serial, fetched_at, ended, retry_at, lease_until, unknown_kid_at]
                if rest.is_empty() && fields.len() == Self::FIELDS =>
            {
                Self {
                    serial: u64::from_le_bytes(*serial),
                    fetched_at: u64::from_le_bytes(*fetched_at),
                    ended: u64::from_le_bytes(*ended),
                    retry_at: u64::from_le_bytes(*retry_at),
                    lease_until: u64::from_le_bytes(*lease_until),
                    unknown_kid_at: u64::from_le_bytes(*unknown_kid_at),
                }
            }
            _ => Self::default(),
        }
    }

    /// The record with the lease taken, where a fetch is due for this cause and nobody is at it.
    pub(super) fn lease(&self, jwks: &RemoteJwks, cause: Cause, now: Now) -> Option<Self> {
        if self.is_leased(jwks, now) || !self.is_due(jwks, cause, now) {
            return None;
        }
        let unknown_kid_at = if cause == Cause::UnknownKid { now.unix_ms } else { self.unknown_kid_at };
        let lease_until = now.unix_ms.saturating_add(millis(jwks.timeout + LEASE_MARGIN));
        Some(Self { lease_until, unknown_kid_at, ..*self })
    }

    /// The record after the fetch that holds the lease has ended.
    pub(super) fn end(&self, jwks: &RemoteJwks, end: End, asked_at: u64, now: Now) -> Self {
        let ended = self.ended.wrapping_add(1);
        let retry_at = |wait: Duration| now.unix_ms.saturating_add(millis(wait));
        let free = Self { ended, lease_until: 0, ..*self };
        match end {
            End::Fetched => {
                Self { serial: self.serial.wrapping_add(1).max(1), fetched_at: asked_at, retry_at: 0, ..free }
            }
            End::Failed => Self { retry_at: retry_at(jwks.min_interval), ..free },
            End::Unsent => Self { retry_at: retry_at(UNSENT_RETRY.min(jwks.min_interval)), ..free },
        }
    }

    /// Whether a request that lacks keys should wait: somebody is fetching, or will on a tick soon.
    pub(super) fn is_worth_waiting(&self, jwks: &RemoteJwks, cause: Cause, now: Now) -> bool {
        self.is_leased(jwks, now) || self.is_due_soon(jwks, cause, now)
    }

    /// Whether a fetch that is wanted for this cause will become due on a tick soon, and nobody is at one.
    pub(super) fn is_due_soon(&self, jwks: &RemoteJwks, cause: Cause, now: Now) -> bool {
        let soon = match cause {
            Cause::Age => UNSENT_RETRY,
            Cause::UnknownKid => INTERVAL_PATIENCE,
        };
        let soon = Now { unix_ms: now.unix_ms.saturating_add(millis(soon)), ..now };
        !self.is_leased(jwks, now) && self.is_due(jwks, cause, soon)
    }

    /// A lease further ahead than any can be comes from a clock that was turned back: it does not count.
    fn is_leased(&self, jwks: &RemoteJwks, now: Now) -> bool {
        let left = self.lease_until.saturating_sub(now.unix_ms);
        left > 0 && left <= millis(jwks.timeout + LEASE_MARGIN)
    }

    fn is_due(&self, jwks: &RemoteJwks, cause: Cause, now: Now) -> bool {
        match cause {
            Cause::Age if self.retry_at != 0 => has_come(self.retry_at, jwks.min_interval, now),
            Cause::Age => self.serial == 0 || is_older(self.fetched_at, jwks.refresh, now),
            Cause::UnknownKid => self.unknown_kid_at == 0 || is_older(self.unknown_kid_at, jwks.min_interval, now),
        }
    }
}

/// Whether something that was done at `then` is at least this old; what lies in the future counts as old.
pub(super) fn is_older(then: u64, age: Duration, now: Now) -> bool {
    now.unix_ms < then || now.unix_ms - then >= millis(age)
}

/// Whether a moment at most `ahead` away has come; one further away comes from a clock that was turned back.
fn has_come(moment: u64, ahead: Duration, now: Now) -> bool {
    let left = moment.saturating_sub(now.unix_ms);
    left == 0 || left > millis(ahead)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::testing::jwks;
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: u64) -> Now {
        Now { unix_ms: 1_000_000 + seconds * 1000, steady: Duration::ZERO }
    }

    /// A record whose keys were fetched at second 0.
    fn fetched() -> Record {
        Record::default().end(&jwks(), End::Fetched, at(0).unix_ms, at(0))
    }

    #[test]
    fn the_first_fetch_is_due_at_once_and_one_worker_alone_may_do_it() {
        let leased = Record::default().lease(&jwks(), Cause::Age, at(0)).unwrap();
        assert_eq!(leased.lease(&jwks(), Cause::Age, at(0)), None);
        assert_eq!(leased.lease(&jwks(), Cause::UnknownKid, at(0)), None);
        assert!(leased.is_worth_waiting(&jwks(), Cause::Age, at(1)));
    }

    #[test]
    fn the_lease_of_a_worker_that_died_ends() {
        let leased = Record::default().lease(&jwks(), Cause::Age, at(0)).unwrap();
        assert_eq!(leased.lease(&jwks(), Cause::Age, at(2)), None);
        assert!(leased.lease(&jwks(), Cause::Age, at(3)).is_some());
    }

    #[test]
    fn keys_are_fetched_again_when_they_have_aged_and_not_before() {
        assert_eq!(fetched().serial, 1);
        assert_eq!(fetched().lease(&jwks(), Cause::Age, at(299)), None);
        assert!(fetched().lease(&jwks(), Cause::Age, at(300)).is_some());
    }

    #[test]
    fn a_failed_fetch_is_repeated_after_the_interval_and_keeps_the_keys() {
        let failed = fetched().end(&jwks(), End::Failed, at(300).unix_ms, at(300));
        assert_eq!((failed.serial, failed.fetched_at, failed.ended), (1, at(0).unix_ms, 2));
        assert_eq!(failed.lease(&jwks(), Cause::Age, at(309)), None);
        assert!(failed.lease(&jwks(), Cause::Age, at(310)).is_some());
        assert!(!failed.is_worth_waiting(&jwks(), Cause::Age, at(301)));
    }

    #[test]
    fn what_could_not_be_sent_is_tried_again_soon_and_worth_waiting_for() {
        let unsent = Record::default().end(&jwks(), End::Unsent, at(0).unix_ms, at(0));
        assert_eq!(unsent.lease(&jwks(), Cause::Age, at(0)), None);
        assert!(unsent.is_worth_waiting(&jwks(), Cause::Age, at(0)));
        assert!(unsent.lease(&jwks(), Cause::Age, at(1)).is_some());
    }

    #[test]
    fn an_unknown_kid_fetches_at_once_but_only_once_an_interval_whatever_else_was_fetched() {
        let leased = fetched().lease(&jwks(), Cause::UnknownKid, at(1)).unwrap();
        let again = leased.end(&jwks(), End::Fetched, at(1).unix_ms, at(2));
        assert_eq!((again.serial, again.lease_until), (2, 0));
        assert_eq!(again.lease(&jwks(), Cause::UnknownKid, at(10)), None);
        assert!(!again.is_worth_waiting(&jwks(), Cause::UnknownKid, at(8)));
        assert!(again.is_worth_waiting(&jwks(), Cause::UnknownKid, at(9)), "two seconds before the interval is over");
        let shortly_before = Now { unix_ms: at(11).unix_ms - 100, ..at(11) };
        assert!(again.is_due_soon(&jwks(), Cause::UnknownKid, shortly_before));
        assert_eq!(again.lease(&jwks(), Cause::UnknownKid, shortly_before), None);
        assert!(!leased.is_due_soon(&jwks(), Cause::Age, at(1)));
        assert!(again.lease(&jwks(), Cause::UnknownKid, at(11)).is_some());
        assert!(again.lease(&jwks(), Cause::Age, at(301)).is_some());
    }

    #[test]
    fn a_clock_that_was_turned_back_neither_blocks_nor_keeps() {
        let later = fetched().lease(&jwks(), Cause::UnknownKid, at(9000)).unwrap();
        assert!(later.lease(&jwks(), Cause::UnknownKid, at(5)).is_some());
        let failed = fetched().end(&jwks(), End::Failed, at(9000).unix_ms, at(9000));
        assert!(failed.lease(&jwks(), Cause::Age, at(5)).is_some());
        let future = Record::default().end(&jwks(), End::Fetched, at(9000).unix_ms, at(9000));
        assert!(future.lease(&jwks(), Cause::Age, at(5)).is_some());
    }

    proptest! {
        #[test]
        fn a_record_is_shared_as_it_is(fields in any::<[u64; 6]>(), junk in proptest::collection::vec(any::<u8>(), 0..60)) {
            let [serial, fetched_at, ended, retry_at, lease_until, unknown_kid_at] = fields;
            let record = Record { serial, fetched_at, ended, retry_at, lease_until, unknown_kid_at };
            prop_assert_eq!(Record::decode(&record.encode()), record);
            prop_assert!(junk.len() == 48 || Record::decode(&junk) == Record::default());
        }
    }
}
