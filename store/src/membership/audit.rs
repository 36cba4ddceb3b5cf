//! Reading the audit, and forgetting what is older than it is kept.

use std::time::Duration;

use super::Membership;
use crate::audit::{AuditFilter, Entry, Kept};
use crate::database::{DatabaseError, Lane};

/// At most this many entries are forgotten at once.
const BATCH: u32 = 1_000;

impl Membership {
    /// At most `limit` entries after a position.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn audit(&self, filter: &AuditFilter, after: u64, limit: u32) -> Result<Vec<Kept>, DatabaseError> {
        self.database.read(Lane::Long).await?.audit(filter, after, limit).await
    }

    /// Notes what was changed outside of the database.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn note_in_audit(&self, entries: &[Entry]) -> Result<(), DatabaseError> {
        let mut transaction = self.database.write(Lane::Short).await?;
        for entry in entries {
            transaction.append_audit(entry.clone()).await?;
        }
        transaction.commit().await.map(drop)
    }

    /// Forgets entries that are older than `retention` by a clock that shows `now`, a bounded number at a time.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn forget_audit(&self, now: Duration, retention: Duration) -> Result<(), DatabaseError> {
        let before = now.saturating_sub(retention).as_secs();
        let oldest = self.database.read(Lane::Long).await?.audit(&AuditFilter::default(), 0, 1).await?;
        if oldest.first().is_some_and(|oldest| oldest.at < before) {
            let mut transaction = self.database.write(Lane::Long).await?;
            let forgotten = transaction.forget_audit(before, BATCH).await?;
            transaction.commit().await?;
            tracing::debug!(forgotten, "old entries of the audit were forgotten");
        }
        Ok(())
    }
}
