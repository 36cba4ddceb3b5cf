//! A bounded map that evicts by SIEVE (Zhang et al., NSDI '24): one bit per entry, and a hit moves nothing. Entries also
//! belong to groups, so that what concerns several of them finds them without a search.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::rc::Rc;

use hashbrown::HashTable;

/// What an entry is found by: a short text and a long one. Both are compared whole.
pub(super) type Key<'a> = (&'a str, &'a [u8]);

/// Of the long text so many bytes at its end are hashed: of an assertion that is its signature, which nobody chooses.
const HASHED: usize = 64;

/// A map from keys to values with room for `capacity` of them. Keys are hashed with a key of this process's own, so that
/// nobody outside can choose them to collide.
#[derive(Debug)]
pub(super) struct Sieve<V> {
    capacity: usize,
    index: HashTable<usize>,
    hasher: RandomState,
    /// Of each group the entry that joined last.
    groups: HashMap<Rc<[u8]>, usize>,
    slots: Vec<Option<Slot<V>>>,
    free: Vec<usize>,
    newest: Option<usize>,
    oldest: Option<usize>,
    hand: Option<usize>,
}

#[derive(Debug)]
struct Slot<V> {
    hash: u64,
    /// The short text of the key, then the long one.
    key: Box<[u8]>,
    short: usize,
    value: V,
    visited: bool,
    newer: Option<usize>,
    older: Option<usize>,
    group: Rc<[u8]>,
    /// Who joined the group next, and who before.
    next: Option<usize>,
    previous: Option<usize>,
}

impl<V> Slot<V> {
    fn has(&self, hash: u64, (short, long): Key<'_>) -> bool {
        self.hash == hash
            && self
                .key
                .split_at_checked(self.short)
                .is_some_and(|own| own.0 == short.as_bytes() && is_same(own.1, long))
    }
}

impl<V> Sieve<V> {
    /// An empty map. It takes memory as it fills.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            index: HashTable::new(),
            hasher: RandomState::new(),
            groups: HashMap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            newest: None,
            oldest: None,
            hand: None,
        }
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    /// Where the entry of a key is: what is done with it next needs no second search.
    pub(super) fn find(&self, key: Key<'_>) -> Option<usize> {
        let hash = self.hash(key);
        self.index.find(hash, |at| self.slot(*at).is_some_and(|slot| slot.has(hash, key))).copied()
    }

    /// Looks at a value without counting as a use of it.
    pub(super) fn peek(&self, at: usize) -> Option<&V> {
        self.slot(at).map(|slot| &slot.value)
    }

    /// Looks at a value, which keeps it from the next eviction.
    pub(super) fn visit(&mut self, at: usize) -> Option<&mut V> {
        let slot = self.slot_mut(at)?;
        slot.visited = true;
        Some(&mut slot.value)
    }

    /// Sets a value, and the group that it belongs to. Says whether another entry was evicted for it.
    pub(super) fn insert(&mut self, key: Key<'_>, group: &[u8], value: V) -> bool {
        if let Some(at) = self.find(key) {
            if let Some(slot) = self.slot_mut(at)
                && *slot.group == *group
            {
                slot.value = value;
                return false;
            }
            self.remove(at);
        }
        if self.capacity == 0 {
            return false;
        }
        let evicted = self.index.len() >= self.capacity;
        if evicted {
            self.evict();
        }
        let (group, previous) = match self.groups.get_key_value(group) {
            Some((group, last)) => (Rc::clone(group), Some(*last)),
            None => (Rc::from(group), None),
        };
        let hash = self.hash(key);
        let slot = Slot {
            hash,
            key: [key.0.as_bytes(), key.1].concat().into_boxed_slice(),
            short: key.0.len(),
            value,
            visited: false,
            newer: None,
            older: self.newest,
            group: Rc::clone(&group),
            next: None,
            previous,
        };
        let at = match self.free.pop() {
            Some(at) => at,
            None => {
                if self.slots.len() == self.slots.capacity() {
                    // A vector's own way is to double, of which half may lie idle for ever.
                    self.slots.reserve_exact(self.slots.len() / 8 + 64);
                }
                self.slots.push(None);
                self.slots.len().saturating_sub(1)
            }
        };
        if let Some(place) = self.slots.get_mut(at) {
            *place = Some(slot);
        }
        if let Some(newest) = self.newest.and_then(|newest| self.slot_mut(newest)) {
            newest.newer = Some(at);
        }
        self.newest = Some(at);
        self.oldest = self.oldest.or(Some(at));
        if let Some(previous) = previous.and_then(|previous| self.slot_mut(previous)) {
            previous.next = Some(at);
        }
        self.groups.insert(group, at);
        let slots = &self.slots;
        let hash_of = |at: &usize| slots.get(*at).and_then(Option::as_ref).map_or(0, |slot| slot.hash);
        self.index.insert_unique(hash, at, hash_of);
        evicted
    }

    /// Changes every value of a group, which is no use of them; those for which `change` says no are removed.
    pub(super) fn change_group(&mut self, group: &[u8], mut change: impl FnMut(&mut V) -> bool) {
        let mut next = self.groups.get(group).copied();
        while let Some(at) = next
            && let Some(slot) = self.slot_mut(at)
        {
            next = slot.previous;
            if !change(&mut slot.value) {
                self.remove(at);
            }
        }
    }

    /// Removes an entry, if it is there.
    pub(super) fn remove(&mut self, at: usize) -> Option<V> {
        let hash = self.slot(at)?.hash;
        self.index.find_entry(hash, |other| *other == at).ok()?.remove();
        self.unlink(at).map(|slot| slot.value)
    }

    /// From the hand towards the newest, spares what was visited since the last round and evicts the first that was not.
    fn evict(&mut self) {
        // Two rounds are enough: the first clears every mark.
        for _ in 0..=self.slots.len().saturating_mul(2) {
            let Some(at) = self.hand.or(self.oldest) else { return };
            let Some(slot) = self.slot_mut(at) else { return };
            if slot.visited {
                slot.visited = false;
                self.hand = slot.newer;
                continue;
            }
            self.hand = Some(at);
            self.remove(at);
            return;
        }
    }

    /// Takes a slot out of the order; a hand that points at it moves on.
    fn unlink(&mut self, at: usize) -> Option<Slot<V>> {
        let slot = self.slots.get_mut(at)?.take()?;
        match slot.newer.and_then(|newer| self.slot_mut(newer)) {
            Some(newer) => newer.older = slot.older,
            None => self.newest = slot.older,
        }
        match slot.older.and_then(|older| self.slot_mut(older)) {
            Some(older) => older.newer = slot.newer,
            None => self.oldest = slot.newer,
        }
        if self.hand == Some(at) {
            self.hand = slot.newer;
        }
        match (slot.next.and_then(|next| self.slot_mut(next)), slot.previous) {
            (Some(next), previous) => next.previous = previous,
            (None, Some(previous)) => drop(self.groups.insert(Rc::clone(&slot.group), previous)),
            (None, None) => drop(self.groups.remove(&slot.group)),
        }
        if let Some(previous) = slot.previous.and_then(|previous| self.slot_mut(previous)) {
            previous.next = slot.next;
        }
        self.free.push(at);
        Some(slot)
    }

    fn hash(&self, (short, long): Key<'_>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(short.as_bytes());
        hasher.write_usize(long.len());
        hasher.write(long.last_chunk::<HASHED>().map_or(long, |end| end.as_slice()));
        hasher.finish()
    }

    fn slot(&self, at: usize) -> Option<&Slot<V>> {
        self.slots.get(at)?.as_ref()
    }

    fn slot_mut(&mut self, at: usize) -> Option<&mut Slot<V>> {
        self.slots.get_mut(at)?.as_mut()
    }
}

/// Compares eight bytes at a time: what the target's library does for bytes takes one after the other.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let (words, rest) = one.as_chunks::<8>();
    let (other_words, other_rest) = other.as_chunks::<8>();
    one.len() == other.len()
        && words.iter().zip(other_words).all(|(own, other)| u64::from_le_bytes(*own) == u64::from_le_bytes(*other))
        && rest == other_rest
}

#[cfg(test)]
mod tests;
