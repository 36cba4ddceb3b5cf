//! The audit in SQLite.

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
        audit::append(&[entry]).build().execute(self.connection()).await?;
        Ok(())
    }

    async fn forget_audit(&mut self, before: u64, limit: u32) -> Result<u64, DatabaseError> {
        Ok(audit::forget(before, limit).build().execute(self.connection()).await?.rows_affected())
    }
}
