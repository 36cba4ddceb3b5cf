//! How much of one customer is worked on at once: however much of theirs there is, the others' is done too.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// Beyond so many those are forgotten of which no request is under way.
const MAX_KEPT: usize = 256;

/// A few places for each of those of the policy who must not keep the others waiting.
pub(crate) struct Places<K> {
    all: Mutex<HashMap<K, Arc<Semaphore>>>,
}

impl<K> Default for Places<K> {
    fn default() -> Self {
        Self { all: Mutex::default() }
    }
}

impl<K: Clone + Eq + Hash> Places<K> {
    /// Waits for one of so many places, in the order in which they came who wait. It is free again when what this gives is
    /// dropped.
    ///
    /// # Errors
    /// Never: no semaphore is ever closed.
    pub(crate) async fn take(&self, whose: &K, at_once: usize) -> Result<OwnedSemaphorePermit, AcquireError> {
        let places = {
            let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
            if all.len() >= MAX_KEPT {
                // Whoever has a place, or waits for one, holds on to the semaphore.
                all.retain(|_, places| Arc::strong_count(places) > 1);
            }
            Arc::clone(all.entry(whose.clone()).or_insert_with(|| Arc::new(Semaphore::new(at_once))))
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
    async fn a_customer_waits_for_itself_alone() {
        let places = Places::default();
        let first = places.take(&"acme", 2).await.unwrap();
        let _second = places.take(&"acme", 2).await.unwrap();
        let mut third = pin!(places.take(&"acme", 2));
        assert!(timeout(A_MOMENT, &mut third).await.is_err());
        let _others = places.take(&"globex", 1).await.unwrap();
        assert!(timeout(A_MOMENT, places.take(&"globex", 1)).await.is_err());
        drop(first);
        assert!(third.await.is_ok());
    }

    #[tokio::test]
    async fn customers_are_forgotten_but_not_those_at_work() {
        let places = Places::default();
        let _first = places.take(&0, 1).await.unwrap();
        for n in 1..2 * MAX_KEPT {
            drop(places.take(&n, 1).await.unwrap());
        }
        assert!(places.all.lock().unwrap().len() <= MAX_KEPT);
        assert!(timeout(A_MOMENT, places.take(&0, 1)).await.is_err());
    }
}
