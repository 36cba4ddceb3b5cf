//! What is written to PostgreSQL: what a transaction locks, and when changes get their positions.

use async_trait::async_trait;
use sha2::{Digest, Sha256};
use usher_policy::id::OrganizationId;
use usher_policy::wire::Position;

use super::listen::CHANNEL;
use super::session::{Appended, Session, head};
use crate::clock::mark;
use crate::database::login::{self, People};
use crate::database::members::MemberSnapshot;
use crate::database::{DatabaseError, FeedEntry, Known, Look, Question, Snapshot, Transaction, row};

#[async_trait]
impl Snapshot for Session {
    async fn position(&mut self) -> Result<Position, DatabaseError> {
        row::head(&sqlx::query(head!()).fetch_one(self.connection()).await?)
    }
}

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
            Some(id) => self.members_with_external_id(organization, id).await?,
            None => Vec::new(),
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
