//! A bounded map that evicts by SIEVE (Zhang et al., NSDI '24): one bit per entry, and a hit moves nothing. Entries also
//! belong to groups, so that what concerns several of them finds them without a search.

use std::collections::HashMap;
use std::rc::Rc;

/// A map from bytes to values with room for `capacity` of them. Keys are hashed with a key of this process's own, so that
/// nobody outside can choose them to collide, and compared whole.
#[derive(Debug)]
pub(super) struct Sieve<V> {
    capacity: usize,
    index: HashMap<Rc<[u8]>, usize>,
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
    key: Rc<[u8]>,
    value: V,
    visited: bool,
    newer: Option<usize>,
    older: Option<usize>,
    group: Rc<[u8]>,
    /// Who joined the group next, and who before.
    next: Option<usize>,
    previous: Option<usize>,
}

impl<V> Sieve<V> {
    /// An empty map. It takes memory as it fills.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            index: HashMap::new(),
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

    /// Looks at a value without counting as a use of it.
    pub(super) fn peek(&self, key: &[u8]) -> Option<&V> {
        self.slot(*self.index.get(key)?).map(|slot| &slot.value)
    }

    /// Looks at a value, which keeps it from the next eviction.
    pub(super) fn visit(&mut self, key: &[u8]) -> Option<&mut V> {
        let slot = self.slots.get_mut(*self.index.get(key)?)?.as_mut()?;
        slot.visited = true;
        Some(&mut slot.value)
    }

    /// Sets a value, and the group that it belongs to. Says whether another entry was evicted for it.
    pub(super) fn insert(&mut self, key: &[u8], group: &[u8], value: V) -> bool {
        if let Some(slot) = self.index.get(key).copied().and_then(|at| self.slot_mut(at)) {
            if *slot.group == *group {
                slot.value = value;
                return false;
            }
            self.remove(key);
        }
        if self.capacity == 0 {
            return false;
        }
        let evicted = self.index.len() >= self.capacity;
        if evicted {
            self.evict();
        }
        let key: Rc<[u8]> = Rc::from(key);
        let (group, previous) = match self.groups.get_key_value(group) {
            Some((group, last)) => (Rc::clone(group), Some(*last)),
            None => (Rc::from(group), None),
        };
        let slot = Slot {
            key: Rc::clone(&key),
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
        self.index.insert(key, at);
        evicted
    }

    /// Changes every value of a group, which is no use of them; those for which `change` says no are removed.
    pub(super) fn change_group(&mut self, group: &[u8], mut change: impl FnMut(&mut V) -> bool) {
        let mut next = self.groups.get(group).copied();
        while let Some(slot) = next.and_then(|at| self.slot_mut(at)) {
            next = slot.previous;
            if !change(&mut slot.value) {
                let key = Rc::clone(&slot.key);
                self.remove(&key);
            }
        }
    }

    /// Removes an entry, if it is there.
    pub(super) fn remove(&mut self, key: &[u8]) -> Option<V> {
        let at = self.index.remove(key)?;
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
            let key = Rc::clone(&slot.key);
            self.hand = Some(at);
            self.remove(&key);
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

    fn slot(&self, at: usize) -> Option<&Slot<V>> {
        self.slots.get(at)?.as_ref()
    }

    fn slot_mut(&mut self, at: usize) -> Option<&mut Slot<V>> {
        self.slots.get_mut(at)?.as_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::Sieve;
    use proptest::prelude::*;

    /// SIEVE as the paper tells it, on a plain list, newest last.
    struct Model {
        capacity: usize,
        entries: Vec<(u8, u32, bool, u8)>,
        hand: usize,
    }

    impl Model {
        fn position(&self, key: u8) -> Option<usize> {
            self.entries.iter().position(|entry| entry.0 == key)
        }

        fn remove(&mut self, at: usize) -> u32 {
            if self.hand > at {
                self.hand -= 1;
            }
            let value = self.entries.remove(at).1;
            if self.hand >= self.entries.len() {
                self.hand = 0;
            }
            value
        }

        fn insert(&mut self, key: u8, group: u8, value: u32) -> bool {
            if let Some(at) = self.position(key) {
                if self.entries[at].3 == group {
                    self.entries[at].1 = value;
                    return false;
                }
                self.remove(at);
            }
            if self.capacity == 0 {
                return false;
            }
            let full = self.entries.len() >= self.capacity;
            if full {
                while self.entries[self.hand].2 {
                    self.entries[self.hand].2 = false;
                    self.hand = (self.hand + 1) % self.entries.len();
                }
                self.remove(self.hand);
            }
            self.entries.push((key, value, false, group));
            full
        }

        /// Adds one to every value of a group; the odd ones go.
        fn change_group(&mut self, group: u8) {
            while let Some(at) = self.entries.iter().position(|entry| entry.3 == group && entry.1 % 2 == 1) {
                self.remove(at);
            }
            for entry in self.entries.iter_mut().filter(|entry| entry.3 == group) {
                entry.1 = entry.1.wrapping_add(1);
            }
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        ChangeGroup(u8),
        Insert(u8, u8, u32),
        Remove(u8),
        Visit(u8),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (0..4_u8).prop_map(Step::ChangeGroup),
            (0..12_u8, 0..4_u8, any::<u32>()).prop_map(|(key, group, value)| Step::Insert(key, group, value)),
            (0..12_u8).prop_map(Step::Remove),
            (0..12_u8).prop_map(Step::Visit),
        ];
        proptest::collection::vec(step, 0..200)
    }

    proptest! {
        #[test]
        fn it_behaves_as_the_paper_tells_on_a_plain_list(capacity in 0..7_usize, steps in steps()) {
            let mut sieve = Sieve::new(capacity);
            let mut model = Model { capacity, entries: vec![], hand: 0 };
            for step in steps {
                match step {
                    Step::ChangeGroup(group) => {
                        model.change_group(group);
                        sieve.change_group(&[group], |value: &mut u32| {
                            let stays = value.is_multiple_of(2);
                            *value = value.wrapping_add(1);
                            stays
                        });
                    }
                    Step::Insert(key, group, value) => {
                        prop_assert_eq!(sieve.insert(&[key], &[group], value), model.insert(key, group, value));
                    }
                    Step::Remove(key) => {
                        let expected = model.position(key).map(|at| model.remove(at));
                        prop_assert_eq!(sieve.remove(&[key]), expected);
                    }
                    Step::Visit(key) => {
                        let found = model.position(key);
                        if let Some(at) = found {
                            model.entries[at].2 = true;
                        }
                        prop_assert_eq!(sieve.visit(&[key]).copied(), found.map(|at| model.entries[at].1));
                    }
                }
                prop_assert!(sieve.len() <= capacity);
                prop_assert_eq!(sieve.len(), model.entries.len());
                for (key, value, _, _) in &model.entries {
                    prop_assert_eq!(sieve.peek(&[*key]), Some(value));
                }
                let groups: std::collections::HashSet<u8> = model.entries.iter().map(|entry| entry.3).collect();
                prop_assert_eq!(sieve.groups.len(), groups.len());
                prop_assert!(sieve.slots.len() <= capacity);
            }
        }
    }

    #[test]
    fn what_is_used_outlives_what_is_not() {
        let mut sieve = Sieve::new(3);
        for key in [b"a", b"b", b"c"] {
            assert!(!sieve.insert(key, b"", ()));
        }
        assert!(sieve.visit(b"a").is_some());
        assert!(sieve.insert(b"d", b"", ()));
        assert!(sieve.peek(b"a").is_some());
        assert!(sieve.peek(b"b").is_none());
    }
}
