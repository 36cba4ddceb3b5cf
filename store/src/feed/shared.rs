//! Pages that many followers are given: whoever asks for the same at the same time is told what one read of the database found.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep_until};

use super::{FeedError, Page};

/// Changes that come within this time after a read are read together: a thousand changes a second wake nobody more than a
/// hundred times.
const GATHER: Duration = Duration::from_millis(10);

/// How long what was read may be given to others, should nothing be heard of the database.
const KEEP: Duration = Duration::from_secs(1);

/// Most different pages at once. Followers are nearly all at the end of the feed, so that there are few.
const MAX_PAGES: usize = 64;

/// What was read since the feed grew last.
#[derive(Debug, Default)]
pub(super) struct SharedPages(Mutex<Pages>);

#[derive(Debug, Default)]
struct Pages {
    growth: u64,
    begun_at: Option<Instant>,
    by_question: HashMap<(String, u32), Arc<OnceCell<Page>>>,
}

impl SharedPages {
    /// The page that `read` finds, or found for another who asked the same since the feed grew for the `growth`th time.
    ///
    /// # Errors
    /// Those of `read`; the next who asks tries again.
    pub(super) async fn get(
        &self,
        growth: u64,
        after: &str,
        limit: u32,
        read: impl Future<Output = Result<Page, FeedError>>,
    ) -> Result<Page, FeedError> {
        match self.cell(growth, after, limit) {
            Some(cell) => cell.get_or_try_init(|| read).await.cloned(),
            None => read.await,
        }
    }

    /// The feed grew: waits until [`GATHER`] after it was read last.
    pub(super) async fn gather(&self) {
        let begun_at = self.0.lock().unwrap_or_else(PoisonError::into_inner).begun_at;
        if let Some(begun_at) = begun_at {
            sleep_until(begun_at + GATHER).await;
        }
    }

    /// Where the answer to a question stands, or will. `None` where there is no room for it, or what was read since is newer.
    fn cell(&self, growth: u64, after: &str, limit: u32) -> Option<Arc<OnceCell<Page>>> {
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if growth != pages.growth || pages.begun_at.is_none_or(|begun_at| now >= begun_at + KEEP) {
            if growth < pages.growth {
                return None;
            }
            *pages = Pages { growth, begun_at: Some(now), by_question: HashMap::new() };
        }
        if let Some(cell) = pages.by_question.get(&(after.to_owned(), limit)) {
            return Some(Arc::clone(cell));
        }
        if pages.by_question.len() >= MAX_PAGES {
            return None;
        }
        let cell = Arc::<OnceCell<Page>>::default();
        pages.by_question.insert((after.to_owned(), limit), Arc::clone(&cell));
        Some(cell)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::time::{sleep, timeout};
    use usher_policy::wire::Position;

    use super::*;
    use crate::database::DatabaseError;

    fn page(number: u64) -> Page {
        let position = Position { database: "d".to_owned(), mark: "m".to_owned(), number };
        Page { changes: Vec::new(), position }
    }

    /// Asks for what follows a position, and says how often that was read so far.
    async fn ask(pages: &SharedPages, reads: &AtomicU32, growth: u64, after: &str) -> (u64, u32) {
        let read = async { Ok(page(u64::from(reads.fetch_add(1, Ordering::SeqCst)) + 1)) };
        let found = pages.get(growth, after, 10, read).await.unwrap();
        (found.position.number, reads.load(Ordering::SeqCst))
    }

    #[tokio::test]
    async fn what_was_read_is_given_to_whoever_asks_the_same_until_the_feed_grows() {
        let (pages, reads) = (SharedPages::default(), AtomicU32::new(0));
        assert_eq!(ask(&pages, &reads, 1, "a").await, (1, 1));
        assert_eq!(ask(&pages, &reads, 1, "a").await, (1, 1), "the same");
        assert_eq!(ask(&pages, &reads, 1, "b").await, (2, 2), "another question");
        assert_eq!(ask(&pages, &reads, 2, "a").await, (3, 3), "the feed grew");
        assert_eq!(
            ask(&pages, &reads, 1, "a").await,
            (4, 4),
            "who has not heard of it reads, and keeps it to themselves"
        );
        assert_eq!(ask(&pages, &reads, 2, "a").await, (3, 4));
        sleep(KEEP).await;
        assert_eq!(ask(&pages, &reads, 2, "a").await, (5, 5), "what is old is read again");
    }

    #[tokio::test]
    async fn there_is_room_for_so_many_and_everyone_else_reads_alone() {
        let (pages, reads) = (SharedPages::default(), AtomicU32::new(0));
        for question in 0..MAX_PAGES {
            ask(&pages, &reads, 1, &question.to_string()).await;
        }
        let before = reads.load(Ordering::SeqCst);
        assert_eq!(ask(&pages, &reads, 1, "one more").await.1, before + 1);
        assert_eq!(ask(&pages, &reads, 1, "one more").await.1, before + 2);
        assert_eq!(ask(&pages, &reads, 1, "0").await, (1, before + 2));
    }

    #[tokio::test]
    async fn a_read_that_fails_is_tried_again_by_the_next() {
        let pages = SharedPages::default();
        let failed = pages.get(1, "a", 10, async { Err(DatabaseError::Corrupt(String::new()).into()) }).await;
        assert!(failed.is_err());
        assert_eq!(ask(&pages, &AtomicU32::new(0), 1, "a").await, (1, 1));
    }

    #[tokio::test]
    async fn changes_are_gathered_only_soon_after_a_read() {
        let pages = SharedPages::default();
        let is_at_once = async || timeout(Duration::ZERO, pages.gather()).await.is_ok();
        assert!(is_at_once().await, "nothing was read yet");
        let began = Instant::now();
        ask(&pages, &AtomicU32::new(0), 1, "a").await;
        pages.gather().await;
        assert!(began.elapsed() >= GATHER);
        assert!(is_at_once().await, "that was some time ago");
    }
}
