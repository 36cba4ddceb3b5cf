//! Whose turn it is to ask the store: the calls of one parent leave room for those of others.

use usher_policy::id::ParentId;

/// So many calls of one parent are under way at once in all workers together, and further ones wait for their turn: half of the
/// 256 connections that an Envoy has to the store are left to others, however slowly those are answered.
const OF_ALL: usize = 128;

/// At most so many of them are one worker's share …
const SHARE: usize = 32;

/// … and at least so many, also while it does not know how many workers there are: all of one parent may come to one worker.
const LEAST: usize = 4;

/// The parents of which calls are under way, or who have somebody waiting: few, most of the time.
#[derive(Debug, Default)]
pub(super) struct Turns {
    parents: Vec<Parent>,
    /// How many workers there are; 0 while that is not known.
    pub(super) workers: usize,
}

#[derive(Debug)]
struct Parent {
    id: ParentId,
    /// How many calls are under way.
    calls: usize,
    /// Requests without a call, in the order in which they came.
    waiting: Vec<u32>,
}

impl Turns {
    fn find(&self, parent: &ParentId) -> Option<&Parent> {
        self.parents.iter().find(|own| own.id == *parent)
    }

    /// What is known of a parent, to change it.
    fn own(&mut self, parent: &ParentId) -> Option<&mut Parent> {
        let known = self.parents.iter().position(|own| own.id == *parent);
        let at = known.unwrap_or(self.parents.len());
        if known.is_none() {
            self.parents.push(Parent { id: parent.clone(), calls: 0, waiting: Vec::new() });
        }
        self.parents.get_mut(at)
    }

    /// How many calls of one parent may be under way in this worker.
    fn share(&self) -> usize {
        OF_ALL.checked_div(self.workers).map_or(LEAST, |share| share.clamp(LEAST, SHARE))
    }

    /// Whether one more call may be under way for a parent: there is room, and nobody waits who came before a newcomer.
    pub(super) fn admits(&self, parent: &ParentId, is_newcomer: bool) -> bool {
        let share = self.share();
        self.find(parent).is_none_or(|own| own.calls < share && (!is_newcomer || own.waiting.is_empty()))
    }

    /// A request waits for its turn.
    pub(super) fn wait(&mut self, parent: &ParentId, request: u32) {
        if let Some(own) = self.own(parent) {
            own.waiting.push(request);
        }
    }

    /// A call is under way.
    pub(super) fn begin(&mut self, parent: &ParentId) {
        if let Some(own) = self.own(parent) {
            own.calls += 1;
        }
    }

    /// A call is over.
    pub(super) fn end(&mut self, parent: &ParentId) {
        if let Some(own) = self.own(parent) {
            own.calls = own.calls.saturating_sub(1);
        }
    }

    /// So many of those for whom there is room now, of each parent those first who came first. Who does not wait any more is
    /// passed over, and of whom there is nothing is forgotten.
    pub(super) fn take_due(&mut self, most: usize, still_waits: impl Fn(u32) -> bool) -> Vec<u32> {
        let (mut due, share) = (Vec::new(), self.share());
        for parent in &mut self.parents {
            let mut room = share.saturating_sub(parent.calls).min(most - due.len());
            parent.waiting.retain(|request| {
                if room == 0 {
                    return true;
                }
                if still_waits(*request) {
                    due.push(*request);
                    room -= 1;
                }
                false
            });
        }
        self.parents.retain(|parent| parent.calls > 0 || !parent.waiting.is_empty());
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_of(workers: usize) -> Turns {
        Turns { workers, ..Turns::default() }
    }

    fn crowd(turns: &mut Turns, parent: &ParentId) -> usize {
        let mut begun = 0;
        while turns.admits(parent, false) && begun < 1000 {
            turns.begin(parent);
            begun += 1;
        }
        begun
    }

    #[test]
    fn however_many_calls_of_one_parent_are_under_way_there_is_room_for_those_of_others() {
        let [acme, globex] = ["acme", "globex"].map(ParentId::new);
        let mut turns = one_of(2);
        assert_eq!(crowd(&mut turns, &acme), 32);
        assert_eq!(crowd(&mut turns, &globex), 32);
        turns.end(&acme);
        assert!(turns.admits(&acme, true) && !turns.admits(&globex, true));
    }

    #[test]
    fn all_workers_together_leave_half_of_the_connections_to_others_however_many_they_are() {
        let acme = ParentId::new("acme");
        for (workers, share) in [(1, 32), (4, 32), (5, 25), (8, 16), (9, 14), (32, 4), (64, 4), (4096, 4)] {
            assert_eq!(crowd(&mut one_of(workers), &acme), share, "{workers}");
            assert!(workers > 32 || workers * share <= OF_ALL);
        }
        assert_eq!(crowd(&mut Turns::default(), &acme), 4, "how many there are is not known yet");
        // More workers come: who has more than the share by then begins no more until it has fewer.
        let mut turns = one_of(4);
        crowd(&mut turns, &acme);
        turns.wait(&acme, 1);
        turns.workers = 8;
        for _ in 16..=32 {
            assert!(!turns.admits(&acme, false) && turns.take_due(32, |_| true).is_empty());
            turns.end(&acme);
        }
        assert_eq!(turns.take_due(32, |_| true), [1]);
    }

    #[test]
    fn who_waits_comes_to_their_turn_in_the_order_in_which_they_came_and_nobody_keeps_another_parents_waiting() {
        let [acme, globex] = ["acme", "globex"].map(ParentId::new);
        let mut turns = one_of(1);
        for parent in [&acme, &globex] {
            crowd(&mut turns, parent);
        }
        (0..10).for_each(|request| turns.wait(&acme, request));
        (100..110).for_each(|request| turns.wait(&globex, request));
        assert_eq!(turns.take_due(32, |_| true), [0_u32; 0]);
        for turn in 0..4 {
            turns.end(&globex);
            assert_eq!(turns.take_due(32, |_| true), [100 + turn]);
            turns.begin(&globex);
        }
        turns.end(&acme);
        turns.end(&acme);
        assert_eq!(turns.take_due(32, |request| request > 2), [3, 4], "three have gone");
        assert!(!turns.admits(&acme, true), "whoever comes now comes after those who wait");
    }

    #[test]
    fn only_so_many_are_taken_at_once_and_nothing_is_kept_of_who_has_nobody() {
        let acme = ParentId::new("acme");
        let mut turns = one_of(1);
        (0..10).for_each(|request| turns.wait(&acme, request));
        assert_eq!(turns.take_due(3, |_| true), [0, 1, 2]);
        assert_eq!(turns.take_due(32, |_| true), [3, 4, 5, 6, 7, 8, 9]);
        assert!(turns.parents.is_empty());
        turns.begin(&acme);
        turns.end(&acme);
        assert_eq!(turns.take_due(32, |_| true), [0_u32; 0]);
        assert!(turns.parents.is_empty());
    }
}
