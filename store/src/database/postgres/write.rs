//! What is written to PostgreSQL: one bound statement for each change of the trait.

use async_trait::async_trait;
use sha2::{Digest, Sha256};
use usher_policy::id::{Email, MemberId, OrganizationId, Tier};
use usher_policy::member::{Identity, Member};
use usher_policy::model::Cap;
use usher_policy::rules::effects::Ticket;
use usher_policy::wire::Position;

use super::listen::CHANNEL;
use super::session::{Appended, Session, head};
use crate::clock::mark;
use crate::database::login::{self, People};
use crate::database::row::{self, exactly_one};
use crate::database::{DatabaseError, FeedEntry, Known, Look, Question, Snapshot, Transaction};

#[async_trait]
impl Transaction for Session {
    async fn lock(&mut self, organization: &OrganizationId, people: &[Known<'_>]) -> Result<(), DatabaseError> {
        let mut keys: Vec<i64> = people.iter().map(|person| key(organization, Some(person))).collect();
        // Always in one order, so that nobody waits in a circle.
        keys.sort_unstable();
        sqlx::query("SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS keys (key)")
            .bind(keys)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    async fn lock_organization(&mut self, organization: &OrganizationId) -> Result<bool, DatabaseError> {
        sqlx::query("SELECT pg_advisory_xact_lock($1)")
            .bind(key(organization, None))
            .execute(self.connection())
            .await?;
        Ok(true)
    }

    async fn look(&mut self, question: &Question<'_>) -> Result<Look, DatabaseError> {
        let (organization, person) = (question.organization, question.identity);
        // One by one, for each record that is found is locked as it is read.
        let by_external_id = match question.external_id {
            Some(id) => self.member_with_external_id(organization, id).await?,
            None => None,
        };
        let linked = self.member_of(organization, person).await?;
        let by_email = match &linked {
            Some(member) if member.email == *question.email => linked.clone(),
            _ => self.member_with_email(organization, question.email).await?,
        };
        let mut query = login::statement(question, People::Nobody, head!());
        let found = query.build().fetch_all(self.connection()).await?;
        let look = login::look(&found, question, People::Nobody)?;
        self.head = Some(look.position.clone());
        Ok(Look { linked, by_email, by_external_id, ..look })
    }

    async fn take_seat(&mut self, organization: &OrganizationId, tier: &Tier, cap: Cap) -> Result<bool, DatabaseError> {
        let cap = match cap {
            Cap::Limited(cap) => i64::from(cap),
            Cap::Unlimited => i64::MAX,
        };
        let taken = sqlx::query(
            "INSERT INTO seats (organization, tier, used) SELECT $1, $2, 1 WHERE $3 > 0 \
             ON CONFLICT (organization, tier) DO UPDATE SET used = seats.used + 1 WHERE seats.used < $3",
        )
        .bind(organization.as_str())
        .bind(tier.as_str())
        .bind(cap)
        .execute(self.connection())
        .await?;
        Ok(taken.rows_affected() == 1)
    }

    async fn free_seat(&mut self, organization: &OrganizationId, tier: &Tier) -> Result<(), DatabaseError> {
        let freed = sqlx::query("UPDATE seats SET used = used - 1 WHERE organization = $1 AND tier = $2 AND used > 0")
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
             pending_since) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
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
            "UPDATE members SET email = $1, email_key = $2, name = $3, issuer = $4, subject = $5, external_id = $6, \
             role = $7, seat_tier = $8, status = $9, source = $10, primary_owner = $11, created_at = $12, updated_at = $13, \
             last_login_at = $14, directory_user = $15, pending_since = $16 WHERE organization = $17 AND id = $18",
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
        let done = sqlx::query("DELETE FROM members WHERE organization = $1 AND id = $2")
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
            "INSERT INTO tickets (organization, issuer, subject, last_iat, not_before) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (organization, issuer, subject) DO UPDATE SET last_iat = excluded.last_iat, not_before = excluded.not_before",
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
                "INSERT INTO email_blocks (organization, email_key, not_before) VALUES ($1, $2, $3) \
                 ON CONFLICT (organization, email_key) \
                 DO UPDATE SET not_before = greatest(email_blocks.not_before, excluded.not_before)"
            }
            None => "DELETE FROM email_blocks WHERE organization = $1 AND email_key = $2 AND $3::bigint IS NULL",
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
        sqlx::query("DELETE FROM removals_by_login WHERE organization = $1 AND at <= $2")
            .bind(organization.as_str())
            .bind(row::signed(forget_until))
            .execute(self.connection())
            .await?;
        sqlx::query("INSERT INTO removals_by_login (organization, at) VALUES ($1, $2)")
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
        self.appended.push(Appended {
            mark: mark(),
            organization: member.organization.as_str().to_owned(),
            member: member.id.as_str().to_owned(),
            status,
            role: role.map(str::to_owned),
            seat_tier: seat_tier.map(|tier| tier.as_str().to_owned()),
            at: row::signed(now),
        });
        Ok(())
    }

    async fn forget_changes(&mut self, up_to: u64) -> Result<(), DatabaseError> {
        sqlx::query("DELETE FROM changes WHERE position <= $1")
            .bind(row::signed(up_to))
            .execute(self.connection())
            .await?;
        Ok(())
    }

    async fn commit(mut self: Box<Self>) -> Result<Position, DatabaseError> {
        self.write_audit().await?;
        // Last of all: who appends holds the feed's head until the commit, so that positions are in the order of commits.
        let position = match self.head.take() {
            _ if !self.appended.is_empty() => self.append().await?,
            Some(head) => head,
            None => self.position().await?,
        };
        self.transaction.commit().await?;
        if let Some(metrics) = &self.metrics {
            metrics.commit(1);
        }
        Ok(position)
    }
}

impl Session {
    /// Gives the changes their positions, and notice of them with the commit.
    async fn append(&mut self) -> Result<Position, DatabaseError> {
        let appended = std::mem::take(&mut self.appended);
        let newest = appended.last().map(|change| change.mark.clone()).unwrap_or_default();
        let (database, mark, number): (String, String, i64) = sqlx::query_as(
            "WITH head AS (UPDATE feed_head SET position = position + $1, mark = $2 \
             RETURNING database || current_setting('usher.timeline') AS database, mark, position), \
             entries AS (SELECT * FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], \
             $9::bigint[]) WITH ORDINALITY AS e (mark, organization, member, status, role, seat_tier, at, n)), \
             written AS (INSERT INTO changes (position, mark, organization, member, status, role, seat_tier, at) \
             SELECT head.position - $1 + n, entries.mark, organization, member, status, role, seat_tier, at \
             FROM head, entries) \
             SELECT database, mark, position FROM head, pg_notify($10, '')",
        )
        .bind(i64::try_from(appended.len()).unwrap_or(i64::MAX))
        .bind(newest)
        .bind(appended.iter().map(|change| change.mark.clone()).collect::<Vec<_>>())
        .bind(appended.iter().map(|change| change.organization.clone()).collect::<Vec<_>>())
        .bind(appended.iter().map(|change| change.member.clone()).collect::<Vec<_>>())
        .bind(appended.iter().map(|change| change.status).collect::<Vec<_>>())
        .bind(appended.iter().map(|change| change.role.clone()).collect::<Vec<_>>())
        .bind(appended.iter().map(|change| change.seat_tier.clone()).collect::<Vec<_>>())
        .bind(appended.iter().map(|change| change.at).collect::<Vec<_>>())
        .bind(CHANNEL)
        .fetch_one(self.connection())
        .await?;
        Ok(Position { database, mark, number: row::unsigned(number)? })
    }
}

/// The key of an advisory lock: 64 bits of a hash. Two that share one only wait for each other once in a while.
fn key(organization: &OrganizationId, person: Option<&Known<'_>>) -> i64 {
    let email;
    let parts = match person {
        Some(Known::ByEmail(address)) => {
            email = address.key();
            ["email", email.as_str(), ""]
        }
        Some(Known::ByIdentity(identity)) => ["identity", identity.issuer.as_str(), identity.subject.as_str()],
        None => ["organization", "", ""],
    };
    let mut hash = Sha256::new();
    for part in [organization.as_str()].into_iter().chain(parts) {
        hash.update(part);
        hash.update([0]);
    }
    let mut key = [0; 8];
    for (byte, hashed) in key.iter_mut().zip(hash.finalize()) {
        *byte = hashed;
    }
    i64::from_be_bytes(key)
}
