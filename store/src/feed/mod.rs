//! The change feed: read by followers as it grows, kept for a while, then forgotten from its oldest end.

mod shared;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout_at};
use usher_policy::wire::Position;

use self::shared::SharedPages;
use crate::database::{Database, DatabaseError, FeedChange, Lane, Snapshot};

/// Most polls that wait at once.
const MAX_WAITING: usize = 2048;

/// The feed keeps at least this many changes …
const MIN_CHANGES: u64 = 100_000;

/// … and every change of the last 24 hours (design §6, `changes`).
const MIN_SECONDS: u64 = 24 * 60 * 60;

/// At most this many changes are forgotten at once.
const BATCH: u32 = 10_000;

/// The change feed of one database.
pub(crate) struct Feed {
    database: Arc<dyn Database>,
    places: Semaphore,
    pages: SharedPages,
    stopping: watch::Sender<bool>,
}

/// Some changes, and where the next poll goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) changes: Vec<FeedChange>,
    pub(crate) position: Position,
}

/// Why a poll has no page.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FeedError {
    /// The database did not do its part.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The position is of another history, or what followed it is forgotten.
    #[error("the feed does not go on from this position")]
    Gone,
    /// Too many wait already.
    #[error("too many polls wait")]
    TooManyWaiting,
}

impl Feed {
    pub(crate) fn new(database: Arc<dyn Database>) -> Self {
        Self {
            database,
            places: Semaphore::new(MAX_WAITING),
            pages: SharedPages::default(),
            stopping: watch::Sender::new(false),
        }
    }

    /// At most `limit` changes after a position, or from the oldest that is kept; waits for the first of them.
    ///
    /// # Errors
    /// See [`FeedError`].
    pub(crate) async fn poll(&self, after: Option<&str>, limit: u32, wait: Duration) -> Result<Page, FeedError> {
        let deadline = Instant::now() + wait;
        let mut grew = self.database.feed_grew();
        let mut stopping = self.stopping.subscribe();
        let mut place = None;
        loop {
            // Seen before it is read: what comes in between wakes.
            let growth = *grew.borrow_and_update();
            let read = async { page(&mut *self.database.read(Lane::Short).await?, after, limit).await };
            let page = match after {
                // Whoever waits may be told what others were, for they are woken by whatever it lacks.
                Some(after) if Instant::now() < deadline => self.pages.get(growth, after, limit, read).await?,
                _ => read.await?,
            };
            if !page.changes.is_empty() || Instant::now() >= deadline || *stopping.borrow() {
                return Ok(page);
            }
            if place.is_none() {
                place = Some(self.places.try_acquire().map_err(|_| FeedError::TooManyWaiting)?);
            }
            let mut stopped = pin!(stopping.wait_for(|stopping| *stopping));
            let woken = async {
                tokio::select! {
                    _ = grew.changed() => {}
                    _ = &mut stopped => {}
                }
            };
            // Out of time, it is read once more, and answered whatever is there.
            if timeout_at(deadline, woken).await.is_ok() {
                self.pages.gather().await;
            }
        }
    }

    /// How many polls wait.
    pub(crate) fn waiting(&self) -> usize {
        MAX_WAITING.saturating_sub(self.places.available_permits())
    }

    /// Answers those who wait: the store stops.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Forgets what need no longer be kept at `now` (Unix seconds), a bounded number of changes at a time.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn compact(&self, now: u64) -> Result<(), DatabaseError> {
        let mut snapshot = self.database.read(Lane::Long).await?;
        let newest = snapshot.position().await?.number;
        if forgettable(&snapshot.changes(0, 1).await?, newest, now).is_none() {
            return Ok(());
        }
        let oldest = snapshot.changes(0, BATCH).await?;
        drop(snapshot);
        if let Some(up_to) = forgettable(&oldest, newest, now) {
            let mut transaction = self.database.write(Lane::Long).await?;
            transaction.forget_changes(up_to).await?;
            transaction.commit().await?;
            tracing::debug!(up_to, "old changes were forgotten");
        }
        Ok(())
    }
}

async fn page(snapshot: &mut dyn Snapshot, after: Option<&str>, limit: u32) -> Result<Page, FeedError> {
    let head = snapshot.position().await?;
    let (start, changes) = match after {
        None => {
            let changes = snapshot.changes(0, limit).await?;
            (Position { mark: Position::NO_MARK.to_owned(), number: 0, ..head }, changes)
        }
        Some(after) => {
            let after: Position = after.parse().map_err(|_| FeedError::Gone)?;
            if after.database != head.database || after.number > head.number {
                return Err(FeedError::Gone);
            }
            let changes = following(snapshot, &after, limit).await?;
            (after, changes)
        }
    };
    let position = changes.last().map_or(start, |newest| newest.position.clone());
    Ok(Page { changes, position })
}

/// The changes after a position, if the history up to it is this one.
async fn following(snapshot: &mut dyn Snapshot, after: &Position, limit: u32) -> Result<Vec<FeedChange>, FeedError> {
    let Some(before) = after.number.checked_sub(1) else {
        // From the very beginning: nothing may be forgotten yet.
        let changes = snapshot.changes(0, limit).await?;
        let whole = changes.first().is_none_or(|first| first.position.number == 1);
        return if whole && after.mark == Position::NO_MARK { Ok(changes) } else { Err(FeedError::Gone) };
    };
    // The change at the position itself shows by its mark whether the history went on as it did for the follower.
    let mut changes = snapshot.changes(before, limit.saturating_add(1)).await?;
    if changes.first().is_none_or(|change| change.position != *after) {
        return Err(FeedError::Gone);
    }
    changes.remove(0);
    Ok(changes)
}

/// Up to which number the oldest changes may be forgotten. Only a beginning of the feed: it never has a gap.
fn forgettable(oldest: &[FeedChange], newest: u64, now: u64) -> Option<u64> {
    let kept_for_number = newest.saturating_sub(MIN_CHANGES);
    let kept_for_age = now.saturating_sub(MIN_SECONDS);
    oldest
        .iter()
        .take_while(|change| change.position.number <= kept_for_number && change.at < kept_for_age)
        .last()
        .map(|change| change.position.number)
}

#[cfg(test)]
mod tests {
    use usher_policy::id::{MemberId, OrganizationId};
    use usher_policy::wire::Position;

    use super::{
        Arc, Duration, Feed, FeedError, Instant, MIN_CHANGES, MIN_SECONDS, Semaphore, forgettable, pin, timeout_at,
    };
    use crate::database::{Address, FeedChange, open};
    use crate::metrics::Metrics;

    fn change(number: u64, at: u64) -> FeedChange {
        FeedChange {
            position: Position { database: "d".to_owned(), mark: "m".to_owned(), number },
            organization: OrganizationId::new("chat"),
            member: MemberId::new("bea"),
            status: None,
            role: None,
            seat_tier: None,
            at,
        }
    }

    #[tokio::test]
    async fn polls_that_wait_are_bounded_and_each_that_ends_makes_room() {
        let folder = tempfile::TempDir::new().unwrap();
        let address = Address::parse(&format!("sqlite://{}", folder.path().join("usher.db").display())).unwrap();
        let database = open(&address, Arc::new(Metrics::new().unwrap())).await.unwrap();
        let feed = Feed { places: Semaphore::new(1), ..Feed::new(database) };
        let (short, long) = (Duration::from_millis(50), Duration::from_secs(30));
        let mut waiting = pin!(feed.poll(None, 10, long));
        assert!(timeout_at(Instant::now() + short, &mut waiting).await.is_err());
        assert!(matches!(feed.poll(None, 10, short).await, Err(FeedError::TooManyWaiting)));
        assert!(feed.poll(None, 10, Duration::ZERO).await.unwrap().changes.is_empty(), "who does not wait is answered");
        feed.stop();
        assert!(waiting.await.unwrap().changes.is_empty());
        assert!(feed.poll(None, 10, long).await.unwrap().changes.is_empty(), "nobody waits for a store that stops");
    }

    #[test]
    fn a_day_and_a_hundred_thousand_changes_are_kept() {
        let now = 10 * MIN_SECONDS;
        let old = now - MIN_SECONDS - 1;
        let oldest = [change(1, old), change(2, old), change(3, old)];
        for (newest, now, forgotten) in [
            (MIN_CHANGES, now, None),
            (MIN_CHANGES + 1, now, Some(1)),
            (MIN_CHANGES + 2, now, Some(2)),
            (MIN_CHANGES + 50, now, Some(3)),
            (MIN_CHANGES + 50, now - 1, None),
            (0, 0, None),
        ] {
            assert_eq!(forgettable(&oldest, newest, now), forgotten, "{newest} at {now}");
        }
    }

    #[test]
    fn only_a_beginning_is_forgotten_though_a_replicas_clock_is_behind() {
        let (now, newest) = (10 * MIN_SECONDS, 10 * MIN_CHANGES);
        let oldest = [change(1, 0), change(2, now), change(3, 0)];
        assert_eq!(forgettable(&oldest, newest, now), Some(1));
        assert_eq!(forgettable(&[change(1, now), change(2, 0)], newest, now), None);
        assert_eq!(forgettable(&[], newest, now), None);
    }
}
