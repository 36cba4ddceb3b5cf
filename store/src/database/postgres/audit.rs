//! The audit in PostgreSQL.

use async_trait::async_trait;

use super::session::Session;
use crate::audit::{AuditFilter, Entry, Kept};
use crate::database::DatabaseError;
use crate::database::audit::{self, AuditSnapshot, AuditTransaction};

#[async_trait]
impl AuditSnapshot for Session {
    async fn audit(&mut self, filter: &AuditFilter, after: u64, limit: u32) -> Result<Vec<Kept>, DatabaseError> {
        let found = audit::page(filter, after, limit).build().fetch_all(self.connection()).await?;
        found.iter().map(audit::kept).collect()
    }
}

#[async_trait]
impl AuditTransaction for Session {
    async fn append_audit(&mut self, entry: Entry) -> Result<(), DatabaseError> {
        // Written at the commit, so that positions are in the order of commits.
        self.audited.push(entry);
        Ok(())
    }

    async fn forget_audit(&mut self, before: u64, limit: u32) -> Result<u64, DatabaseError> {
        Ok(audit::forget(before, limit).build().execute(self.connection()).await?.rows_affected())
    }
}

impl Session {
    /// Gives the entries their positions. Who does holds the feed's head until the commit.
    pub(super) async fn write_audit(&mut self) -> Result<(), DatabaseError> {
        let entries = std::mem::take(&mut self.audited);
        if entries.is_empty() {
            return Ok(());
        }
        sqlx::query("SELECT position FROM feed_head FOR UPDATE").execute(self.connection()).await?;
        for entries in entries.chunks(audit::BATCH) {
            audit::append(entries).build().execute(self.connection()).await?;
        }
        Ok(())
    }
}
