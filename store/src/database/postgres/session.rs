//! What statements run on: a snapshot, or a transaction that locks the members it reads.

use std::sync::Arc;

use sqlx::postgres::PgConnection;
use usher_policy::id::OrganizationId;
use usher_policy::member::Member;
use usher_policy::wire::Position;

use crate::audit::Entry;
use crate::database::row::member_columns;
use crate::database::statement::Statement;
use crate::database::{DatabaseError, row};
use crate::metrics::Metrics;

/// Which history this is: the database, and the timeline of its server.
macro_rules! database {
    () => {
        "database || current_setting('usher.timeline')"
    };
}
pub(super) use database;

/// The change feed's head.
macro_rules! head {
    () => {
        concat!(
            "SELECT ",
            $crate::database::postgres::session::database!(),
            " AS database, mark, position FROM feed_head"
        )
    };
}
pub(super) use head;

/// A snapshot or a transaction.
pub(super) struct Session {
    pub(super) transaction: sqlx::Transaction<'static, sqlx::Postgres>,
    /// What is appended to the change feed at the end.
    pub(super) appended: Vec<Appended>,
    /// What is appended to the audit at the end.
    pub(super) audited: Vec<Entry>,
    /// The feed's head, as it was read after everything was locked that the transaction rests on.
    pub(super) head: Option<Position>,
    /// Where commits are counted; a snapshot has none.
    pub(super) metrics: Option<Arc<Metrics>>,
}

/// A change that has no position yet.
pub(super) struct Appended {
    pub(super) mark: String,
    pub(super) organization: String,
    pub(super) member: String,
    pub(super) status: &'static str,
    pub(super) role: Option<String>,
    pub(super) seat_tier: Option<String>,
    pub(super) at: i64,
}

impl Session {
    pub(super) fn reading(transaction: sqlx::Transaction<'static, sqlx::Postgres>) -> Self {
        Self { transaction, appended: Vec::new(), audited: Vec::new(), head: None, metrics: None }
    }

    pub(super) fn writing(transaction: sqlx::Transaction<'static, sqlx::Postgres>, metrics: Arc<Metrics>) -> Self {
        Self { transaction, appended: Vec::new(), audited: Vec::new(), head: None, metrics: Some(metrics) }
    }

    pub(super) fn connection(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    /// Finds one member. Who writes locks the record: what was decided upon cannot change underneath, nor be overwritten.
    pub(super) async fn find(&mut self, mut query: Statement<sqlx::Postgres>) -> Result<Option<Member>, DatabaseError> {
        if self.metrics.is_some() {
            query.push(" FOR UPDATE");
        }
        query.build().fetch_optional(self.connection()).await?.as_ref().map(row::member).transpose()
    }

    /// Runs a statement; how many rows it touched.
    pub(super) async fn run(&mut self, mut query: Statement<sqlx::Postgres>) -> Result<u64, DatabaseError> {
        Ok(query.build().execute(self.connection()).await?.rows_affected())
    }

    /// The same members, locked where this writes, and as they are then: one by one in the order of their ids, so that two
    /// who lock many do not wait for each other in a circle.
    pub(super) async fn locked(
        &mut self,
        organization: &OrganizationId,
        found: Vec<Member>,
    ) -> Result<Vec<Member>, DatabaseError> {
        if self.metrics.is_none() || found.is_empty() {
            return Ok(found);
        }
        let mut ids: Vec<_> = found.iter().map(|member| member.id.to_string()).collect();
        ids.sort_unstable();
        sqlx::query(concat!(
            "SELECT ",
            member_columns!(),
            " FROM unnest($2::text[]) AS wanted (member) CROSS JOIN LATERAL \
             (SELECT * FROM members WHERE organization = $1 AND id = wanted.member FOR UPDATE) AS locked"
        ))
        .bind(organization.as_str())
        .bind(ids)
        .fetch_all(self.connection())
        .await?
        .iter()
        .map(row::member)
        .collect()
    }
}
