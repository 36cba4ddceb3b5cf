//! How much of one customer is worked on at once: however much of theirs there is, the others' is done too.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot::{self, error::RecvError};
use usher_policy::id::ParentId;

/// So many of the places that all share are only for those who have none yet.
const FOR_NEWCOMERS: usize = 3;

/// A few places for those who must not keep the others waiting.
#[derive(Clone)]
pub(crate) struct Places(Arc<Mutex<State>>);

struct State {
    /// How many places are left, of all customers together.
    free: usize,
    /// How many places one may have, whatever is left.
    of_one: usize,
    /// Who has places, and how many.
    taken: HashMap<ParentId, usize>,
    /// Who waits, in the order in which they came.
    waiting: BTreeMap<u64, (ParentId, oneshot::Sender<()>)>,
    /// How many have come.
    came: u64,
}

impl Places {
    /// Each customer has so many of their own.
    pub(crate) fn for_each(of_one: usize) -> Self {
        Self::with(usize::MAX, of_one)
    }

    /// All customers share so many. Nobody has more of them than they leave to the others, and the last few are for those
    /// who have none.
    pub(crate) fn shared(all: usize) -> Self {
        Self::with(all, usize::MAX)
    }

    fn with(free: usize, of_one: usize) -> Self {
        let state = State { free, of_one, taken: HashMap::new(), waiting: BTreeMap::new(), came: 0 };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Waits for a place, of those who may have one in the order in which they came. It is free again when what this gives
    /// is dropped.
    ///
    /// # Errors
    /// Never: who waits is forgotten only when they wait no more.
    pub(crate) async fn take(&self, whose: &ParentId) -> Result<Place, RecvError> {
        let (call, called) = oneshot::channel();
        let number = {
            let mut state = self.state();
            state.came += 1;
            let number = state.came;
            state.waiting.insert(number, (whose.clone(), call));
            state.call();
            number
        };
        // From here on it is given back, whoever drops this.
        let place = Place { places: self.clone(), whose: whose.clone(), number };
        called.await.map(|()| place)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn may_have_another(&self, whose: &ParentId) -> bool {
        let has = self.taken.get(whose).copied().unwrap_or_default();
        let is_left = if has == 0 { self.free > 0 } else { self.free > has.saturating_add(FOR_NEWCOMERS) };
        is_left && has < self.of_one
    }

    /// Gives places to those who may have them.
    fn call(&mut self) {
        while let Some(next) = self.waiting.iter().find(|(_, (whose, _))| self.may_have_another(whose)) {
            let number = *next.0;
            let Some((whose, call)) = self.waiting.remove(&number) else { return };
            self.free -= 1;
            *self.taken.entry(whose).or_default() += 1;
            // Who no longer waits gives it back.
            let _ = call.send(());
        }
    }

    fn leave(&mut self, whose: &ParentId) {
        self.free = self.free.saturating_add(1);
        if let Some(has) = self.taken.get_mut(whose) {
            *has -= 1;
            if *has == 0 {
                self.taken.remove(whose);
            }
        }
        self.call();
    }
}

/// A place that somebody has, or waits for.
pub(crate) struct Place {
    places: Places,
    whose: ParentId,
    number: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.places.state();
        if state.waiting.remove(&self.number).is_none() {
            state.leave(&self.whose);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn parent(name: &str) -> ParentId {
        ParentId::new(name)
    }

    /// The place, where it is to be had at once.
    fn at_once(taking: Pin<&mut impl Future<Output = Result<Place, RecvError>>>) -> Option<Place> {
        match taking.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(place) => Some(place.unwrap()),
            Poll::Pending => None,
        }
    }

    /// As many as one gets.
    fn all_of(places: &Places, name: &str) -> Vec<Place> {
        let whose = parent(name);
        std::iter::from_fn(|| at_once(pin!(places.take(&whose)))).take(1_000).collect()
    }

    fn is_empty(places: &Places) -> bool {
        let state = places.state();
        state.taken.is_empty() && state.waiting.is_empty()
    }

    #[test]
    fn a_customer_waits_for_itself_alone() {
        let places = Places::for_each(2);
        let acme = parent("acme");
        let first = at_once(pin!(places.take(&acme))).unwrap();
        let second = at_once(pin!(places.take(&acme))).unwrap();
        let mut third = pin!(places.take(&acme));
        assert!(at_once(third.as_mut()).is_none());
        assert_eq!(all_of(&places, "globex").len(), 2);
        drop(first);
        assert!(at_once(third.as_mut()).is_some());
        drop(second);
        assert!(is_empty(&places), "whoever has no request under way is forgotten");
    }

    #[test]
    fn however_many_one_asks_for_there_is_one_for_the_others() {
        let places = Places::shared(12);
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let taken = names.map(|name| all_of(&places, name));
        assert_eq!(taken.each_ref().map(Vec::len), [5, 2, 1, 1, 1, 1, 1, 0]);
        assert_eq!(places.state().free, 0);
        let [first, ..] = taken;
        drop(first);
        assert_eq!(all_of(&places, "h").len(), 1, "to begin with");
    }

    #[test]
    fn places_go_to_those_who_may_have_them_in_the_order_in_which_they_came() {
        let places = Places::shared(2);
        let (acme, globex) = (parent("acme"), parent("globex"));
        let mut has = all_of(&places, "acme");
        has.extend(all_of(&places, "globex"));
        assert_eq!(has.len(), 2);
        let [mut first, mut second] = [&acme, &acme].map(|whose| Box::pin(places.take(whose)));
        let mut third = Box::pin(places.take(&globex));
        for waiting in [&mut first, &mut second, &mut third] {
            assert!(at_once(waiting.as_mut()).is_none());
        }
        drop(has.pop());
        assert!(at_once(first.as_mut()).is_none(), "one that acme has is enough while others have none");
        let of_globex = at_once(third.as_mut()).unwrap();
        drop(has);
        let of_acme = at_once(first.as_mut()).unwrap();
        assert!(at_once(second.as_mut()).is_none());
        drop((of_globex, of_acme));
        assert!(at_once(second.as_mut()).is_some());
        assert!(is_empty(&places));
    }

    #[test]
    fn whoever_gives_up_keeps_no_place_and_nobody_waiting() {
        let places = Places::for_each(1);
        let acme = parent("acme");
        let has = at_once(pin!(places.take(&acme))).unwrap();
        let [mut first, mut second, mut third] = [(); 3].map(|()| Box::pin(places.take(&acme)));
        for waiting in [&mut first, &mut second, &mut third] {
            assert!(at_once(waiting.as_mut()).is_none());
        }
        drop(first);
        drop(has);
        // The second was called, and does not hear it any more.
        drop(second);
        assert!(at_once(third.as_mut()).is_some());
        assert!(is_empty(&places));
    }
}
