//! What the store needs of a database to reconcile memberships, and the statements for it: the same for every database.

use async_trait::async_trait;
use sqlx::Database;
use usher_policy::id::{Email, MemberId, OrganizationId, ParentId, Role};
use usher_policy::member::Member;

use super::DatabaseError;
use super::bind::Bind;
use super::look_up::{LookUp, select_wanted};
use super::member_sql::members;
use super::row::{self, member_columns};
use super::statement::Statement;
use crate::scim::Stored;

/// What a reconciliation reads. Lists are bounded by who asks.
#[async_trait]
pub(crate) trait SyncSnapshot: Send {
    /// The members whom these users of the directory entitle, in no order.
    async fn members_of_directory_users(
        &mut self,
        organization: &OrganizationId,
        users: &[String],
    ) -> Result<Vec<Member>, DatabaseError>;

    /// The members with these emails, in no order.
    async fn members_with_emails(
        &mut self,
        organization: &OrganizationId,
        emails: &[Email],
    ) -> Result<Vec<Member>, DatabaseError>;

    /// Of the next `limit` members after `after`, in the order of their ids, those whom no user of the parent's directory
    /// entitles; and the last of all that were looked at, if there may be more.
    async fn without_directory_user(
        &mut self,
        parent: &ParentId,
        organization: &OrganizationId,
        after: Option<&MemberId>,
        limit: u32,
    ) -> Result<(Vec<Member>, Option<MemberId>), DatabaseError>;

    /// The users with these ids, in no order.
    async fn users_with_ids(&mut self, parent: &ParentId, ids: &[String]) -> Result<Vec<Stored>, DatabaseError>;

    /// How many active members hold this role.
    async fn holders(&mut self, organization: &OrganizationId, role: &Role) -> Result<u32, DatabaseError>;

    /// The digest of the policy that some replica put in force last.
    async fn policy_in_force(&mut self) -> Result<Option<String>, DatabaseError>;
}

/// What a reconciliation writes beside memberships.
#[async_trait]
pub(crate) trait SyncTransaction: SyncSnapshot {
    /// Notes at `now` (Unix seconds) that a replica put this policy in force.
    async fn put_policy_in_force(&mut self, digest: &str, now: u64) -> Result<(), DatabaseError>;

    /// Takes or prolongs the right to reconcile a parent; false while another has it.
    async fn lease(&mut self, parent: &ParentId, lease: &Lease<'_>) -> Result<bool, DatabaseError>;

    /// Gives the right back, if it is still had.
    async fn release(&mut self, parent: &ParentId, holder: &str) -> Result<(), DatabaseError>;
}

/// The right to reconcile, as it is asked for. Times are Unix seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lease<'a> {
    pub(crate) holder: &'a str,
    pub(crate) now: u64,
    pub(crate) until: u64,
}

/// The members of an organization in whose `column` one of the values stands.
pub(super) fn with_one_of<DB: LookUp>(
    organization: &OrganizationId,
    column: &'static str,
    values: &[String],
) -> Statement<DB>
where
    String: Bind<DB>,
{
    let mut query = select_wanted(member_columns!(), values);
    DB::join_each(&mut query, "members", |query| {
        query.push("members.organization = ").push_bind(organization.to_string());
        query.push(" AND members.").push(column).push(" = wanted.value");
    });
    query
}

/// The id of the `limit`th member after `after`: no statement looks at more than this, however many there are.
pub(super) fn last_of_page<DB: Database>(
    organization: &OrganizationId,
    after: Option<&MemberId>,
    limit: u32,
) -> Statement<DB>
where
    String: Bind<DB>,
    i64: Bind<DB>,
{
    let mut query = Statement::new("SELECT id FROM members WHERE organization = ");
    query.push_bind(organization.to_string());
    between(&mut query, after, None);
    query.push(" ORDER BY id LIMIT 1 OFFSET ").push_bind(i64::from(limit.saturating_sub(1)));
    query
}

pub(super) fn without_user<DB: Database>(
    parent: &ParentId,
    organization: &OrganizationId,
    after: Option<&MemberId>,
    last: Option<&MemberId>,
) -> Statement<DB>
where
    String: Bind<DB>,
{
    let mut query = members(organization);
    between(&mut query, after, last);
    query.push(" AND NOT EXISTS (SELECT 1 FROM directory_users AS u WHERE u.parent = ").push_bind(parent.to_string());
    query.push(" AND u.id = members.directory_user) ORDER BY id");
    query
}

fn between<DB: Database>(query: &mut Statement<DB>, after: Option<&MemberId>, last: Option<&MemberId>)
where
    String: Bind<DB>,
{
    for (comparison, id) in [(" AND id > ", after), (" AND id <= ", last)] {
        if let Some(id) = id {
            query.push(comparison).push_bind(id.to_string());
        }
    }
}

pub(super) fn holders<DB: Database>(organization: &OrganizationId, role: &Role) -> Statement<DB>
where
    String: Bind<DB>,
{
    let mut query = Statement::new("SELECT count(*) FROM members WHERE organization = ");
    query.push_bind(organization.to_string()).push(" AND role = ").push_bind(role.to_string());
    query.push(" AND status = 'active'");
    query
}

pub(super) fn put_policy<DB: Database>(digest: &str, now: u64) -> Statement<DB>
where
    String: Bind<DB>,
    i64: Bind<DB>,
{
    let mut query = Statement::new("INSERT INTO policy_in_force (one, digest, at) VALUES (1, ");
    query.push_bind(digest.to_owned()).push(", ").push_bind(row::signed(now));
    query.push(") ON CONFLICT (one) DO UPDATE SET digest = excluded.digest, at = excluded.at");
    query
}

/// One statement, so that of two who ask at once only one is given it.
pub(super) fn lease<DB: Database>(parent: &ParentId, lease: &Lease<'_>) -> Statement<DB>
where
    String: Bind<DB>,
    i64: Bind<DB>,
{
    let mut query = Statement::new("INSERT INTO syncs (parent, holder, until) VALUES (");
    query.push_bind(parent.to_string()).push(", ").push_bind(lease.holder.to_owned());
    query.push(", ").push_bind(row::signed(lease.until));
    query.push(") ON CONFLICT (parent) DO UPDATE SET holder = excluded.holder, until = excluded.until ");
    query.push("WHERE syncs.holder = excluded.holder OR syncs.until <= ").push_bind(row::signed(lease.now));
    query
}

pub(super) fn release<DB: Database>(parent: &ParentId, holder: &str) -> Statement<DB>
where
    String: Bind<DB>,
{
    let mut query = Statement::new("DELETE FROM syncs WHERE parent = ");
    query.push_bind(parent.to_string()).push(" AND holder = ").push_bind(holder.to_owned());
    query
}

/// Implements the traits for `Session`, whose statements run on this driver.
macro_rules! reconcile {
    ($driver:ty) => {
        #[async_trait::async_trait]
        impl SyncSnapshot for Session {
            async fn members_of_directory_users(
                &mut self,
                organization: &OrganizationId,
                users: &[String],
            ) -> Result<Vec<Member>, DatabaseError> {
                self.members_with(organization, "directory_user", users).await
            }

            async fn members_with_emails(
                &mut self,
                organization: &OrganizationId,
                emails: &[Email],
            ) -> Result<Vec<Member>, DatabaseError> {
                let keys: Vec<_> = emails.iter().map(Email::key).collect();
                self.members_with(organization, "email_key", &keys).await
            }

            async fn without_directory_user(
                &mut self,
                parent: &ParentId,
                organization: &OrganizationId,
                after: Option<&MemberId>,
                limit: u32,
            ) -> Result<(Vec<Member>, Option<MemberId>), DatabaseError> {
                let mut query = $crate::database::sync::last_of_page::<$driver>(organization, after, limit);
                let last: Option<String> = query.build_query_scalar().fetch_optional(self.connection()).await?;
                let last = last.map(MemberId::new);
                let mut query =
                    $crate::database::sync::without_user::<$driver>(parent, organization, after, last.as_ref());
                let found = query.build().fetch_all(self.connection()).await?;
                Ok((found.iter().map(row::member).collect::<Result<_, _>>()?, last))
            }

            async fn users_with_ids(
                &mut self,
                parent: &ParentId,
                ids: &[String],
            ) -> Result<Vec<Stored>, DatabaseError> {
                let mut users = Vec::new();
                for ids in ids.chunks($crate::database::directory_sql::MAX_IDS) {
                    let mut query = $crate::database::directory_sql::Statements::<$driver>::users(parent, ids);
                    for found in query.build().persistent(false).fetch_all(self.connection()).await? {
                        users.push(row::resource(&found, ResourceType::User)?.1);
                    }
                }
                Ok(users)
            }

            async fn holders(&mut self, organization: &OrganizationId, role: &Role) -> Result<u32, DatabaseError> {
                let mut query = $crate::database::sync::holders::<$driver>(organization, role);
                row::count(query.build_query_scalar().fetch_one(self.connection()).await?)
            }

            async fn policy_in_force(&mut self) -> Result<Option<String>, DatabaseError> {
                let query = sqlx::query_scalar("SELECT digest FROM policy_in_force");
                Ok(query.fetch_optional(self.connection()).await?)
            }
        }

        impl Session {
            /// The members in whose `column` one of the values stands.
            async fn members_with(
                &mut self,
                organization: &OrganizationId,
                column: &'static str,
                values: &[String],
            ) -> Result<Vec<Member>, DatabaseError> {
                let mut all = Vec::new();
                for values in values.chunks($crate::database::directory_sql::MAX_IDS) {
                    let mut query = $crate::database::sync::with_one_of::<$driver>(organization, column, values);
                    for found in query.build().persistent(false).fetch_all(self.connection()).await? {
                        all.push(row::member(&found)?);
                    }
                }
                self.locked(organization, all).await
            }
        }

        #[async_trait::async_trait]
        impl SyncTransaction for Session {
            async fn put_policy_in_force(&mut self, digest: &str, now: u64) -> Result<(), DatabaseError> {
                let mut query = $crate::database::sync::put_policy::<$driver>(digest, now);
                query.build().execute(self.connection()).await?;
                Ok(())
            }

            async fn lease(&mut self, parent: &ParentId, lease: &Lease<'_>) -> Result<bool, DatabaseError> {
                let mut query = $crate::database::sync::lease::<$driver>(parent, lease);
                Ok(query.build().execute(self.connection()).await?.rows_affected() == 1)
            }

            async fn release(&mut self, parent: &ParentId, holder: &str) -> Result<(), DatabaseError> {
                let mut query = $crate::database::sync::release::<$driver>(parent, holder);
                query.build().execute(self.connection()).await?;
                Ok(())
            }
        }
    };
}
pub(super) use reconcile;
