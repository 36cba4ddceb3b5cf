//! What is written to SQLite: one bound statement for each change of the trait.

use async_trait::async_trait;
use usher_policy::id::{Email, MemberId, OrganizationId};
use usher_policy::member::{Identity, Member};
use usher_policy::rules::effects::Ticket;

use super::{Session, row};
use crate::database::{DatabaseError, FeedEntry, Transaction};

/// The feed keeps at least this many changes …
const FEED_MIN_CHANGES: i64 = 100_000;

/// … and every change of the last 24 hours (design §6, `changes`).
const FEED_MIN_SECONDS: u64 = 24 * 60 * 60;

#[async_trait]
impl Transaction for Session {
    async fn create(&mut self, member: &Member) -> Result<(), DatabaseError> {
        let identity = member.identity.as_ref();
        sqlx::query(
            "INSERT INTO members (organization, id, email, email_key, name, issuer, subject, external_id, role, \
             seat_tier, status, source, primary_owner, created_at, updated_at, last_login_at, directory_user, \
             pending_since) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(member.organization.as_str())
        .bind(member.id.as_str())
        .bind(member.email.as_str())
        .bind(member.email.key())
        .bind(member.name.as_deref())
        .bind(identity.map(|identity| identity.issuer.as_str()))
        .bind(identity.map(|identity| identity.subject.as_str()))
        .bind(member.external_id.as_deref())
        .bind(member.role.as_str())
        .bind(member.seat_tier.as_ref().map(|tier| tier.as_str()))
        .bind(member.status.name())
        .bind(member.source.name())
        .bind(member.primary_owner.as_ref().map(Email::key))
        .bind(row::signed(member.created_at))
        .bind(row::signed(member.updated_at))
        .bind(member.last_login_at.map(row::signed))
        .bind(member.directory_user.as_ref().map(|user| user.as_str()))
        .bind(member.pending_since.map(row::signed))
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    async fn update(&mut self, member: &Member) -> Result<(), DatabaseError> {
        let identity = member.identity.as_ref();
        let done = sqlx::query(
            "UPDATE members SET email = ?, email_key = ?, name = ?, issuer = ?, subject = ?, external_id = ?, \
             role = ?, seat_tier = ?, status = ?, source = ?, primary_owner = ?, created_at = ?, updated_at = ?, \
             last_login_at = ?, directory_user = ?, pending_since = ? WHERE organization = ? AND id = ?",
        )
        .bind(member.email.as_str())
        .bind(member.email.key())
        .bind(member.name.as_deref())
        .bind(identity.map(|identity| identity.issuer.as_str()))
        .bind(identity.map(|identity| identity.subject.as_str()))
        .bind(member.external_id.as_deref())
        .bind(member.role.as_str())
        .bind(member.seat_tier.as_ref().map(|tier| tier.as_str()))
        .bind(member.status.name())
        .bind(member.source.name())
        .bind(member.primary_owner.as_ref().map(Email::key))
        .bind(row::signed(member.created_at))
        .bind(row::signed(member.updated_at))
        .bind(member.last_login_at.map(row::signed))
        .bind(member.directory_user.as_ref().map(|user| user.as_str()))
        .bind(member.pending_since.map(row::signed))
        .bind(member.organization.as_str())
        .bind(member.id.as_str())
        .execute(&mut *self.transaction)
        .await?;
        exactly_one(done.rows_affected(), "updated")
    }

    async fn remove(&mut self, organization: &OrganizationId, id: &MemberId) -> Result<(), DatabaseError> {
        let done = sqlx::query("DELETE FROM members WHERE organization = ? AND id = ?")
            .bind(organization.as_str())
            .bind(id.as_str())
            .execute(&mut *self.transaction)
            .await?;
        exactly_one(done.rows_affected(), "removed")
    }

    async fn keep_ticket(
        &mut self,
        organization: &OrganizationId,
        identity: &Identity,
        ticket: Ticket,
    ) -> Result<(), DatabaseError> {
        sqlx::query(
            "INSERT INTO tickets (organization, issuer, subject, last_iat, not_before) VALUES (?, ?, ?, ?, ?) \
             ON CONFLICT DO UPDATE SET last_iat = excluded.last_iat, not_before = excluded.not_before",
        )
        .bind(organization.as_str())
        .bind(identity.issuer.as_str())
        .bind(identity.subject.as_str())
        .bind(row::signed(ticket.last_iat))
        .bind(ticket.not_before.map(row::signed))
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    async fn keep_email_not_before(
        &mut self,
        organization: &OrganizationId,
        email: &Email,
        not_before: Option<u64>,
    ) -> Result<(), DatabaseError> {
        let query = match not_before {
            Some(_) => {
                "INSERT INTO email_blocks (organization, email_key, not_before) VALUES (?1, ?2, ?3) \
                 ON CONFLICT DO UPDATE SET not_before = max(not_before, excluded.not_before)"
            }
            None => "DELETE FROM email_blocks WHERE organization = ?1 AND email_key = ?2 AND ?3 IS NULL",
        };
        sqlx::query(query)
            .bind(organization.as_str())
            .bind(email.key())
            .bind(not_before.map(row::signed))
            .execute(&mut *self.transaction)
            .await?;
        Ok(())
    }

    async fn count_removal_by_login(
        &mut self,
        organization: &OrganizationId,
        now: u64,
        forget_until: u64,
    ) -> Result<(), DatabaseError> {
        sqlx::query("DELETE FROM removals_by_login WHERE organization = ? AND at <= ?")
            .bind(organization.as_str())
            .bind(row::signed(forget_until))
            .execute(&mut *self.transaction)
            .await?;
        sqlx::query("INSERT INTO removals_by_login (organization, at) VALUES (?, ?)")
            .bind(organization.as_str())
            .bind(row::signed(now))
            .execute(&mut *self.transaction)
            .await?;
        Ok(())
    }

    async fn append_change(&mut self, change: &FeedEntry<'_>, now: u64) -> Result<(), DatabaseError> {
        let (member, status, role, seat_tier) = match *change {
            FeedEntry::Member(member) => {
                (member, member.status.name(), Some(member.role.as_str()), member.seat_tier.as_ref())
            }
            FeedEntry::Removed(member) => (member, "removed", None, None),
        };
        let appended = sqlx::query(
            "INSERT INTO changes (organization, member, status, role, seat_tier, at) VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(member.organization.as_str())
        .bind(member.id.as_str())
        .bind(status)
        .bind(role)
        .bind(seat_tier.map(|tier| tier.as_str()))
        .bind(row::signed(now))
        .execute(&mut *self.transaction)
        .await?;
        // Only from the oldest end, so that the feed has no gaps; two for one, so that a backlog melts away.
        sqlx::query(
            "DELETE FROM changes WHERE position IN (SELECT position FROM changes ORDER BY position LIMIT 2) \
             AND position <= ? AND at < ?",
        )
        .bind(appended.last_insert_rowid().saturating_sub(FEED_MIN_CHANGES))
        .bind(row::signed(now.saturating_sub(FEED_MIN_SECONDS)))
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<(), DatabaseError> {
        Ok(self.transaction.commit().await?)
    }
}

fn exactly_one(rows: u64, what: &str) -> Result<(), DatabaseError> {
    match rows {
        1 => Ok(()),
        _ => Err(DatabaseError::Corrupt(format!("{rows} members were {what} where there is one"))),
    }
}
