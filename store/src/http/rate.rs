//! How fast one token may ask: a bucket for each, so that a token that got away, or a tool that runs wild, slows nobody else.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::secrets::SecretHash;

/// So many seconds' worth of requests may come at once.
const BURST_SECONDS: f64 = 2.0;

/// What each token has left. Only tokens that open something have a bucket, so that there are never more than secrets.
pub(crate) struct RateLimits {
    /// Requests a second for each token; `None` is no limit.
    per_second: Option<NonZeroU32>,
    buckets: Mutex<HashMap<SecretHash, Bucket>>,
}

struct Bucket {
    left: f64,
    filled_at: Instant,
}

impl RateLimits {
    /// Nothing was asked yet.
    pub(crate) fn new(per_second: Option<NonZeroU32>) -> Self {
        Self { per_second, buckets: Mutex::default() }
    }

    /// Whether a request with a token that was found good may be answered now; counts it if so.
    pub(crate) fn admits(&self, token: &[u8], now: Instant) -> bool {
        let Some(per_second) = self.per_second.map(|per_second| f64::from(per_second.get())) else { return true };
        let burst = per_second * BURST_SECONDS;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(SecretHash::of(token)).or_insert(Bucket { left: burst, filled_at: now });
        let since: Duration = now.saturating_duration_since(bucket.filled_at);
        bucket.left = (bucket.left + since.as_secs_f64() * per_second).min(burst);
        bucket.filled_at = bucket.filled_at.max(now);
        let is_admitted = bucket.left >= 1.0;
        if is_admitted {
            bucket.left -= 1.0;
        }
        is_admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_its_rate_and_a_burst_and_takes_nothing_of_anothers() {
        let limits = RateLimits::new(NonZeroU32::new(10));
        let begin = Instant::now();
        let asked =
            |token: &[u8], times: usize, at: Duration| (0..times).filter(|_| limits.admits(token, begin + at)).count();
        assert_eq!(asked(b"a", 100, Duration::ZERO), 20);
        assert_eq!(asked(b"b", 100, Duration::ZERO), 20);
        assert_eq!(asked(b"a", 100, Duration::from_secs(1)), 10);
        assert_eq!(asked(b"a", 100, Duration::from_millis(1050)), 0);
        assert_eq!(asked(b"a", 100, Duration::from_millis(1100)), 1);
        // However long nobody asks, no more than the burst comes together; and a clock that goes back gives nothing.
        assert_eq!(asked(b"a", 100, Duration::from_secs(3600)), 20);
        assert_eq!(asked(b"a", 100, Duration::from_secs(10)), 0);
    }

    #[test]
    fn without_a_limit_everything_is_admitted() {
        let limits = RateLimits::new(None);
        assert!((0..10_000).all(|_| limits.admits(b"a", Instant::now())));
        assert!(limits.buckets.lock().unwrap().is_empty());
    }
}
