//! How many requests of one directory are answered at once: however many it sends, the others' are answered too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use usher_policy::id::ParentId;

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Purpose {
    Read,
    Write,
}

impl Purpose {
    /// So many of one directory at once; further ones wait, in the order in which they came.
    fn at_once(self) -> usize {
        match self {
            Self::Read => 2,
            // Two would wait for each other in the database, and hold a connection the while.
            Self::Write => 1,
        }
    }
}

/// Beyond so many those are forgotten of which no request is under way.
const MAX_KEPT: usize = 256;

/// A few places for each directory.
#[derive(Default)]
pub(crate) struct Places {
    all: Mutex<HashMap<(ParentId, Purpose), Arc<Semaphore>>>,
}

impl Places {
    /// Waits for a place, which is free again when what this gives is dropped. `parent` has shown its token.
    ///
    /// # Errors
    /// Never: no semaphore is ever closed.
    pub(crate) async fn take(&self, parent: &ParentId, purpose: Purpose) -> Result<OwnedSemaphorePermit, AcquireError> {
        let places = {
            let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
            if all.len() >= MAX_KEPT {
                // Whoever has a place, or waits for one, holds on to the semaphore.
                all.retain(|_, places| Arc::strong_count(places) > 1);
            }
            let places = all.entry((parent.clone(), purpose));
            Arc::clone(places.or_insert_with(|| Arc::new(Semaphore::new(purpose.at_once()))))
        };
        places.acquire_owned().await
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const A_MOMENT: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn a_directory_waits_for_itself_alone() {
        let places = Places::default();
        let (acme, globex) = (ParentId::new("acme"), ParentId::new("globex"));
        let first = places.take(&acme, Purpose::Read).await.unwrap();
        let _second = places.take(&acme, Purpose::Read).await.unwrap();
        let mut third = pin!(places.take(&acme, Purpose::Read));
        assert!(timeout(A_MOMENT, &mut third).await.is_err());
        let _writes = places.take(&acme, Purpose::Write).await.unwrap();
        assert!(timeout(A_MOMENT, places.take(&acme, Purpose::Write)).await.is_err());
        let _others = places.take(&globex, Purpose::Read).await.unwrap();
        drop(first);
        assert!(third.await.is_ok());
    }

    #[tokio::test]
    async fn directories_are_forgotten_but_not_those_at_work() {
        let places = Places::default();
        let acme = ParentId::new("acme");
        let _first = places.take(&acme, Purpose::Read).await.unwrap();
        let _second = places.take(&acme, Purpose::Read).await.unwrap();
        for n in 0..2 * MAX_KEPT {
            drop(places.take(&ParentId::new(format!("p{n}")), Purpose::Read).await.unwrap());
        }
        assert!(places.all.lock().unwrap().len() <= MAX_KEPT);
        assert!(timeout(A_MOMENT, places.take(&acme, Purpose::Read)).await.is_err());
    }
}
