//! What is written to SQLite: a transaction is a turn of the one writer, so that nothing need be locked.

use async_trait::async_trait;
use usher_policy::id::OrganizationId;
use usher_policy::wire::Position;

use super::Session;
use super::session::{HEAD, look};
use crate::clock::mark;
use crate::database::{DatabaseError, FeedEntry, Known, Look, Question, Snapshot, Transaction, row};

#[async_trait]
impl Snapshot for Session {
    async fn position(&mut self) -> Result<Position, DatabaseError> {
        row::head(&sqlx::query(HEAD).fetch_one(self.connection()).await?)
    }
}

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
