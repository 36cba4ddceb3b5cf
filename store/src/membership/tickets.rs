//! Forgetting the tickets of whoever came by and never became a member, or is none any more: once a day all are looked at, a
//! page at a time.

use std::sync::PoisonError;
use std::time::Duration;

use super::Membership;
use crate::database::{DatabaseError, Lane, TicketPlace};

/// So long after its newest `iat` and `not_before` a stranger's ticket is kept, in seconds: far longer than providers sign an assertion for,
/// so that hardly anybody ever comes with one that is as old as what was forgotten.
const KEPT: u64 = 90 * DAY;

/// How long it rests when all were looked at, in seconds.
const DAY: u64 = 24 * 60 * 60;

/// So long after the start the first is looked at, in seconds: replicas of the version before, which do not know of what is
/// forgotten, are gone by then.
const BEGINS: u64 = 60 * 60;

/// At most this many tickets are looked at, or forgotten, at once.
const PAGE: u32 = 1_000;

/// How far it is.
pub(super) enum Walk {
    /// Everything up to here was looked at.
    At(TicketPlace),
    /// All were, at this second since the Unix epoch.
    Rests(u64),
}

impl Walk {
    /// One that begins soon after the start.
    pub(super) fn starting(now: u64) -> Self {
        Self::Rests(now.saturating_sub(DAY - BEGINS))
    }

    /// Where to go on, if it is time. A clock that was turned back lets nobody rest for years.
    fn next(&self, now: u64) -> Option<TicketPlace> {
        match self {
            Self::At(place) => Some(place.clone()),
            Self::Rests(since) => (now.abs_diff(*since) >= DAY).then(TicketPlace::default),
        }
    }
}

impl Membership {
    /// Looks at some more tickets, and forgets those of strangers that are old by a clock that shows `now`.
    ///
    /// # Errors
    /// When the database does not answer: the next time, it is tried again.
    pub(crate) async fn forget_tickets(&self, now: Duration) -> Result<(), DatabaseError> {
        let now = now.as_secs();
        let next = self.walk.lock().unwrap_or_else(PoisonError::into_inner).next(now);
        let Some(after) = next else { return Ok(()) };
        let before = now.saturating_sub(KEPT);
        let mut snapshot = self.database.read(Lane::Long).await?;
        let page = snapshot.page_of_tickets(after, PAGE).await?;
        let has_old = snapshot.has_old_tickets(&page, before).await?;
        drop(snapshot);
        if has_old {
            let mut transaction = self.database.write(Lane::Long).await?;
            let forgotten = transaction.forget_old_tickets(&page, before).await?;
            transaction.commit().await?;
            tracing::debug!(forgotten, "old tickets of strangers were forgotten");
        }
        let walk = page.up_to.map_or(Walk::Rests(now), Walk::At);
        *self.walk.lock().unwrap_or_else(PoisonError::into_inner) = walk;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{BEGINS, DAY, TicketPlace, Walk};

    #[test]
    fn once_a_day_it_begins_anew_also_after_a_clock_was_turned_back() {
        let place = ("chat".to_owned(), "https://idp.example".to_owned(), "bea".to_owned());
        for (now, next) in [(0, None), (BEGINS - 1, None), (BEGINS, Some(TicketPlace::default()))] {
            assert_eq!(Walk::starting(10 * DAY).next(10 * DAY + now), next, "{now}");
        }
        assert_eq!(Walk::At(place.clone()).next(0), Some(place));
        for (now, next) in [(10 * DAY, None), (11 * DAY - 1, None), (11 * DAY, Some(())), (9 * DAY, Some(()))] {
            assert_eq!(Walk::Rests(10 * DAY).next(now), next.map(|()| TicketPlace::default()), "{now}");
        }
    }
}
