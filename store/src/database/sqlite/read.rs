//! What is read from SQLite: one bound statement for each lookup of the trait.

use async_trait::async_trait;
use sqlx::Row;
use usher_policy::id::{Email, MemberId, OrganizationId, Role, Tier};
use usher_policy::member::{Identity, Member};
use usher_policy::rules::effects::Ticket;
use usher_policy::rules::seats::Taken;
use usher_policy::wire::Position;

use super::Session;
use super::session::HEAD;
use crate::database::row::{self, member_columns};
use crate::database::statement::Statement;
use crate::database::{DatabaseError, FeedChange, MemberFilter, Snapshot};

#[async_trait]
impl Snapshot for Session {
    async fn member(&mut self, organization: &OrganizationId, id: &MemberId) -> Result<Option<Member>, DatabaseError> {
        sqlx::query(concat!("SELECT ", member_columns!(), " FROM members WHERE organization = ? AND id = ?"))
            .bind(organization.as_str())
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await?
            .as_ref()
            .map(row::member)
            .transpose()
    }

    async fn member_of(
        &mut self,
        organization: &OrganizationId,
        identity: &Identity,
    ) -> Result<Option<Member>, DatabaseError> {
        sqlx::query(concat!(
            "SELECT ",
            member_columns!(),
            " FROM members WHERE organization = ? AND issuer = ? AND subject = ?"
        ))
        .bind(organization.as_str())
        .bind(identity.issuer.as_str())
        .bind(identity.subject.as_str())
        .fetch_optional(self.connection())
        .await?
        .as_ref()
        .map(row::member)
        .transpose()
    }

    async fn member_with_email(
        &mut self,
        organization: &OrganizationId,
        email: &Email,
    ) -> Result<Option<Member>, DatabaseError> {
        sqlx::query(concat!("SELECT ", member_columns!(), " FROM members WHERE organization = ? AND email_key = ?"))
            .bind(organization.as_str())
            .bind(email.key())
            .fetch_optional(self.connection())
            .await?
            .as_ref()
            .map(row::member)
            .transpose()
    }

    async fn member_with_external_id(
        &mut self,
        organization: &OrganizationId,
        external_id: &str,
    ) -> Result<Option<Member>, DatabaseError> {
        sqlx::query(concat!(
            "SELECT ",
            member_columns!(),
            " FROM members WHERE organization = ? AND external_id = ? ORDER BY id LIMIT 1"
        ))
        .bind(organization.as_str())
        .bind(external_id)
        .fetch_optional(self.connection())
        .await?
        .as_ref()
        .map(row::member)
        .transpose()
    }

    async fn members(
        &mut self,
        organization: &OrganizationId,
        filter: &MemberFilter,
        after: Option<&MemberId>,
        limit: u32,
    ) -> Result<Vec<Member>, DatabaseError> {
        let mut query = Statement::new(concat!("SELECT ", member_columns!(), " FROM members WHERE organization = "));
        query.push_bind(organization.as_str());
        if let Some(email) = &filter.email {
            query.push(" AND email_key = ").push_bind(email.key());
        }
        if let Some(role) = &filter.role {
            query.push(" AND role = ").push_bind(role.as_str());
        }
        if let Some(status) = filter.status {
            query.push(" AND status = ").push_bind(status.name());
        }
        if let Some(after) = after {
            query.push(" AND id > ").push_bind(after.as_str());
        }
        query.push(" ORDER BY id LIMIT ").push_bind(i64::from(limit));
        query.build().fetch_all(self.connection()).await?.iter().map(row::member).collect()
    }

    async fn ticket(
        &mut self,
        organization: &OrganizationId,
        identity: &Identity,
    ) -> Result<Option<Ticket>, DatabaseError> {
        let found: Option<(i64, Option<i64>)> = sqlx::query_as(
            "SELECT last_iat, not_before FROM tickets WHERE organization = ? AND issuer = ? AND subject = ?",
        )
        .bind(organization.as_str())
        .bind(identity.issuer.as_str())
        .bind(identity.subject.as_str())
        .fetch_optional(self.connection())
        .await?;
        let Some((last_iat, not_before)) = found else { return Ok(None) };
        let not_before = not_before.map(row::unsigned).transpose()?;
        Ok(Some(Ticket { last_iat: row::unsigned(last_iat)?, not_before }))
    }

    async fn active_with_role(&mut self, organization: &OrganizationId, role: &Role) -> Result<u32, DatabaseError> {
        let count = sqlx::query_scalar(
            "SELECT count(*) FROM \
             (SELECT 1 FROM members WHERE organization = ? AND role = ? AND status = 'active' LIMIT 2)",
        )
        .bind(organization.as_str())
        .bind(role.as_str())
        .fetch_one(self.connection())
        .await?;
        row::count(count)
    }

    async fn seats_taken(&mut self, organization: &OrganizationId) -> Result<Taken, DatabaseError> {
        let rows = sqlx::query("SELECT tier, used FROM seats WHERE organization = ? AND used > 0")
            .bind(organization.as_str())
            .fetch_all(self.connection())
            .await?;
        let mut taken = Vec::with_capacity(rows.len());
        for found in rows {
            taken.push((Tier::new(found.try_get::<String, _>(0)?), row::count(found.try_get(1)?)?));
        }
        Ok(Taken::new(taken))
    }

    async fn pending(&mut self, organization: &OrganizationId) -> Result<u32, DatabaseError> {
        let count = sqlx::query_scalar("SELECT count(*) FROM members WHERE organization = ? AND status = 'pending'")
            .bind(organization.as_str())
            .fetch_one(self.connection())
            .await?;
        row::count(count)
    }

    async fn position(&mut self) -> Result<Position, DatabaseError> {
        row::head(&sqlx::query(HEAD).fetch_one(self.connection()).await?)
    }

    async fn changes(&mut self, after: u64, limit: u32) -> Result<Vec<FeedChange>, DatabaseError> {
        let database: String = sqlx::query_scalar("SELECT database FROM identity").fetch_one(self.connection()).await?;
        sqlx::query(
            "SELECT position, mark, organization, member, status, role, seat_tier, at FROM changes \
             WHERE position > ? ORDER BY position LIMIT ?",
        )
        .bind(row::signed(after))
        .bind(i64::from(limit))
        .fetch_all(self.connection())
        .await?
        .iter()
        .map(|found| row::change(found, &database))
        .collect()
    }
}
