//! How many requests of one directory are answered at once: however many it sends, the others' are answered too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use usher_policy::id::ParentId;

/// So many; further ones wait, in the order in which they came. What a directory changes waits for its own lock anyway.
const AT_ONCE: usize = 2;

/// Beyond so many directories those are forgotten of which no request is under way.
const MAX_KEPT: usize = 256;

/// A few places for each directory.
#[derive(Default)]
pub(crate) struct Places {
    by_parent: Mutex<HashMap<ParentId, Arc<Semaphore>>>,
}

impl Places {
    /// Waits for a place, which is free again when what this gives is dropped. `parent` has shown its token.
    ///
    /// # Errors
    /// Never: no semaphore is ever closed.
    pub(super) async fn take(&self, parent: &ParentId) -> Result<OwnedSemaphorePermit, AcquireError> {
        let places = {
            let mut all = self.by_parent.lock().unwrap_or_else(PoisonError::into_inner);
            if all.len() >= MAX_KEPT {
                // Whoever has a place, or waits for one, holds on to the semaphore.
                all.retain(|_, places| Arc::strong_count(places) > 1);
            }
            Arc::clone(all.entry(parent.clone()).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE))))
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
        let first = places.take(&acme).await.unwrap();
        let _second = places.take(&acme).await.unwrap();
        let mut third = pin!(places.take(&acme));
        assert!(timeout(A_MOMENT, &mut third).await.is_err());
        let _others = places.take(&globex).await.unwrap();
        drop(first);
        assert!(third.await.is_ok());
    }

    #[tokio::test]
    async fn directories_are_forgotten_but_not_those_at_work() {
        let places = Places::default();
        let acme = ParentId::new("acme");
        let _first = places.take(&acme).await.unwrap();
        let _second = places.take(&acme).await.unwrap();
        for n in 0..2 * MAX_KEPT {
            drop(places.take(&ParentId::new(format!("p{n}"))).await.unwrap());
        }
        assert!(places.by_parent.lock().unwrap().len() <= MAX_KEPT);
        assert!(timeout(A_MOMENT, places.take(&acme)).await.is_err());
    }
}
