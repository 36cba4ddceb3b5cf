//! What the database is asked for whoever asks the store: by one request at a time, and not again for a moment.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

/// An answer, and when it was given.
pub(crate) struct Fresh<T> {
    stays: Duration,
    last: Mutex<Option<(Instant, T)>>,
}

impl<T: Clone> Fresh<T> {
    /// Nothing was asked yet; an answer is good for as long as `stays`.
    pub(crate) fn new(stays: Duration) -> Self {
        Self { stays, last: Mutex::new(None) }
    }

    /// The last answer while it is fresh, else a new one. Who comes while somebody asks waits for theirs.
    pub(super) async fn get(&self, ask: impl Future<Output = T>) -> T {
        let mut last = self.last.lock().await;
        if let Some((at, answer)) = &*last
            && at.elapsed() < self.stays
        {
            return answer.clone();
        }
        let answer = ask.await;
        *last = Some((Instant::now(), answer.clone()));
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn of_many_who_ask_at_once_one_asks() {
        let asked = AtomicU32::new(0);
        let ask = async || {
            tokio::task::yield_now().await;
            asked.fetch_add(1, Ordering::SeqCst)
        };
        let fresh = Fresh::new(Duration::from_secs(3600));
        assert_eq!(tokio::join!(fresh.get(ask()), fresh.get(ask()), fresh.get(ask())), (0, 0, 0));
        assert_eq!(fresh.get(ask()).await, 0);
        let stale = Fresh::new(Duration::ZERO);
        assert_eq!((stale.get(ask()).await, stale.get(ask()).await), (1, 2));
    }

    #[tokio::test]
    async fn who_gives_up_leaves_the_question_to_the_next() {
        let fresh = Fresh::new(Duration::from_secs(3600));
        let never = tokio::time::timeout(Duration::from_millis(5), fresh.get(std::future::pending()));
        assert!(never.await.is_err());
        assert_eq!(fresh.get(async { 7 }).await, 7);
    }
}
