//! How many workers a process has, and how many sessions they hold together. Each says its own number in shared data, again and
//! again: a filter that has died says nothing more, and is no longer counted.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::clock::Now;
use crate::feed::Shared;

/// The shared value: each worker's entry, one after the other.
const KEY: &str = "usher.sessions";

/// How often a worker says its number.
const REPEAT: Duration = Duration::from_secs(1);

/// A worker that has not said it for this long has died.
const SILENT: Duration = Duration::from_secs(5);

/// Most workers that are counted.
const MAX_WORKERS: usize = 4096;

/// How often a worker that goes tries to say so against others.
const ATTEMPTS: usize = 8;

/// One worker's part in it.
#[derive(Debug)]
pub(crate) struct Census {
    /// By chance: a worker has no name of its own.
    worker: u64,
    /// When its steady clock began, by the one that all workers of a process share.
    began: Duration,
    told_at: Option<Duration>,
    workers: usize,
}

/// What a worker said last, and when: in milliseconds on the steady clock that all workers share, so that nobody falls silent
/// because the wall clock is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    worker: u64,
    sessions: u64,
    told_at: u64,
}

impl Census {
    /// A worker that has said nothing yet, whose steady clock began then.
    pub(crate) fn new(began: Duration) -> Self {
        Self { worker: RandomState::new().hash_one(()), began, told_at: None, workers: 0 }
    }

    /// How many workers there are, itself included; 0 while it does not know. Envoy's main thread has a filter too, which says
    /// its number as they do, but no requests: it is not one of them.
    pub(crate) fn workers(&self) -> usize {
        self.workers
    }

    /// Says how many sessions this worker holds, where it is time to. Gives by how much all of them have become more or fewer.
    pub(crate) fn tell(&mut self, sessions: usize, shared: &impl Shared, now: Now) -> i64 {
        if self.told_at.is_some_and(|told_at| now.since(told_at) < REPEAT) {
            return 0;
        }
        match self.enter(u64::try_from(sessions).ok(), shared, now) {
            Some((change, workers)) => {
                // Those that began together with this one may not have said theirs when it does so for the first time.
                self.workers = if self.told_at.is_some() { workers.saturating_sub(1) } else { 0 };
                self.told_at = Some(now.steady);
                change
            }
            // Another worker was quicker: on the next tick.
            None => 0,
        }
    }

    /// The worker goes, and its sessions with it. Gives the same.
    pub(crate) fn leave(&self, shared: &impl Shared, now: Now) -> i64 {
        (0..ATTEMPTS).find_map(|_| self.enter(None, shared, now)).map_or(0, |(change, _)| change)
    }

    /// Puts this worker's entry in place of its last one, and leaves out the dead: by how much there are more sessions, and how
    /// many workers. `None` where another one wrote meanwhile.
    fn enter(&self, sessions: Option<u64>, shared: &impl Shared, now: Now) -> Option<(i64, usize)> {
        let (bytes, cas) = shared.read(KEY).map_or((Vec::new(), None), |(bytes, cas)| (bytes, Some(cas)));
        let before = decode(&bytes);
        let told_at = u64::try_from(self.began.saturating_add(now.steady).as_millis()).unwrap_or(u64::MAX);
        // Two workers read the clock one after the other.
        let lives = |entry: &Entry| u128::from(told_at.abs_diff(entry.told_at)) < SILENT.as_millis();
        let mut after: Vec<Entry> = before.iter().copied().filter(|entry| entry.worker != self.worker).collect();
        after.retain(lives);
        if after.len() < MAX_WORKERS {
            after.extend(sessions.map(|sessions| Entry { worker: self.worker, sessions, told_at }));
        }
        shared.set(KEY, &encode(&after), cas).then(|| (sum(&after).saturating_sub(sum(&before)), after.len()))
    }
}

fn sum(entries: &[Entry]) -> i64 {
    let sum = entries.iter().fold(0_u64, |sum, entry| sum.saturating_add(entry.sessions));
    i64::try_from(sum).unwrap_or(i64::MAX)
}

fn encode(entries: &[Entry]) -> Vec<u8> {
    entries.iter().flat_map(|entry| [entry.worker, entry.sessions, entry.told_at]).flat_map(u64::to_le_bytes).collect()
}

fn decode(bytes: &[u8]) -> Vec<Entry> {
    let (numbers, _) = bytes.as_chunks::<8>();
    let (entries, _) = numbers.as_chunks::<3>();
    let entry = |[worker, sessions, told_at]: [u64; 3]| Entry { worker, sessions, told_at };
    entries.iter().map(|numbers| entry(numbers.map(u64::from_le_bytes))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::testing::Memory;

    const BEGAN: Duration = Duration::from_secs(1_000);

    fn at(millis: u64) -> Now {
        Now { unix_ms: 1_000_000 + millis, steady: Duration::from_millis(millis) }
    }

    #[test]
    fn the_changes_that_workers_tell_make_the_number_of_all_their_sessions() {
        let (shared, mut one, mut other) = (Memory::default(), Census::new(BEGAN), Census::new(BEGAN));
        assert_eq!(one.tell(3, &shared, at(0)), 3);
        assert_eq!(other.tell(4, &shared, at(10)), 4);
        assert_eq!(one.tell(9, &shared, at(999)), 0, "it is not time yet");
        assert_eq!(one.tell(9, &shared, at(1_000)), 6);
        assert_eq!(other.tell(1, &shared, at(2_000)), -3);
        assert_eq!(other.leave(&shared, at(2_001)), -1);
        assert_eq!(one.leave(&shared, at(2_002)), -9);
        assert_eq!(decode(&shared.read(KEY).unwrap().0), []);
    }

    #[test]
    fn who_has_died_is_no_longer_counted_and_who_comes_in_its_place_is() {
        let (shared, mut died, mut other) = (Memory::default(), Census::new(BEGAN), Census::new(BEGAN));
        assert_eq!(died.tell(100, &shared, at(0)) + other.tell(7, &shared, at(0)), 107);
        assert_eq!(Census::new(BEGAN).tell(2, &shared, at(500)), 2);
        assert_eq!(other.tell(7, &shared, at(4_999)), 0);
        assert_eq!(other.tell(7, &shared, at(6_000)), -102, "both that said nothing since");
    }

    #[test]
    fn a_worker_knows_how_many_there_are_once_all_had_time_to_say_so() {
        let (shared, mut one, mut died, mut other) =
            (Memory::default(), Census::new(BEGAN), Census::new(BEGAN), Census::new(BEGAN));
        let mut main_thread = Census::new(BEGAN);
        for census in [&mut main_thread, &mut one, &mut died, &mut other] {
            census.tell(0, &shared, at(0));
            assert_eq!(census.workers(), 0);
        }
        for (millis, workers) in [(999, 0), (1_000, 3), (4_999, 3), (6_000, 1)] {
            main_thread.tell(0, &shared, at(millis));
            one.tell(0, &shared, at(millis));
            assert_eq!(one.workers(), workers, "{millis}");
        }
        other.tell(0, &shared, at(6_000));
        assert_eq!(other.workers(), 2);
        other.leave(&shared, at(6_001));
        one.tell(0, &shared, at(7_000));
        assert_eq!(one.workers(), 1);
    }

    #[test]
    fn a_wall_clock_that_is_set_makes_nobody_silent() {
        let (shared, mut one, mut other) = (Memory::default(), Census::new(BEGAN), Census::new(BEGAN));
        let wall = |unix_ms, millis| Now { unix_ms, ..at(millis) };
        for (unix_ms, millis) in [(1_000_000, 0), (1_001_000, 1_000), (1_060_000, 2_000), (1_000, 3_000)] {
            other.tell(5, &shared, wall(unix_ms, millis));
            let changed = one.tell(3, &shared, wall(unix_ms, millis));
            assert_eq!((changed, one.workers()), if millis == 0 { (3, 0) } else { (0, 1) }, "{millis}");
        }
        // Whoever says nothing more is not counted all the same, whatever the wall's shows.
        assert_eq!(one.tell(3, &shared, wall(1_000, 8_000)), -5);
    }

    #[test]
    fn workers_that_began_at_different_times_understand_each_other() {
        let (shared, mut old, mut new) = (Memory::default(), Census::new(BEGAN), Census::new(BEGAN + SILENT * 2));
        assert_eq!(old.tell(3, &shared, at(10_000)), 3);
        assert_eq!(new.tell(4, &shared, at(0)), 4);
        assert_eq!(old.tell(3, &shared, at(14_000)), 0);
        assert_eq!((new.tell(4, &shared, at(4_000)), new.workers()), (0, 1));
    }

    #[test]
    fn who_was_not_quick_enough_says_it_on_the_next_tick() {
        struct Busy(Memory);
        impl Shared for Busy {
            fn read(&self, key: &str) -> Option<(Vec<u8>, u32)> {
                self.0.read(key)
            }
            fn set(&self, _: &str, _: &[u8], _: Option<u32>) -> bool {
                false
            }
            fn overwrite(&self, _: &str, _: &[u8]) -> bool {
                false
            }
        }
        let (mut census, busy) = (Census::new(BEGAN), Busy(Memory::default()));
        assert_eq!((census.tell(3, &busy, at(0)), census.leave(&busy, at(1))), (0, 0));
        assert_eq!(census.tell(3, &busy.0, at(50)), 3);
    }

    #[test]
    fn no_more_workers_are_counted_than_there_is_room_for() {
        let shared = Memory::default();
        let entry = |worker| Entry { worker, sessions: 1, told_at: 1_000_000 };
        shared.overwrite(KEY, &encode(&(2..MAX_WORKERS as u64 + 1).map(entry).collect::<Vec<_>>()));
        let told = [0; 3].map(|_| Census::new(BEGAN).tell(1, &shared, at(0)));
        assert_eq!(told, [1, 0, 0]);
        assert_eq!(decode(&shared.read(KEY).unwrap().0).len(), MAX_WORKERS);
    }
}
