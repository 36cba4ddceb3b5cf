//! What the workers of one process share: under which keys, and how it is read and written.

use std::time::Duration;

use usher_policy::model::StoreClient;

use super::RING;
use super::change::{self, Change, Entry};
use super::head::Head;

/// Values that all workers of a process see.
pub(crate) trait Shared {
    /// A value, and the number that a change of it must name.
    fn read(&self, key: &str) -> Option<(Vec<u8>, u32)>;

    /// Sets a value if nobody has since `cas` was read, or if nobody ever has. Says whether it did.
    fn set(&self, key: &str, value: &[u8], cas: Option<u32>) -> bool;

    /// Sets a value whatever it was. Says whether it did.
    fn overwrite(&self, key: &str, value: &[u8]) -> bool;
}

/// The keys of one store's feed.
#[derive(Debug)]
pub(super) struct Keys {
    store: String,
}

impl Keys {
    /// Filters that ask the same store in the same way, and as often, share its feed.
    pub(super) fn new(store: &StoreClient, wait: Duration) -> Self {
        let wait = wait.as_millis();
        Self { store: format!("{wait} {} {} {}", store.cluster, store.authority, store.token_env) }
    }

    pub(super) fn head(&self, shared: &impl Shared) -> (Head, Option<u32>) {
        match shared.read(&self.name("head")) {
            Some((bytes, cas)) => (Head::decode(&bytes).unwrap_or_default(), Some(cas)),
            None => (Head::default(), None),
        }
    }

    pub(super) fn set_head(&self, shared: &impl Shared, head: &Head, cas: Option<u32>) -> bool {
        shared.set(&self.name("head"), &head.encode(), cas)
    }

    pub(super) fn lease(&self, shared: &impl Shared) -> (u64, Option<u32>) {
        match shared.read(&self.name("lease")) {
            Some((bytes, cas)) => (<[u8; 8]>::try_from(&*bytes).map_or(0, u64::from_le_bytes), Some(cas)),
            None => (0, None),
        }
    }

    pub(super) fn set_lease(&self, shared: &impl Shared, until: u64, cas: Option<u32>) -> bool {
        shared.set(&self.name("lease"), &until.to_le_bytes(), cas)
    }

    /// The changes that were published under this number; `None` where the ring has gone on since.
    pub(super) fn entry(&self, shared: &impl Shared, head: &Head, sequence: u64) -> Option<Entry> {
        let (bytes, _) = shared.read(&self.slot(sequence))?;
        change::decode(&bytes, head.epoch, sequence)
    }

    pub(super) fn set_entry(&self, shared: &impl Shared, head: &Head, changes: &[Change]) -> bool {
        shared.overwrite(&self.slot(head.sequence), &change::encode(changes, head))
    }

    fn slot(&self, sequence: u64) -> String {
        self.name(&(sequence % RING).to_string())
    }

    fn name(&self, part: &str) -> String {
        format!("usher.feed.{part} {}", self.store)
    }
}
