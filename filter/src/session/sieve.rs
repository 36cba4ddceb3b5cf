//! A bounded table that evicts by SIEVE (Zhang et al., NSDI '24): one bit per entry, and a hit moves nothing. Entries also
//! belong to groups, so that what concerns several of them finds them without a search.

mod hash;
mod slots;

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use hash::Hasher;
use slots::{At, Slots};

/// What an entry is found by: a short text and a long one. Both are compared whole.
pub(super) type Key<'a> = (&'a str, &'a [u8]);

/// Which group is meant: two texts, both compared whole.
pub(super) type Group<'a> = (&'a str, &'a str);

/// What the table holds. Entries know their own key and group, so that neither is kept twice.
pub(super) trait Entry {
    /// Whether this is its key.
    fn has(&self, key: Key<'_>) -> bool;

    /// The group that it belongs to; the same for as long as it is held.
    fn group(&self) -> Group<'_>;

    /// How much room it takes, in bytes; the same for as long as it is held.
    fn length(&self) -> usize;
}

/// A table with room for `capacity` entries and so many bytes; one entry is always held, however long.
#[derive(Debug)]
pub(super) struct Sieve<V> {
    capacity: usize,
    room: usize,
    /// The bytes of all long texts.
    taken: usize,
    index: HashTable<At>,
    keys: Hasher,
    hasher: RandomState,
    /// Of each group the entry that joined last.
    groups: HashTable<At>,
    slots: Slots<Slot<V>>,
    free: Vec<At>,
    newest: Option<At>,
    oldest: Option<At>,
    hand: Option<At>,
}

#[derive(Debug)]
struct Slot<V> {
    hash: Hash,
    value: V,
    visited: bool,
    newer: Option<At>,
    older: Option<At>,
    /// Who joined the group next, and who before.
    next: Option<At>,
    previous: Option<At>,
}

/// Half of a hash, which is enough for some millions of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hash(u32);

impl Hash {
    /// As the tables want it, who look at both ends.
    fn wide(self) -> u64 {
        u64::from(self.0) << 32 | u64::from(self.0)
    }
}

impl<V: Entry> Sieve<V> {
    /// An empty table. It takes memory as it fills.
    pub(super) fn new(capacity: usize, room: usize) -> Self {
        Self {
            capacity,
            room,
            taken: 0,
            index: HashTable::new(),
            keys: Hasher::new(),
            hasher: RandomState::new(),
            groups: HashTable::new(),
            slots: Slots::new(),
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
    pub(super) fn find(&self, key: Key<'_>) -> Option<At> {
        let hash = self.hash(key);
        let has = |at: &At| self.slot(*at).is_some_and(|slot| slot.hash == hash && slot.value.has(key));
        self.index.find(hash.wide(), has).copied()
    }

    /// Looks at a value without counting as a use of it.
    pub(super) fn peek(&self, at: At) -> Option<&V> {
        self.slot(at).map(|slot| &slot.value)
    }

    /// Looks at a value, which keeps it from the next eviction.
    pub(super) fn visit(&mut self, at: At) -> Option<&mut V> {
        let slot = self.slot_mut(at)?;
        slot.visited = true;
        Some(&mut slot.value)
    }

    /// Sets the value of a key, which must be its own. Says how many other entries were evicted for it.
    pub(super) fn insert(&mut self, key: Key<'_>, value: V) -> usize {
        if let Some(at) = self.find(key) {
            if let Some(slot) = self.slot_mut(at)
                && slot.value.group() == value.group()
            {
                slot.value = value;
                return 0;
            }
            self.remove(at);
        }
        if self.capacity == 0 {
            return 0;
        }
        let mut evicted = 0;
        while (self.index.len() >= self.capacity || self.taken.saturating_add(value.length()) > self.room)
            && self.evict()
        {
            evicted += 1;
        }
        let Some(at) = self.vacant() else { return evicted };
        let hash = self.hash(key);
        let previous = self.join(at, value.group());
        let slot = Slot { hash, value, visited: false, newer: None, older: self.newest, next: None, previous };
        self.taken = self.taken.saturating_add(slot.value.length());
        if let Some(place) = self.slots.place(at) {
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
        let slots = &self.slots;
        let hash_of = |at: &At| slots.get(*at).map_or(0, |slot| slot.hash.wide());
        self.index.insert_unique(hash.wide(), at, hash_of);
        evicted
    }

    /// Changes every value of a group, which is no use of them; those for which `change` says no are removed.
    pub(super) fn change_group(&mut self, group: Group<'_>, mut change: impl FnMut(&mut V) -> bool) {
        let is_of = |at: &At| self.slot(*at).is_some_and(|slot| slot.value.group() == group);
        let mut next = self.groups.find(group_hash(&self.hasher, group), is_of).copied();
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
    pub(super) fn remove(&mut self, at: At) -> Option<V> {
        let hash = self.slot(at)?.hash;
        self.index.find_entry(hash.wide(), |other| *other == at).ok()?.remove();
        self.unlink(at).map(|slot| slot.value)
    }

    /// From the hand towards the newest, spares what was visited since the last round and evicts the first that was not. Says whether
    /// there was one.
    fn evict(&mut self) -> bool {
        // Two rounds are enough: the first clears every mark.
        for _ in 0..=self.slots.len().saturating_mul(2) {
            let Some(at) = self.hand.or(self.oldest) else { return false };
            let Some(slot) = self.slot_mut(at) else { return false };
            if slot.visited {
                slot.visited = false;
                self.hand = slot.newer;
                continue;
            }
            self.hand = Some(at);
            return self.remove(at).is_some();
        }
        false
    }

    /// A slot with nothing in it.
    fn vacant(&mut self) -> Option<At> {
        if let Some(at) = self.free.pop() {
            return Some(at);
        }
        self.slots.add()
    }

    /// Makes a slot the last of a group, before it is filled. Gives the one that was the last until now.
    fn join(&mut self, at: At, group: Group<'_>) -> Option<At> {
        let (slots, hasher) = (&self.slots, &self.hasher);
        let group_of = |at: &At| slots.get(*at).map(|slot| slot.value.group());
        let hash = group_hash(hasher, group);
        if let Some(last) = self.groups.find_mut(hash, |at| group_of(at) == Some(group)) {
            return Some(std::mem::replace(last, at));
        }
        self.groups.insert_unique(hash, at, |at| group_of(at).map_or(0, |group| group_hash(hasher, group)));
        None
    }

    /// Takes a slot out of the order and its group; a hand that points at it moves on.
    fn unlink(&mut self, at: At) -> Option<Slot<V>> {
        let slot = self.slots.place(at)?.take()?;
        self.taken = self.taken.saturating_sub(slot.value.length());
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
        match slot.next.and_then(|next| self.slot_mut(next)) {
            Some(next) => next.previous = slot.previous,
            None => self.leave(at, slot.value.group(), slot.previous),
        }
        if let Some(previous) = slot.previous.and_then(|previous| self.slot_mut(previous)) {
            previous.next = slot.next;
        }
        self.free.push(at);
        Some(slot)
    }

    /// The last of a group leaves it: the one before is the last now, or there is no such group.
    fn leave(&mut self, at: At, group: Group<'_>, previous: Option<At>) {
        let Ok(mut entry) = self.groups.find_entry(group_hash(&self.hasher, group), |last| *last == at) else { return };
        match previous {
            Some(previous) => *entry.get_mut() = previous,
            None => drop(entry.remove()),
        }
    }

    fn hash(&self, key: Key<'_>) -> Hash {
        Hash(self.keys.hash(key))
    }

    fn slot(&self, at: At) -> Option<&Slot<V>> {
        self.slots.get(at)
    }

    fn slot_mut(&mut self, at: At) -> Option<&mut Slot<V>> {
        self.slots.place(at)?.as_mut()
    }
}

fn group_hash(hasher: &RandomState, group: Group<'_>) -> u64 {
    hasher.hash_one(group)
}

#[cfg(test)]
mod tests;
