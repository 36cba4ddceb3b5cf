use super::{Entry, Group, Key, Sieve};
use proptest::prelude::*;

/// A number, held under a key, in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Held {
    short: String,
    long: Vec<u8>,
    group: String,
    value: u32,
}

impl Held {
    fn new((short, long): Key<'_>, group: &str, value: u32) -> Self {
        Self { short: short.to_owned(), long: long.to_owned(), group: group.to_owned(), value }
    }
}

impl Entry for Held {
    fn has(&self, (short, long): Key<'_>) -> bool {
        self.short == short && self.long == long
    }

    fn group(&self) -> Group<'_> {
        ("of", &self.group)
    }

    fn length(&self) -> usize {
        self.long.len()
    }
}

impl Sieve<Held> {
    fn put(&mut self, key: Key<'_>, group: &str, value: u32) -> usize {
        self.insert(key, Held::new(key, group, value))
    }

    fn value(&self, key: Key<'_>) -> Option<u32> {
        self.peek(self.find(key)?).map(|held| held.value)
    }
}

/// SIEVE as the paper tells it, on a plain list, newest last.
struct Model {
    capacity: usize,
    room: usize,
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

    fn taken(&self) -> usize {
        self.entries.iter().map(|entry| long(entry.0).len()).sum()
    }

    fn insert(&mut self, key: u8, group: u8, value: u32) -> usize {
        if let Some(at) = self.position(key) {
            if self.entries[at].3 == group {
                self.entries[at].1 = value;
                return 0;
            }
            self.remove(at);
        }
        if self.capacity == 0 {
            return 0;
        }
        let mut evicted = 0;
        while !self.entries.is_empty()
            && (self.entries.len() >= self.capacity || self.taken() + long(key).len() > self.room)
        {
            while self.entries[self.hand].2 {
                self.entries[self.hand].2 = false;
                self.hand = (self.hand + 1) % self.entries.len();
            }
            self.remove(self.hand);
            evicted += 1;
        }
        self.entries.push((key, value, false, group));
        evicted
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

/// The long text of a key: from one byte to four.
fn long(key: u8) -> Vec<u8> {
    vec![key; usize::from(key % 4) + 1]
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
    fn it_behaves_as_the_paper_tells_on_a_plain_list(capacity in 0..7_usize, room in 0..20_usize, steps in steps()) {
        let mut sieve = Sieve::new(capacity, room);
        let mut model = Model { capacity, room, entries: vec![], hand: 0 };
        for step in steps {
            match step {
                Step::ChangeGroup(group) => {
                    model.change_group(group);
                    sieve.change_group(("of", &group.to_string()), |held: &mut Held| {
                        let stays = held.value.is_multiple_of(2);
                        held.value = held.value.wrapping_add(1);
                        stays
                    });
                }
                Step::Insert(key, group, value) => {
                    let evicted = sieve.put(("", &long(key)), &group.to_string(), value);
                    prop_assert_eq!(evicted, model.insert(key, group, value));
                }
                Step::Remove(key) => {
                    let expected = model.position(key).map(|at| model.remove(at));
                    let found = sieve.find(("", &long(key)));
                    prop_assert_eq!(found.and_then(|at| sieve.remove(at)).map(|held| held.value), expected);
                }
                Step::Visit(key) => {
                    let found = model.position(key);
                    if let Some(at) = found {
                        model.entries[at].2 = true;
                    }
                    let at = sieve.find(("", &long(key)));
                    let seen = at.and_then(|at| sieve.visit(at)).map(|held| held.value);
                    prop_assert_eq!(seen, found.map(|at| model.entries[at].1));
                }
            }
            prop_assert!(sieve.len() <= capacity);
            prop_assert!(sieve.taken <= room || sieve.len() == 1);
            prop_assert_eq!(sieve.taken, model.taken());
            prop_assert_eq!(sieve.len(), model.entries.len());
            for (key, value, _, _) in &model.entries {
                prop_assert_eq!(sieve.value(("", &long(*key))), Some(*value));
            }
            let groups: std::collections::HashSet<u8> = model.entries.iter().map(|entry| entry.3).collect();
            prop_assert_eq!(sieve.groups.len(), groups.len());
            prop_assert!(sieve.slots.len() <= capacity);
        }
    }
}

#[test]
fn what_is_used_outlives_what_is_not() {
    let mut sieve = Sieve::new(3, usize::MAX);
    for key in [b"a", b"b", b"c"] {
        assert_eq!(sieve.put(("o", key), "", 0), 0);
    }
    let at = |sieve: &Sieve<Held>, key: &[u8]| sieve.find(("o", key));
    let a = at(&sieve, b"a").unwrap();
    assert!(sieve.visit(a).is_some());
    assert_eq!(sieve.put(("o", b"d"), "", 0), 1);
    assert!(at(&sieve, b"a").is_some());
    assert!(at(&sieve, b"b").is_none());
}

#[test]
fn keys_with_the_same_end_or_the_same_bytes_in_all_are_different_ones() {
    let mut sieve = Sieve::new(8, usize::MAX);
    let end = "x".repeat(100);
    let keys = [("a", format!("1{end}")), ("a", format!("2{end}")), ("b", format!("1{end}")), ("a1", end.clone())];
    for (value, (short, long)) in (0..).zip(&keys) {
        sieve.put((short, long.as_bytes()), "", value);
    }
    assert_eq!(sieve.len(), 4);
    for (value, (short, long)) in (0..).zip(&keys) {
        assert_eq!(sieve.value((short, long.as_bytes())), Some(value));
    }
    assert_eq!(sieve.find(("a", end.as_bytes())), None);
}

#[test]
fn groups_are_told_apart_by_both_their_texts() {
    let mut sieve = Sieve::new(4, usize::MAX);
    sieve.put(("o", b"a"), "ada", 2);
    sieve.put(("o", b"b"), "ada", 2);
    sieve.put(("o", b"c"), "bob", 2);
    for other in [("of", "cyd"), ("", "ada"), ("ofa", "da")] {
        sieve.change_group(other, |_| false);
        assert_eq!(sieve.len(), 3, "{other:?}");
    }
    sieve.change_group(("of", "ada"), |held| held.long == b"a");
    assert_eq!((sieve.value(("o", b"a")), sieve.value(("o", b"b"))), (Some(2), None));
}
