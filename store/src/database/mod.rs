//! What the store needs of a database, in the words of the domain; each database has its own folder.

pub(crate) mod sqlite;

use async_trait::async_trait;
use usher_policy::id::{Email, MemberId, OrganizationId, Role};
use usher_policy::member::{Identity, Member, Status};
use usher_policy::rules::effects::Ticket;
use usher_policy::rules::seats::Taken;

/// A database that holds memberships.
#[async_trait]
pub(crate) trait Database: Send + Sync {
    /// Begins to read. What is read in one snapshot is true of one moment.
    async fn read(&self) -> Result<Box<dyn Snapshot>, DatabaseError>;

    /// Begins to write, once all others have finished: what is read in a transaction stays true until it ends.
    async fn write(&self) -> Result<Box<dyn Transaction>, DatabaseError>;

    /// Waits for what is under way, then lets go of the files.
    async fn close(&self);
}

/// One consistent state of the database. Lookups answer `None` for what is not there.
#[async_trait]
pub(crate) trait Snapshot: Send {
    /// The member with this id.
    async fn member(&mut self, organization: &OrganizationId, id: &MemberId) -> Result<Option<Member>, DatabaseError>;

    /// The member linked to this (issuer, subject).
    async fn member_of(
        &mut self,
        organization: &OrganizationId,
        identity: &Identity,
    ) -> Result<Option<Member>, DatabaseError>;

    /// The member with this email.
    async fn member_with_email(
        &mut self,
        organization: &OrganizationId,
        email: &Email,
    ) -> Result<Option<Member>, DatabaseError>;

    /// The member whom the directory knows by this id; the oldest, should there be several.
    async fn member_with_external_id(
        &mut self,
        organization: &OrganizationId,
        external_id: &str,
    ) -> Result<Option<Member>, DatabaseError>;

    /// At most `limit` members after `after`, in the order of their ids.
    async fn members(
        &mut self,
        organization: &OrganizationId,
        filter: &MemberFilter,
        after: Option<&MemberId>,
        limit: u32,
    ) -> Result<Vec<Member>, DatabaseError>;

    /// What is kept about an identity's assertions.
    async fn ticket(
        &mut self,
        organization: &OrganizationId,
        identity: &Identity,
    ) -> Result<Option<Ticket>, DatabaseError>;

    /// The `not_before` that is kept for an email, in seconds since the Unix epoch.
    async fn email_not_before(
        &mut self,
        organization: &OrganizationId,
        email: &Email,
    ) -> Result<Option<u64>, DatabaseError>;

    /// How many active members hold this role, counted to 2.
    async fn active_with_role(&mut self, organization: &OrganizationId, role: &Role) -> Result<u32, DatabaseError>;

    /// Whether some member answers to this `primary_owner`.
    async fn has_primary_owner(&mut self, organization: &OrganizationId, email: &Email) -> Result<bool, DatabaseError>;

    /// Seats taken, by tier, whatever the holder's status.
    async fn seats_taken(&mut self, organization: &OrganizationId) -> Result<Taken, DatabaseError>;

    /// Members who wait for a seat.
    async fn pending(&mut self, organization: &OrganizationId) -> Result<u32, DatabaseError>;

    /// Removals by logins after this second since the Unix epoch.
    async fn removals_by_login(&mut self, organization: &OrganizationId, after: u64) -> Result<u32, DatabaseError>;

    /// The change feed's head: an opaque string that names this database and its newest change.
    async fn position(&mut self) -> Result<String, DatabaseError>;
}

/// A snapshot that can be changed. Dropped before `commit`, nothing has happened.
#[async_trait]
pub(crate) trait Transaction: Snapshot {
    /// Adds a member.
    async fn create(&mut self, member: &Member) -> Result<(), DatabaseError>;

    /// Writes a member's record anew.
    async fn update(&mut self, member: &Member) -> Result<(), DatabaseError>;

    /// Takes a member's record away.
    async fn remove(&mut self, organization: &OrganizationId, id: &MemberId) -> Result<(), DatabaseError>;

    /// Keeps this ticket for an identity, in place of the one before.
    async fn keep_ticket(
        &mut self,
        organization: &OrganizationId,
        identity: &Identity,
        ticket: Ticket,
    ) -> Result<(), DatabaseError>;

    /// Keeps a `not_before` for an email (seconds since the Unix epoch), or a later one that is kept; `None` forgets it.
    async fn keep_email_not_before(
        &mut self,
        organization: &OrganizationId,
        email: &Email,
        not_before: Option<u64>,
    ) -> Result<(), DatabaseError>;

    /// Counts a removal by a login at `now`, and forgets those that were before `forget_until` (both Unix seconds).
    async fn count_removal_by_login(
        &mut self,
        organization: &OrganizationId,
        now: u64,
        forget_until: u64,
    ) -> Result<(), DatabaseError>;

    /// Appends to the change feed at `now`, and forgets what the feed need no longer keep.
    async fn append_change(&mut self, change: &FeedEntry<'_>, now: u64) -> Result<(), DatabaseError>;

    /// Ends it. When this returns, everything is on disk.
    async fn commit(self: Box<Self>) -> Result<(), DatabaseError>;
}

/// Which members are listed; everything that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MemberFilter {
    pub(crate) email: Option<Email>,
    pub(crate) role: Option<Role>,
    pub(crate) status: Option<Status>,
}

/// One entry of the change feed (design §6).
#[derive(Clone, Copy, Debug)]
pub(crate) enum FeedEntry<'a> {
    /// A member as they are now.
    Member(&'a Member),
    /// A member who is no more: a tombstone.
    Removed(&'a Member),
}

/// Why the database did not do as asked. Logged where it is handled, never shown to a caller.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DatabaseError {
    /// A stored value is not one that the store writes.
    #[error("the database holds something the store did not write: {0}")]
    Corrupt(String),
    /// It did not answer, or refused.
    #[error("the database did not answer: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}
