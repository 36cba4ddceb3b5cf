//! Beginning again where others changed the same at the same time: on fresh facts, a bounded number of times.

use std::time::Duration;

use super::{Membership, MembershipError};
use crate::clock::jitter;
use crate::database::DatabaseError;

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
    pub(super) async fn until_settled<T, F>(&self, work: impl Fn() -> F) -> Result<T, MembershipError>
    where
        F: Future<Output = Result<T, MembershipError>>,
    {
        let mut longest = PAUSE;
        for _ in 1..ATTEMPTS {
            match work().await {
                Err(MembershipError::Database(DatabaseError::Conflict(with))) => {
                    tracing::debug!(with, "a transaction begins again");
                    self.metrics.conflict();
                }
                done => return done,
            }
            tokio::time::sleep(jitter(longest)).await;
            longest = (longest * 2).min(MAX_PAUSE);
        }
        work().await
    }
}
