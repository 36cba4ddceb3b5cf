//! Whose turn it is to ask the store: the calls of one parent leave room for those of others.

use usher_policy::id::ParentId;

/// So many calls of one parent are under way at once in a worker, and further ones wait for their turn: of the 256 connections
/// that the workers of an Envoy have to the store, others find some, however slowly those are answered.
const OF_ONE: usize = 32;

/// The parents of which calls are under way, or who have somebody waiting: few, most of the time.
#[derive(Debug, Default)]
pub(super) struct Turns {
    parents: Vec<Parent>,
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
        if self.find(parent).is_none() {
            self.parents.push(Parent { id: parent.clone(), calls: 0, waiting: Vec::new() });
        }
        self.parents.iter_mut().find(|own| own.id == *parent)
    }

    /// Whether one more call may be under way for a parent.
    pub(super) fn has_room(&self, parent: &ParentId) -> bool {
        self.find(parent).is_none_or(|own| own.calls < OF_ONE)
    }

    /// Whether somebody waits who came earlier.
    pub(super) fn has_queue(&self, parent: &ParentId) -> bool {
        self.find(parent).is_some_and(|own| !own.waiting.is_empty())
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
        let mut due = Vec::new();
        for parent in &mut self.parents {
            let mut room = OF_ONE.saturating_sub(parent.calls).min(most - due.len());
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

    fn crowd(turns: &mut Turns, parent: &ParentId) -> usize {
        let mut begun = 0;
        while turns.has_room(parent) && begun < 1000 {
            turns.begin(parent);
            begun += 1;
        }
        begun
    }

    #[test]
    fn however_many_calls_of_one_parent_are_under_way_there_is_room_for_those_of_others() {
        let [acme, globex] = ["acme", "globex"].map(ParentId::new);
        let mut turns = Turns::default();
        assert_eq!(crowd(&mut turns, &acme), OF_ONE);
        assert_eq!(crowd(&mut turns, &globex), OF_ONE);
        turns.end(&acme);
        assert!(turns.has_room(&acme) && !turns.has_room(&globex));
    }

    #[test]
    fn who_waits_comes_to_their_turn_in_the_order_in_which_they_came_and_nobody_keeps_another_parents_waiting() {
        let [acme, globex] = ["acme", "globex"].map(ParentId::new);
        let mut turns = Turns::default();
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
        assert!(turns.has_queue(&acme), "whoever comes now comes after those who wait");
    }

    #[test]
    fn only_so_many_are_taken_at_once_and_nothing_is_kept_of_who_has_nobody() {
        let acme = ParentId::new("acme");
        let mut turns = Turns::default();
        (0..10).for_each(|request| turns.wait(&acme, request));
        assert_eq!(turns.take_due(3, |_| true), [0, 1, 2]);
        assert_eq!(turns.take_due(32, |_| true), [3, 4, 5, 6, 7, 8, 9]);
        assert!(turns.parents.is_empty() && !turns.has_queue(&acme));
        turns.begin(&acme);
        turns.end(&acme);
        assert_eq!(turns.take_due(32, |_| true), [0_u32; 0]);
        assert!(turns.parents.is_empty());
    }
}
