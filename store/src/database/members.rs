//! What the store needs of a database to keep members, with their seats, their tickets and the feed of their changes.

use async_trait::async_trait;
use usher_policy::id::{Email, MemberId, OrganizationId, Role, Tier};
use usher_policy::member::{Identity, Member, Status};
use usher_policy::model::Cap;
use usher_policy::rules::effects::Ticket;
use usher_policy::rules::seats::Taken;

use super::{DatabaseError, FeedChange};

/// Which members are listed; everything that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MemberFilter {
    pub(crate) email: Option<Email>,
    pub(crate) role: Option<Role>,
    pub(crate) status: Option<Status>,
}

/// What can be asked about members in a snapshot. Lookups answer `None` for what is not there.
#[async_trait]
pub(crate) trait MemberSnapshot: Send {
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

    /// The members whom the directory knows by this id; the two oldest, should there be more.
    async fn members_with_external_id(
        &mut self,
        organization: &OrganizationId,
        external_id: &str,
    ) -> Result<Vec<Member>, DatabaseError>;

    /// The oldest active members with this role.
    async fn oldest_with_role(
        &mut self,
        organization: &OrganizationId,
        role: &Role,
        limit: u32,
    ) -> Result<Vec<Member>, DatabaseError>;

    /// At most `limit` members after `after`, in the order of their ids.
    async fn members(
        &mut self,
        organization: &OrganizationId,
        filter: &MemberFilter,
        after: Option<&MemberId>,
        limit: u32,
    ) -> Result<Vec<Member>, DatabaseError>;

    /// What is kept about an identity's assertions; of a stranger's it may be forgotten.
    async fn ticket(
        &mut self,
        organization: &OrganizationId,
        identity: &Identity,
    ) -> Result<Option<Ticket>, DatabaseError>;

    /// How many active members hold this role, counted to 2.
    async fn active_with_role(&mut self, organization: &OrganizationId, role: &Role) -> Result<u32, DatabaseError>;

    /// Seats taken, by tier, whatever the holder's status.
    async fn seats_taken(&mut self, organization: &OrganizationId) -> Result<Taken, DatabaseError>;

    /// Members who wait for a seat.
    async fn pending(&mut self, organization: &OrganizationId) -> Result<u32, DatabaseError>;

    /// At most `limit` changes of the feed after the number `after`, in the order of commits.
    async fn changes(&mut self, after: u64, limit: u32) -> Result<Vec<FeedChange>, DatabaseError>;
}

/// What can be done to members in a transaction.
#[async_trait]
pub(crate) trait MemberTransaction: MemberSnapshot {
    /// Takes a seat if the cap leaves one; false if not. In one statement, so that no race sells a seat twice.
    async fn take_seat(&mut self, organization: &OrganizationId, tier: &Tier, cap: Cap) -> Result<bool, DatabaseError>;

    /// Gives a seat back.
    async fn free_seat(&mut self, organization: &OrganizationId, tier: &Tier) -> Result<(), DatabaseError>;

    /// Adds a member; the seat is taken apart.
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

    /// Keeps a `not_before` for an email (seconds since the Unix epoch), or a later one that is kept.
    async fn block_email(
        &mut self,
        organization: &OrganizationId,
        email: &Email,
        not_before: u64,
    ) -> Result<(), DatabaseError>;

    /// Forgets the `not_before` of an email.
    async fn clear_email(&mut self, organization: &OrganizationId, email: &Email) -> Result<(), DatabaseError>;

    /// Counts a removal by a login at `now`, and forgets those that were before `forget_until` (both Unix seconds).
    async fn count_removal_by_login(
        &mut self,
        organization: &OrganizationId,
        now: u64,
        forget_until: u64,
    ) -> Result<(), DatabaseError>;

    /// Forgets the changes of the feed up to this number.
    async fn forget_changes(&mut self, up_to: u64) -> Result<(), DatabaseError>;
}

/// Implements the traits for `Session`, whose statements run on this driver.
macro_rules! keep_members {
    ($driver:ty) => {
        type Sql = $crate::database::member_sql::Statements<$driver>;

        #[async_trait::async_trait]
        impl MemberSnapshot for Session {
            async fn member(
                &mut self,
                organization: &OrganizationId,
                id: &MemberId,
            ) -> Result<Option<Member>, DatabaseError> {
                self.find(Sql::member(organization, id)).await
            }

            async fn member_of(
                &mut self,
                organization: &OrganizationId,
                identity: &Identity,
            ) -> Result<Option<Member>, DatabaseError> {
                self.find(Sql::member_of(organization, identity)).await
            }

            async fn member_with_email(
                &mut self,
                organization: &OrganizationId,
                email: &Email,
            ) -> Result<Option<Member>, DatabaseError> {
                self.find(Sql::member_with_email(organization, email)).await
            }

            async fn members_with_external_id(
                &mut self,
                organization: &OrganizationId,
                external_id: &str,
            ) -> Result<Vec<Member>, DatabaseError> {
                let mut query = Sql::members_with_external_id(organization, external_id);
                let found = query.build().fetch_all(self.connection()).await?;
                let found = found.iter().map(row::member).collect::<Result<_, _>>()?;
                let mut found = self.locked(organization, found).await?;
                // Who was changed until they were locked may have another by now.
                found.retain(|member| member.external_id.as_deref() == Some(external_id));
                Ok(found)
            }

            async fn oldest_with_role(
                &mut self,
                organization: &OrganizationId,
                role: &Role,
                limit: u32,
            ) -> Result<Vec<Member>, DatabaseError> {
                let mut query = Sql::oldest_with_role(organization, role, limit);
                query.build().fetch_all(self.connection()).await?.iter().map(row::member).collect()
            }

            async fn members(
                &mut self,
                organization: &OrganizationId,
                filter: &MemberFilter,
                after: Option<&MemberId>,
                limit: u32,
            ) -> Result<Vec<Member>, DatabaseError> {
                let mut query = Sql::page(organization, filter, after, limit);
                query.build().fetch_all(self.connection()).await?.iter().map(row::member).collect()
            }

            async fn ticket(
                &mut self,
                organization: &OrganizationId,
                identity: &Identity,
            ) -> Result<Option<Ticket>, DatabaseError> {
                let mut query = Sql::ticket(organization, identity);
                query.build().fetch_optional(self.connection()).await?.as_ref().map(row::ticket).transpose()
            }

            async fn active_with_role(
                &mut self,
                organization: &OrganizationId,
                role: &Role,
            ) -> Result<u32, DatabaseError> {
                let mut query = Sql::active_with_role(organization, role);
                row::count(query.build_query_scalar().fetch_one(self.connection()).await?)
            }

            async fn seats_taken(&mut self, organization: &OrganizationId) -> Result<Taken, DatabaseError> {
                let mut query = Sql::seats_taken(organization);
                row::taken(&query.build().fetch_all(self.connection()).await?)
            }

            async fn pending(&mut self, organization: &OrganizationId) -> Result<u32, DatabaseError> {
                let mut query = Sql::pending(organization);
                row::count(query.build_query_scalar().fetch_one(self.connection()).await?)
            }

            async fn changes(&mut self, after: u64, limit: u32) -> Result<Vec<FeedChange>, DatabaseError> {
                let head = self.position().await?;
                let mut query = Sql::changes(after, limit);
                let found = query.build().fetch_all(self.connection()).await?;
                found.iter().map(|found| row::change(found, &head.database)).collect()
            }
        }

        #[async_trait::async_trait]
        impl MemberTransaction for Session {
            async fn take_seat(
                &mut self,
                organization: &OrganizationId,
                tier: &Tier,
                cap: Cap,
            ) -> Result<bool, DatabaseError> {
                Ok(self.run(Sql::take_seat(organization, tier, cap)).await? == 1)
            }

            async fn free_seat(&mut self, organization: &OrganizationId, tier: &Tier) -> Result<(), DatabaseError> {
                exactly_one(self.run(Sql::free_seat(organization, tier)).await?, "seats were freed")
            }

            async fn create(&mut self, member: &Member) -> Result<(), DatabaseError> {
                self.run(Sql::create(member)).await.map(drop)
            }

            async fn update(&mut self, member: &Member) -> Result<(), DatabaseError> {
                exactly_one(self.run(Sql::update(member)).await?, "members were updated")
            }

            async fn remove(&mut self, organization: &OrganizationId, id: &MemberId) -> Result<(), DatabaseError> {
                exactly_one(self.run(Sql::remove(organization, id)).await?, "members were removed")
            }

            async fn keep_ticket(
                &mut self,
                organization: &OrganizationId,
                identity: &Identity,
                ticket: Ticket,
            ) -> Result<(), DatabaseError> {
                self.run(Sql::keep_ticket(organization, identity, ticket)).await.map(drop)
            }

            async fn block_email(
                &mut self,
                organization: &OrganizationId,
                email: &Email,
                not_before: u64,
            ) -> Result<(), DatabaseError> {
                self.run(Sql::block_email(organization, email, not_before)).await.map(drop)
            }

            async fn clear_email(&mut self, organization: &OrganizationId, email: &Email) -> Result<(), DatabaseError> {
                self.run(Sql::clear_email(organization, email)).await.map(drop)
            }

            async fn count_removal_by_login(
                &mut self,
                organization: &OrganizationId,
                now: u64,
                forget_until: u64,
            ) -> Result<(), DatabaseError> {
                self.run(Sql::forget_removals(organization, forget_until)).await?;
                self.run(Sql::count_removal(organization, now)).await.map(drop)
            }

            async fn forget_changes(&mut self, up_to: u64) -> Result<(), DatabaseError> {
                self.run(Sql::forget_changes(up_to)).await.map(drop)
            }
        }
    };
}
pub(super) use keep_members;
