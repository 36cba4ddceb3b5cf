//! What the store needs of a database, in the words of the domain; each database has its own folder.
//!
//! Something new to keep: a migration for both (see `migrations.rs`), a method of one of the traits that `Snapshot` and
//! `Transaction` are made of, its statement beside it, and a test in `store/tests/suite`, which runs on both.

mod address;
mod audit;
mod bind;
mod column;
mod directory;
mod directory_session;
mod directory_sql;
mod login;
mod look_up;
mod member_sql;
mod members;
mod migrations;
mod open;
mod postgres;
mod row;
mod sqlite;
#[expect(clippy::disallowed_types, reason = "here alone, where it is given constant texts and nothing else")]
mod statement;
mod sync;
mod tickets;

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use usher_policy::id::{Email, MemberId, OrganizationId, Role, Tier};
use usher_policy::member::{Identity, Member, Status};
use usher_policy::wire::Position;

pub(crate) use address::Address;
use audit::{AuditSnapshot, AuditTransaction};
pub(crate) use directory::{DirectorySnapshot, DirectoryTransaction, Place};
pub(crate) use login::{Look, Question};
pub(crate) use members::MemberFilter;
use members::{MemberSnapshot, MemberTransaction};
pub use open::OpenError;
pub(crate) use open::open;
pub(crate) use sync::Lease;
use sync::{SyncSnapshot, SyncTransaction};
pub(crate) use tickets::{TicketPlace, Upkeep};
use tickets::{TicketSnapshot, TicketTransaction};

/// Longest wait for a connection, and for a lock that somebody else holds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// Longest wait of what may take long itself.
const LONG_PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait at the end for what is under way.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Whose turn it is. However much of what may take long is asked for, it never takes what a login needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Logins, the change feed, one member, seats, what the store notes for itself.
    Short,
    /// Directories, reconciliation, lists, the audit.
    Long,
}

/// A database that holds memberships.
#[async_trait]
pub(crate) trait Database: Send + Sync {
    /// Which kind it is, by OpenTelemetry's name for it.
    fn system(&self) -> &'static str;

    /// Begins to read. What is read in one snapshot is true of one moment.
    async fn read(&self, lane: Lane) -> Result<Box<dyn Snapshot>, DatabaseError>;

    /// Begins to write. The members that a transaction read, and whatever it locked, stay as they are until it ends.
    async fn write(&self, lane: Lane) -> Result<Box<dyn Transaction>, DatabaseError>;

    /// How many short transactions that change members may be under way at once, of all parents together: while they wait for
    /// what something long holds, others must find room to look.
    fn at_once(&self) -> usize;

    /// What a login rests on at one moment. Most logins change nothing: this one statement is all that they cost.
    async fn look(&self, question: &Question<'_>) -> Result<Look, DatabaseError>;

    /// Whether it can be read and written now.
    async fn ready(&self) -> Result<(), DatabaseError>;

    /// How often the change feed may have grown, by whichever replica: woken each time.
    fn feed_grew(&self) -> watch::Receiver<u64>;

    /// Waits a while for what is under way, then lets go.
    async fn close(&self);
}

/// One consistent state of the database.
#[async_trait]
pub(crate) trait Snapshot:
    AuditSnapshot + DirectorySnapshot + MemberSnapshot + SyncSnapshot + TicketSnapshot
{
    /// The change feed's head: this database and its newest change.
    async fn position(&mut self) -> Result<Position, DatabaseError>;
}

/// A snapshot that can be changed. Dropped before `commit`, nothing has happened.
///
/// Several replicas write at once. Who decides about a person locks what the person is known by; who decides by what
/// others hold locks the organization, too, and last: locks that are always taken in one order cannot wait in a circle.
/// Where two get in each other's way all the same, one of them hears [`DatabaseError::Conflict`] and begins again.
#[async_trait]
pub(crate) trait Transaction:
    Snapshot + AuditTransaction + DirectoryTransaction + MemberTransaction + SyncTransaction + TicketTransaction
{
    /// Keeps others from deciding about a person until this ends, whether or not there is a record of them yet.
    async fn lock(&mut self, organization: &OrganizationId, people: &[Known<'_>]) -> Result<(), DatabaseError>;

    /// Keeps others from deciding by the whole of an organization until this ends. True if others may have changed
    /// something since this transaction read: it must read again.
    async fn lock_organization(&mut self, organization: &OrganizationId) -> Result<bool, DatabaseError>;

    /// What a login rests on, the members that it is about as this transaction may change them.
    async fn look(&mut self, question: &Question<'_>) -> Result<Look, DatabaseError>;

    /// Appends to the change feed at `now` (Unix seconds).
    async fn append_change(&mut self, change: &FeedEntry<'_>, now: u64) -> Result<(), DatabaseError>;

    /// Ends it. When this returns, everything is on disk. Gives the feed's position at which it is true: what was
    /// committed before about the same people is at or before it, what comes later is after it.
    async fn commit(self: Box<Self>) -> Result<Position, DatabaseError>;
}

/// What a person is known by, member or not.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Known<'a> {
    ByEmail(&'a Email),
    ByIdentity(&'a Identity),
}

/// What is appended to the change feed (design §6).
#[derive(Clone, Copy, Debug)]
pub(crate) enum FeedEntry<'a> {
    /// A member as they are now.
    Member(&'a Member),
    /// A member who is no more: a tombstone.
    Removed(&'a Member),
}

/// One change of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FeedChange {
    pub(crate) position: Position,
    pub(crate) organization: OrganizationId,
    pub(crate) member: MemberId,
    /// `None` is a tombstone.
    pub(crate) status: Option<Status>,
    pub(crate) role: Option<Role>,
    pub(crate) seat_tier: Option<Tier>,
    /// When it was appended, in seconds since the Unix epoch, by the clock of the replica that did.
    pub(crate) at: u64,
}

/// Why the database did not do as asked. Logged where it is handled, never shown to a caller.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DatabaseError {
    /// It has so much to do that this would have waited too long: nothing was written, and a moment later it may be.
    #[error("the database has too much to do: {0}")]
    Busy(String),
    /// Somebody else was faster: nothing was written, and on fresh facts the decision may be another.
    #[error("others changed the same data at the same time: {0}")]
    Conflict(String),
    /// A stored value is not one that the store writes.
    #[error("the database holds something the store did not write: {0}")]
    Corrupt(String),
    /// It did not answer, or refused.
    #[error("the database did not answer: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl DatabaseError {
    /// With what a transaction got in each other's way, if that is what happened.
    pub(crate) fn conflict(&self) -> Option<&str> {
        match self {
            Self::Conflict(with) => Some(with),
            Self::Busy(_) | Self::Corrupt(_) | Self::Unavailable(_) => None,
        }
    }
}

impl From<sqlx::Error> for DatabaseError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::Corrupt(error.to_string()),
            sqlx::Error::Database(refusal) if is_conflict(refusal.as_ref()) => Self::Conflict(refusal.to_string()),
            sqlx::Error::Database(refusal) if is_busy(refusal.as_ref()) => Self::Busy(refusal.to_string()),
            _ => Self::Unavailable(Box::new(error)),
        }
    }
}

/// Serialization failure, deadlock (PostgreSQL), or a unique violation: two made the same at once.
fn is_conflict(refusal: &dyn sqlx::error::DatabaseError) -> bool {
    refusal.is_unique_violation() || refusal.code().is_some_and(|code| matches!(&*code, "40001" | "40P01"))
}

/// A lock that was not to be had in time: PostgreSQL's `lock_not_available`, SQLite's `SQLITE_BUSY`.
fn is_busy(refusal: &dyn sqlx::error::DatabaseError) -> bool {
    refusal.code().is_some_and(|code| matches!(&*code, "55P03" | "5"))
}
