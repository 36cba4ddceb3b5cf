//! Checks of sessions whose request went away before the answer came: the store is asked all the same, about so many at once.

use std::time::Duration;

use super::RESUMED_AT_ONCE;
use super::numbered::Numbered;
use crate::clock::Now;

/// So many there are at most, which wait for a second and a half until they are asked.
const MOST: usize = 1_000;

/// The checks of one worker.
#[derive(Debug)]
pub(super) struct Unattended<T> {
    /// To be asked with the next ticks, in the order in which they came.
    due: Vec<T>,
    /// By the token under which the answer comes: when it was asked.
    under_way: Numbered<(Duration, T)>,
}

impl<T> Default for Unattended<T> {
    fn default() -> Self {
        Self { due: Vec::new(), under_way: Numbered::default() }
    }
}

impl<T> Unattended<T> {
    /// One more is to be asked. It is given back where there are too many: its session must not go on unasked.
    #[must_use]
    pub(super) fn add(&mut self, check: T) -> Option<T> {
        if self.due.len() + self.under_way.len() >= MOST {
            return Some(check);
        }
        self.due.push(check);
        None
    }

    /// So many as may be asked in one event of the host; the others follow with the next ticks.
    pub(super) fn take_due(&mut self) -> Vec<T> {
        self.due.drain(..self.due.len().min(RESUMED_AT_ONCE)).collect()
    }

    /// One was asked.
    pub(super) fn begin(&mut self, token: u32, check: T, now: Now) {
        self.under_way.insert(token, (now.steady, check));
    }

    /// It has been answered. `None` where it is none of these.
    pub(super) fn end(&mut self, token: u32) -> Option<T> {
        self.under_way.remove(&token).map(|(_, check)| check)
    }

    /// Forgets those whose answers have not come for longer than they may take: the next request of the session asks again.
    pub(super) fn forget_lost(&mut self, longest: Duration, now: Now) {
        self.under_way.retain(|_, (asked_at, _)| now.since(*asked_at) <= longest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_secs(2);

    fn at(seconds: u64) -> Now {
        Now { unix_ms: 0, steady: Duration::from_secs(seconds) }
    }

    #[test]
    fn only_so_many_are_asked_at_once_and_the_others_follow_in_their_order() {
        let mut unattended = Unattended::default();
        for check in 0..100 {
            assert_eq!(unattended.add(check), None);
        }
        let mut asked = Vec::new();
        for taken in [32, 32, 32, 4, 0] {
            let due = unattended.take_due();
            assert_eq!(due.len(), taken);
            asked.extend(due);
        }
        assert_eq!(asked, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn for_whom_there_is_no_room_is_given_back_until_others_are_answered_or_lost() {
        let mut unattended = Unattended::default();
        assert_eq!(
            (0..2_000).filter_map(|check| unattended.add(check)).collect::<Vec<_>>(),
            (1_000..2_000).collect::<Vec<_>>()
        );
        // Those who are asked take their room until there is an answer.
        for check in unattended.take_due() {
            unattended.begin(check, check, at(0));
        }
        assert_eq!(unattended.add(1_000), Some(1_000));
        assert_eq!((unattended.end(7), unattended.end(7), unattended.end(1_000)), (Some(7), None, None));
        assert_eq!(unattended.add(1_000), None);
        assert_eq!(unattended.add(1_001), Some(1_001));
        unattended.forget_lost(LONGEST, at(2));
        assert_eq!(unattended.add(1_001), Some(1_001), "an answer may still come");
        unattended.forget_lost(LONGEST, at(3));
        assert_eq!((unattended.add(1_001), unattended.end(8)), (None, None));
    }
}
