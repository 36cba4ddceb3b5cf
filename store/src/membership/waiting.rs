//! Those who wait for a seat: a free one goes to the one pending longest for whom it is one.

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError};

use usher_policy::id::{DirectoryUserId, MemberId, OrganizationId};
use usher_policy::member::Member;
use usher_policy::model::{Cap, Organization};
use usher_policy::rules::directory::{DirectoryUser, Facts, reseat};
use usher_policy::rules::effects::Effects;
use usher_policy::rules::seats::{Taken, has_room};

use super::directory::users_of;
use super::followed::{Decided, Followed, Following, Guarded};
use super::{Membership, effects, new_id, seats};
use crate::audit::Cause;
use crate::database::{DatabaseError, Transaction};

/// Most members who are looked at in one go when a seat was freed. Beyond, the next change or sync goes on.
const MAX_WAITING: usize = 500;

/// How many are read at once.
const BATCH: u32 = 100;

/// Where one stands among those who wait: since when, and who.
pub(super) type Waiting = (u64, MemberId);

impl Membership {
    /// Gives seats that were freed by hand to those who wait. The organization is locked already.
    ///
    /// # Errors
    /// When the database does not do its part.
    pub(super) async fn pass_seats_on(
        &self,
        transaction: &mut dyn Transaction,
        organization: &Arc<Organization>,
        cause: &Cause,
    ) -> Result<Followed, DatabaseError> {
        let mut followed = Followed::nothing(organization);
        let following = Following { cause, action: "seat_freed", guarded: Guarded::No };
        self.pass_on(transaction, organization, following, &mut followed).await?;
        Ok(followed)
    }

    /// Gives free seats to those who have waited longest, and where there are seats left and more who wait, goes on from
    /// where the one before ended: however many wait for another tier, everybody is looked at in time.
    pub(super) async fn pass_on(
        &self,
        transaction: &mut dyn Transaction,
        organization: &Organization,
        following: Following<'_>,
        followed: &mut Followed,
    ) -> Result<(), DatabaseError> {
        let stopped = self.give_free_seats(transaction, organization, following, followed, None).await?;
        let Some(stopped) = stopped else { return Ok(()) };
        let before = self.looked_at().get(&organization.id).cloned().filter(|before| *before > stopped);
        let from = before.unwrap_or(stopped);
        let ended = self.give_free_seats(transaction, organization, following, followed, Some(from)).await?;
        followed.looked_at = Some(ended);
        Ok(())
    }

    /// Remembers how far those who wait were looked at, once that is committed.
    pub(super) fn remember_looked_at(&self, organization: &OrganizationId, ended: Option<&Waiting>) {
        match ended {
            Some(ended) => self.looked_at().insert(organization.clone(), ended.clone()),
            None => self.looked_at().remove(organization),
        };
    }

    fn looked_at(&self) -> MutexGuard<'_, HashMap<OrganizationId, Waiting>> {
        self.looked_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A free seat goes to the one pending longest for whom it is one: after whom to go on, should there be seats and
    /// people left. The organization is locked already.
    pub(super) async fn give_free_seats(
        &self,
        transaction: &mut dyn Transaction,
        organization: &Organization,
        following: Following<'_>,
        followed: &mut Followed,
        after: Option<Waiting>,
    ) -> Result<Option<Waiting>, DatabaseError> {
        let (mut last, mut looked_at) = (after, 0);
        let mut taken = seats::taken(transaction, organization).await?;
        while is_any_free(organization, &taken) {
            if looked_at >= MAX_WAITING {
                return Ok(last);
            }
            let after = last.as_ref().map(|(since, id)| (*since, id));
            let waiting = transaction.waiting(&organization.id, after, BATCH).await?;
            let Some(newest) = waiting.last() else { break };
            last = Some((newest.pending_since.unwrap_or_default(), newest.id.clone()));
            looked_at += waiting.len();
            let users = users_of(transaction, &organization.parent.id, &waiting).await?;
            for waiting in waiting {
                if effects::is_nothing(&self.reseated(organization, &waiting, &users, taken.clone())) {
                    continue;
                }
                // Read again, alone: a login may be about to change the same member.
                let Some(member) = transaction.member(&organization.id, &waiting.id).await? else { continue };
                let effects = self.reseated(organization, &member, &users, taken);
                let following = Following { action: "seat_freed", ..following };
                let decided = Decided { effects, before: Some(member) };
                self.apply(transaction, organization, &decided, following, followed).await?;
                taken = seats::taken(transaction, organization).await?;
            }
        }
        Ok(None)
    }

    /// What becomes of somebody who waits.
    fn reseated(
        &self,
        organization: &Organization,
        member: &Member,
        users: &HashMap<DirectoryUserId, DirectoryUser>,
        taken: Taken,
    ) -> Effects {
        let user = member.directory_user.as_ref().and_then(|id| users.get(id));
        let now = self.now();
        let facts = Facts {
            member: Some(member.clone()),
            by_email: None,
            ticket: None,
            // Whoever waits is no active owner, and a seat makes nobody one who was not.
            active_owners: 0,
            taken,
            new_id: new_id(now),
            now: now.as_secs(),
        };
        reseat(organization, member, user, &facts)
    }
}

/// Whether a seat of some tier with a cap is free; where there is no cap, nobody waits for it.
pub(super) fn is_any_free(organization: &Organization, taken: &Taken) -> bool {
    organization.seats.as_ref().is_some_and(|seats| {
        let mut limited = seats.tiers.iter().filter(|seat| matches!(seat.cap, Cap::Limited(_)));
        limited.any(|seat| has_room(seats, &seat.tier, taken))
    })
}
