//! What the store needs of a database to keep the audit, and the statements for it: the same words for every database.

use async_trait::async_trait;
use serde_json::Value;
use sqlx::{ColumnIndex, Database, Decode, Row, Type};

use super::bind::Bind;
use super::statement::Statement;
use super::{DatabaseError, row};
use crate::audit::{AuditFilter, Entry, Kept};

/// What can be read of the audit.
#[async_trait]
pub(crate) trait AuditSnapshot: Send {
    /// At most `limit` entries after a position, in the order of commits.
    async fn audit(&mut self, filter: &AuditFilter, after: u64, limit: u32) -> Result<Vec<Kept>, DatabaseError>;
}

/// What can be done to the audit: nothing that is in it ever changes.
#[async_trait]
pub(crate) trait AuditTransaction: AuditSnapshot {
    /// Appends an entry.
    async fn append_audit(&mut self, entry: Entry) -> Result<(), DatabaseError>;

    /// Forgets at most `limit` of the oldest entries, if they are from before a second since the Unix epoch; gives how many.
    async fn forget_audit(&mut self, before: u64, limit: u32) -> Result<u64, DatabaseError>;
}

/// By how much one replica's clock may be ahead of another's, in seconds: what was appended first may be from a little later.
const MAX_SKEW: &str = "600";

/// Most entries in one statement.
pub(super) const BATCH: usize = 500;

/// Appends entries.
pub(super) fn append<DB: Database>(entries: &[Entry]) -> Statement<DB>
where
    String: Bind<DB>,
    Option<String>: Bind<DB>,
    i64: Bind<DB>,
{
    let json = |value: &Option<Value>| value.as_ref().map(Value::to_string);
    let mut query = Statement::new(
        "INSERT INTO audit (actor, actor_name, request_id, parent, organization, member, action, reason, notes, \
         before_change, after_change, at) ",
    );
    query.push_rows(entries, |row, entry| {
        row.push_bind(entry.cause.actor.kind().to_owned())
            .push_bind(entry.cause.actor.name().to_owned())
            .push_bind(entry.cause.request_id.clone())
            .push_bind(entry.parent.as_ref().map(ToString::to_string))
            .push_bind(entry.organization.as_ref().map(ToString::to_string))
            .push_bind(entry.member.as_ref().map(ToString::to_string))
            .push_bind(entry.action.to_owned())
            .push_bind(entry.reason.clone())
            .push_bind(entry.notes.join(" "))
            .push_bind(json(&entry.before))
            .push_bind(json(&entry.after))
            .push_bind(row::signed(entry.at));
    });
    query
}

/// Reads entries.
pub(super) fn page<DB: Database>(filter: &AuditFilter, after: u64, limit: u32) -> Statement<DB>
where
    String: Bind<DB>,
    i64: Bind<DB>,
{
    let mut query = Statement::new(
        "SELECT position, actor, actor_name, request_id, parent, organization, member, action, reason, notes, \
         before_change, after_change, at FROM audit WHERE position > ",
    );
    query.push_bind(row::signed(after));
    if let Some(parents) = &filter.parents {
        // Of several parents, the index of each would have to be read to its end and put in order.
        query.push(if parents.len() > 1 { " AND COALESCE(parent, '') IN (" } else { " AND parent IN (" });
        query.push_list(parents.iter().map(ToString::to_string));
        // Of no parent at all, there is nothing to see.
        query.push(if parents.is_empty() { "NULL)" } else { ")" });
    }
    if let Some(organization) = &filter.organization {
        query.push(" AND organization = ").push_bind(organization.to_string());
    }
    if let Some(member) = &filter.member {
        query.push(" AND member = ").push_bind(member.to_string());
    }
    if filter.since > 0 {
        query.push(" AND at >= ").push_bind(row::signed(filter.since));
        // Where to begin is found by an index; without it all that was before would be read.
        let since = row::signed(filter.since);
        query
            .push(" AND position >= (WITH first AS MATERIALIZED (SELECT position FROM audit WHERE at >= ")
            .push_bind(since);
        query.push(" AND at <= (SELECT min(at) FROM audit WHERE at >= ").push_bind(since);
        query.push(") + ").push(MAX_SKEW).push(") SELECT min(position) FROM first)");
    }
    query.push(" ORDER BY position LIMIT ").push_bind(i64::from(limit));
    query
}

/// Forgets from the oldest end: what is behind a younger entry stays, so that nothing is missing in between.
pub(super) fn forget<DB: Database>(before: u64, limit: u32) -> Statement<DB>
where
    i64: Bind<DB>,
{
    let mut query =
        Statement::new("DELETE FROM audit WHERE position IN (SELECT position FROM audit ORDER BY position LIMIT ");
    query.push_bind(i64::from(limit)).push(") AND at < ").push_bind(row::signed(before));
    query
}

/// An entry from its row.
pub(super) fn kept<'r, R>(found: &'r R) -> Result<Kept, DatabaseError>
where
    R: Row,
    &'static str: ColumnIndex<R>,
    String: Decode<'r, R::Database> + Type<R::Database>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
{
    let json = |column: &'static str| -> Result<Option<Value>, DatabaseError> {
        let text: Option<String> = found.try_get(column)?;
        let value = text.as_deref().map(serde_json::from_str).transpose();
        value.map_err(|_| DatabaseError::Corrupt("an entry of the audit that is no JSON".to_owned()))
    };
    let notes: String = found.try_get("notes")?;
    Ok(Kept {
        position: row::unsigned(found.try_get("position")?)?,
        actor: found.try_get("actor")?,
        actor_name: found.try_get("actor_name")?,
        request_id: found.try_get("request_id")?,
        parent: found.try_get("parent")?,
        organization: found.try_get("organization")?,
        member: found.try_get("member")?,
        action: found.try_get("action")?,
        reason: found.try_get("reason")?,
        notes: notes.split_whitespace().map(str::to_owned).collect(),
        before: json("before_change")?,
        after: json("after_change")?,
        at: row::unsigned(found.try_get("at")?)?,
    })
}
