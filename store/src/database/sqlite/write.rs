//! What is written to SQLite: one bound statement for each change of the trait.

use async_trait::async_trait;
use usher_policy::id::{Email, MemberId, OrganizationId, Tier};
use usher_policy::member::{Identity, Member};
use usher_policy::model::Cap;
use usher_policy::rules::effects::Ticket;
use usher_policy::wire::Position;

use super::Session;
use super::session::look;
use crate::clock::mark;
use crate::database::row::{self, exactly_one};
use crate::database::{DatabaseError, FeedEntry, Known, Look, Question, Snapshot, Transaction};

#[async_trait]
impl Transaction for Session {
    async fn lock(&mut self, _: &OrganizationId, _: &[Known<'_>]) -> Result<(), DatabaseError> {
        // There is one writer, and this is its turn.
        Ok(())
    }

    async fn lock_organization(&mut self, _: &OrganizationId) -> Result<bool, DatabaseError> {
        Ok(false)
    }

    async fn look(&mut self, question: &Question<'_>) -> Result<Look, DatabaseError> {
        look(self.connection(), question).await
    }

    async fn take_seat(&mut self, organization: &OrganizationId, tier: &Tier, cap: Cap) -> Result<bool, DatabaseError> {
        let cap = match cap {
            Cap::Limited(cap) => i64::from(cap),
            Cap::Unlimited => i64::MAX,
        };
        let taken = sqlx::query(
            "INSERT INTO seats (organization, tier, used) SELECT ?1, ?2, 1 WHERE ?3 > 0 \
             ON CONFLICT DO UPDATE SET used = used + 1 WHERE used < ?3",
        )
        .bind(organization.as_str())
        .bind(tier.as_str())
        .bind(cap)
        .execute(self.connection())
        .await?;
        Ok(taken.rows_affected() == 1)
    }

    async fn free_seat(&mut self, organization: &OrganizationId, tier: &Tier) -> Result<(), DatabaseError> {
        let freed = sqlx::query("UPDATE seats SET used = used - 1 WHERE organization = ? AND tier = ? AND used > 0")
            .bind(organization.as_str())
            .bind(tier.as_str())
            .execute(self.connection())
            .await?;
        exactly_one(freed.rows_affected(), "seats were freed")
    }

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
        .execute(self.connection())
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
        .execute(self.connection())
        .await?;
        exactly_one(done.rows_affected(), "members were updated")
    }

    async fn remove(&mut self, organization: &OrganizationId, id: &MemberId) -> Result<(), DatabaseError> {
        let done = sqlx::query("DELETE FROM members WHERE organization = ? AND id = ?")
            .bind(organization.as_str())
            .bind(id.as_str())
            .execute(self.connection())
            .await?;
        exactly_one(done.rows_affected(), "members were removed")
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
        .execute(self.connection())
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
            .execute(self.connection())
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
            .execute(self.connection())
            .await?;
        sqlx::query("INSERT INTO removals_by_login (organization, at) VALUES (?, ?)")
            .bind(organization.as_str())
            .bind(row::signed(now))
            .execute(self.connection())
            .await?;
        Ok(())
    }

    async fn append_change(&mut self, change: &FeedEntry<'_>, now: u64) -> Result<(), DatabaseError> {
        let (member, status, role, seat_tier) = match *change {
            FeedEntry::Member(member) => {
                (member, member.status.name(), Some(member.role.as_str()), member.seat_tier.as_ref())
            }
            FeedEntry::Removed(member) => (member, row::REMOVED, None, None),
        };
        sqlx::query(
            "INSERT INTO changes (mark, organization, member, status, role, seat_tier, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(mark())
        .bind(member.organization.as_str())
        .bind(member.id.as_str())
        .bind(status)
        .bind(role)
        .bind(seat_tier.map(|tier| tier.as_str()))
        .bind(row::signed(now))
        .execute(self.connection())
        .await?;
        self.appended = true;
        Ok(())
    }

    async fn forget_changes(&mut self, up_to: u64) -> Result<(), DatabaseError> {
        sqlx::query("DELETE FROM changes WHERE position <= ?")
            .bind(row::signed(up_to))
            .execute(self.connection())
            .await?;
        Ok(())
    }

    async fn commit(mut self: Box<Self>) -> Result<Position, DatabaseError> {
        let position = self.position().await?;
        let appended = self.appended;
        match self.into_turn() {
            Some(turn) => turn.commit(appended).await?,
            None => return Err(DatabaseError::Unavailable("a snapshot cannot be committed".into())),
        }
        Ok(position)
    }
}
