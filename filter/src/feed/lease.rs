//! Who polls: a lease among the workers of one process, on the wall clock, which all of them share.

use std::time::Duration;

/// A worker that does not renew its lease for this long is taken for dead.
pub(super) const LEASE: Duration = Duration::from_millis(1_500);

/// How often a lease is looked at, and renewed.
pub(super) const LOOK: Duration = Duration::from_millis(250);

/// Until when the lease shall be held by a worker that held it until `held`; `None` where another one has it. `until` is
/// what is shared. All in milliseconds since the Unix epoch, 0 is never.
pub(super) fn claim(until: u64, held: Option<u64>, now: u64) -> Option<u64> {
    let lease = LEASE.as_millis() as u64;
    let left = until.saturating_sub(now);
    // A lease further ahead than any can be comes from a clock that was turned back: it does not count.
    let is_free = left == 0 || left > lease;
    (is_free || held == Some(until)).then(|| now.saturating_add(lease))
}

#[cfg(test)]
mod tests {
    use super::claim;

    #[test]
    fn a_lease_that_nobody_holds_is_taken_and_one_that_is_held_is_not() {
        assert_eq!(claim(0, None, 10_000), Some(11_500));
        assert_eq!(claim(11_500, None, 10_000), None);
        assert_eq!(claim(11_500, Some(11_400), 10_000), None);
    }

    #[test]
    fn the_holder_renews() {
        assert_eq!(claim(11_500, Some(11_500), 10_250), Some(11_750));
    }

    #[test]
    fn the_lease_of_a_worker_that_died_ends() {
        assert_eq!(claim(11_500, None, 11_499), None);
        assert_eq!(claim(11_500, None, 11_500), Some(13_000));
    }

    #[test]
    fn a_clock_that_was_turned_back_does_not_keep_a_lease() {
        assert_eq!(claim(11_500, None, 5_000), Some(6_500));
    }
}
