//! What the store needs of a database to forget old tickets, and the statements for it: the same words for every database.

use std::collections::BTreeMap;

use async_trait::async_trait;
use sqlx::Database;

use super::bind::Bind;
use super::statement::Statement;
use super::{DatabaseError, row};

/// A place among all tickets, by organization, issuer and subject; the first is before all of them.
pub(crate) type TicketPlace = (String, String, String);

/// The tickets after one place, up to another or to the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TicketPage {
    pub(crate) after: TicketPlace,
    pub(crate) up_to: Option<TicketPlace>,
}

/// When upkeep was last, and when it last found that the clock had leapt ahead, in seconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Upkeep {
    pub(crate) at: u64,
    pub(crate) leapt_at: Option<u64>,
}

/// What is kept of a ticket that was forgotten: its organization, `last_iat`, and `not_before`.
pub(super) type Forgotten = (String, i64, Option<i64>);

/// What can be asked about old tickets: those of nobody who is a member, whose newest `iat` and `not_before` are from before a
/// second since the Unix epoch.
#[async_trait]
pub(crate) trait TicketSnapshot: Send {
    /// The next `limit` tickets after a place; there may be more where it says up to which.
    async fn page_of_tickets(&mut self, after: TicketPlace, limit: u32) -> Result<TicketPage, DatabaseError>;

    /// Whether there are old ones on a page.
    async fn has_old_tickets(&mut self, page: &TicketPage, before: u64) -> Result<bool, DatabaseError>;
}

/// What can be done about them.
#[async_trait]
pub(crate) trait TicketTransaction: TicketSnapshot {
    /// Forgets the old ones of a page; gives how many. Each organization keeps the newest `last_iat` and `not_before` of those
    /// that were forgotten, which stand from then on for the ticket of whoever has none (see [`Look`](super::Look)).
    async fn forget_old_tickets(&mut self, page: &TicketPage, before: u64) -> Result<usize, DatabaseError>;

    /// What was noted of upkeep last.
    async fn last_upkeep(&mut self) -> Result<Option<Upkeep>, DatabaseError>;

    /// Notes that upkeep is there.
    async fn note_upkeep(&mut self, upkeep: Upkeep) -> Result<(), DatabaseError>;
}

/// The place of the `limit`th ticket after another.
pub(super) fn end_of_page<DB: Database>(after: &TicketPlace, limit: u32) -> Statement<DB>
where
    String: Bind<DB>,
    i64: Bind<DB>,
{
    let mut query = Statement::new("SELECT organization, issuer, subject FROM tickets WHERE ");
    compare(&mut query, ">", after);
    query.push(" ORDER BY organization, issuer, subject LIMIT 1 OFFSET ");
    query.push_bind(i64::from(limit.saturating_sub(1)));
    query
}

/// How many old ones are on a page, counted to 1.
pub(super) fn count<DB: Database>(page: &TicketPage, before: u64) -> Statement<DB>
where
    String: Bind<DB>,
    i64: Bind<DB>,
{
    let mut query = Statement::new("SELECT count(*) FROM (SELECT 1 FROM tickets WHERE ");
    old(&mut query, page, before);
    query.push(" LIMIT 1) AS first");
    query
}

/// Takes the old ones of a page away, and tells of each what is kept of it.
pub(super) fn forget<DB: Database>(page: &TicketPage, before: u64) -> Statement<DB>
where
    String: Bind<DB>,
    i64: Bind<DB>,
{
    let mut query = Statement::new("DELETE FROM tickets WHERE ");
    old(&mut query, page, before);
    query.push(" RETURNING organization, last_iat, not_before");
    query
}

/// Of tickets that were forgotten, the newest of everything by organization. A revocation up to some second is as good as a
/// login in it: nothing older is new.
pub(super) fn newest(forgotten: Vec<Forgotten>) -> Vec<Forgotten> {
    let mut newest = BTreeMap::new();
    for (organization, last_iat, not_before) in forgotten {
        let (iat, revoked) = newest.entry(organization).or_insert((last_iat, not_before));
        *iat = last_iat.max(*iat).max(not_before.unwrap_or(last_iat));
        *revoked = not_before.max(*revoked);
    }
    newest.into_iter().map(|(organization, (last_iat, not_before))| (organization, last_iat, not_before)).collect()
}

/// Keeps in mind up to when tickets of an organization were forgotten.
pub(super) fn keep_in_mind<DB: Database>((organization, last_iat, not_before): Forgotten) -> Statement<DB>
where
    String: Bind<DB>,
    i64: Bind<DB>,
    Option<i64>: Bind<DB>,
{
    let mut query =
        Statement::new("INSERT INTO forgotten_tickets AS known (organization, last_iat, not_before) VALUES (");
    query.push_bind(organization).push(", ").push_bind(last_iat).push(", ").push_bind(not_before);
    query.push(") ON CONFLICT (organization) DO UPDATE SET last_iat = CASE WHEN known.last_iat > excluded.last_iat ");
    query.push("THEN known.last_iat ELSE excluded.last_iat END, not_before = CASE WHEN known.not_before > excluded.not_before ");
    query.push("THEN known.not_before ELSE coalesce(excluded.not_before, known.not_before) END");
    query
}

/// Reads the row of `upkeep`.
pub(super) fn upkeep((at, leapt_at): (i64, Option<i64>)) -> Result<Upkeep, DatabaseError> {
    Ok(Upkeep { at: row::unsigned(at)?, leapt_at: leapt_at.map(row::unsigned).transpose()? })
}

pub(super) fn note_upkeep<DB: Database>(upkeep: Upkeep) -> Statement<DB>
where
    i64: Bind<DB>,
    Option<i64>: Bind<DB>,
{
    let mut query = Statement::new("INSERT INTO upkeep (one, at, leapt_at) VALUES (1, ");
    query.push_bind(row::signed(upkeep.at)).push(", ").push_bind(upkeep.leapt_at.map(row::signed));
    query.push(") ON CONFLICT (one) DO UPDATE SET at = excluded.at, leapt_at = excluded.leapt_at");
    query
}

/// Age and `not_before` stand on the row itself: where it is waited for one that a login just renews, they are looked at again.
/// Who becomes a member meanwhile by an assertion as old loses the ticket; the newest that was forgotten stands for it.
fn old<DB: Database>(query: &mut Statement<DB>, page: &TicketPage, before: u64)
where
    String: Bind<DB>,
    i64: Bind<DB>,
{
    compare(query, ">", &page.after);
    if let Some(last) = &page.up_to {
        query.push(" AND ");
        compare(query, "<=", last);
    }
    query.push(" AND last_iat < ").push_bind(row::signed(before));
    query.push(" AND (not_before IS NULL OR not_before < ").push_bind(row::signed(before)).push(")");
    // Asked of one after the other, by an index: with `NOT EXISTS` a planner may rather read all members.
    query.push(" AND (SELECT id FROM members WHERE members.organization = tickets.organization");
    query.push(" AND members.issuer = tickets.issuer AND members.subject = tickets.subject) IS NULL");
}

fn compare<DB: Database>(query: &mut Statement<DB>, comparison: &'static str, place: &TicketPlace)
where
    String: Bind<DB>,
{
    let (organization, issuer, subject) = place.clone();
    query.push("(organization, issuer, subject) ").push(comparison).push(" (").push_bind(organization);
    query.push(", ").push_bind(issuer).push(", ").push_bind(subject).push(")");
}

/// Implements the traits for `Session`, whose statements run on this driver.
macro_rules! forget_tickets {
    ($driver:ty) => {
        #[async_trait::async_trait]
        impl TicketSnapshot for Session {
            async fn page_of_tickets(&mut self, after: TicketPlace, limit: u32) -> Result<TicketPage, DatabaseError> {
                let mut query = $crate::database::tickets::end_of_page::<$driver>(&after, limit);
                let up_to = query.build_query_as().fetch_optional(self.connection()).await?;
                Ok(TicketPage { after, up_to })
            }

            async fn has_old_tickets(&mut self, page: &TicketPage, before: u64) -> Result<bool, DatabaseError> {
                let mut query = $crate::database::tickets::count::<$driver>(page, before);
                let count: i64 = query.build_query_scalar().fetch_one(self.connection()).await?;
                Ok(count > 0)
            }
        }

        #[async_trait::async_trait]
        impl TicketTransaction for Session {
            async fn forget_old_tickets(&mut self, page: &TicketPage, before: u64) -> Result<usize, DatabaseError> {
                let mut query = $crate::database::tickets::forget::<$driver>(page, before);
                let forgotten: Vec<Forgotten> = query.build_query_as().fetch_all(self.connection()).await?;
                let number = forgotten.len();
                for newest in $crate::database::tickets::newest(forgotten) {
                    let mut query = $crate::database::tickets::keep_in_mind::<$driver>(newest);
                    query.build().execute(self.connection()).await?;
                }
                Ok(number)
            }

            async fn last_upkeep(&mut self) -> Result<Option<Upkeep>, DatabaseError> {
                let query = sqlx::query_as("SELECT at, leapt_at FROM upkeep");
                let noted = query.fetch_optional(self.connection()).await?;
                noted.map($crate::database::tickets::upkeep).transpose()
            }

            async fn note_upkeep(&mut self, upkeep: Upkeep) -> Result<(), DatabaseError> {
                let mut query = $crate::database::tickets::note_upkeep::<$driver>(upkeep);
                query.build().execute(self.connection()).await?;
                Ok(())
            }
        }
    };
}
pub(super) use forget_tickets;
