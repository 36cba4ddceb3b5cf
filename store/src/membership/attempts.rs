//! Beginning again where others changed the same data at the same time: on fresh facts, a bounded number of times.

use std::time::Duration;

use super::{Membership, MembershipError};
use crate::clock::jitter;
use crate::trace;

/// How often a transaction is tried.
const ATTEMPTS: u32 = 10;

/// The wait before the second attempt is at most this long, and doubles with each.
const PAUSE: Duration = Duration::from_millis(2);

/// The longest wait before an attempt.
const MAX_PAUSE: Duration = Duration::from_millis(100);

impl Membership {
    /// Does one unit of work, from its first read to its commit, until nobody gets in its way.
    ///
    /// # Errors
    /// Those of the work; `Conflict` when there was no end to it.
    pub(crate) async fn until_settled<T, E, F>(&self, work: impl Fn() -> F) -> Result<T, E>
    where
        E: Attempt,
        F: Future<Output = Result<T, E>>,
    {
        let mut longest = PAUSE;
        let system = self.database.system();
        for attempt in 1..ATTEMPTS {
            let done = trace::asked(system, "transaction", attempt, work()).await;
            let Some(with) = done.as_ref().err().and_then(Attempt::conflict) else { return done };
            tracing::debug!(with, "a transaction begins again");
            self.metrics.conflict();
            drop(done);
            tokio::time::sleep(jitter(longest)).await;
            longest = (longest * 2).min(MAX_PAUSE);
        }
        trace::asked(system, "transaction", ATTEMPTS, work()).await
    }
}

/// Why an attempt came to nothing.
pub(crate) trait Attempt {
    /// With what it got in another's way, if that is why: then it is worth another.
    fn conflict(&self) -> Option<&str>;
}

impl Attempt for MembershipError {
    fn conflict(&self) -> Option<&str> {
        match self {
            Self::Database(error) => error.conflict(),
            Self::NoSuchMember | Self::PolicyMismatch(_) | Self::Refused(_) => None,
        }
    }
}
