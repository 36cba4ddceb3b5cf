//! What one worker knows of the feed, and what that says about its sessions and about the store's answers.

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hash, RandomState};
use std::num::NonZero;
use std::time::Duration;

use usher_policy::wire::Position;

use super::Tick;
use super::change::{Change, Entry};
use super::head::Head;
use crate::clock::Now;

/// So many changes are remembered, to tell an answer that is older than one of them.
const RECENT: usize = 4096;

/// When many sessions are to be checked, the last is this much later than the first.
const SPREAD: Duration = Duration::from_secs(10);

/// So many different answers may be ahead of the feed.
const AHEAD: usize = 64;

/// How far one worker has followed the feed.
#[derive(Debug, Default)]
pub(crate) struct Follow {
    place: Option<Place>,
    /// Sessions of an earlier generation may have missed a change.
    generation: u32,
    began_at: Duration,
    /// When the generation before was last known to be current.
    former_current_at: Duration,
    /// When the store last said that there is nothing more than what is here.
    current_at: Duration,
    /// The answers that sessions were made from and that the feed has not reached yet, all of one database: it must come
    /// by each of them.
    ahead: Vec<Ahead>,
    /// The latest changes.
    recent: VecDeque<Recent>,
    hasher: RandomState,
    turn: u32,
}

/// Where a worker stands.
#[derive(Debug)]
struct Place {
    database: String,
    epoch: u64,
    /// The next entry of the ring.
    next: u64,
    beat: u64,
    /// Every change after this number is among the recent ones.
    since: u64,
    since_mark: u64,
}

/// A change that was taken up; of texts, the hashes.
#[derive(Debug)]
struct Recent {
    number: u64,
    mark: u64,
    about: u64,
}

/// An answer of the store that is newer than everything that was taken up.
#[derive(Debug)]
struct Ahead {
    position: Position,
    /// How many polls had brought nothing when it was first looked at.
    quiet: Option<u64>,
}

/// Which changes are in a session already, and its turn among those that are to be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    generation: u32,
    turn: u32,
    /// One more than the number up to which they are.
    beyond: Option<NonZero<u64>>,
}

/// An answer of the store beside the changes that were taken up already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Nothing newer is known about the member.
    Newest,
    /// A later change of the member was taken up already.
    Superseded,
    /// It cannot be told.
    Unknown,
}

impl Order {
    fn of(is_in_this_history: bool, is_superseded: bool) -> Self {
        match (is_in_this_history, is_superseded) {
            (false, _) => Self::Unknown,
            (true, false) => Self::Newest,
            (true, true) => Self::Superseded,
        }
    }
}

impl Stamp {
    /// Whether a change is in the session already. What was true in another generation says nothing about it.
    pub(crate) fn has(&self, number: u64, generation: u32) -> bool {
        self.generation == generation && self.beyond.is_some_and(|beyond| number < beyond.get())
    }

    /// The session has taken up a change.
    pub(crate) fn take_up(&mut self, number: u64, generation: u32) {
        if self.generation == generation && self.beyond.is_some() {
            self.beyond = after(number);
        }
    }
}

impl Follow {
    /// The generation to which changes belong that are taken up now.
    pub(crate) fn generation(&self) -> u32 {
        self.generation
    }

    /// For how long nothing has been heard of the feed; `None` where it was never followed.
    pub(crate) fn silence(&self, now: Now) -> Option<Duration> {
        let has_begun = self.place.is_some() || self.generation > 0;
        has_begun.then(|| now.since(self.current_at.max(self.began_at)))
    }

    /// A member's answer of the store: how it stands to what is known.
    pub(crate) fn order(&self, position: Option<&Position>, organization: &str, member: &str) -> Order {
        let Some(place) = &self.place else { return Order::Newest };
        let Some(position) = position.filter(|position| position.database == place.database) else {
            return Order::Unknown;
        };
        // Most of the time nothing has changed since: then nothing is hashed but the mark.
        let mut newer = self.recent.iter().rev().take_while(|recent| recent.number > position.number).peekable();
        let is_superseded = newer.peek().is_some() && {
            let about = self.hash((organization, member));
            newer.any(|recent| recent.about == about)
        };
        let last = self.recent.iter().rev().find(|recent| recent.number <= position.number);
        let (number, mark) = last.map_or((place.since, place.since_mark), |recent| (recent.number, recent.mark));
        let is_here = number < position.number || (number == position.number && mark == self.hash(&*position.mark));
        Order::of(is_here, is_superseded)
    }

    /// The stamp of a session that is made from the newest answer.
    pub(crate) fn stamp(&mut self, position: Option<&Position>) -> Stamp {
        // Multiples of the golden ratio: however many sessions there are, their turns are spread out evenly.
        self.turn = self.turn.wrapping_add(0x9e37_79b9);
        let beyond = self.follows_from(position).and_then(after);
        Stamp { generation: self.generation, turn: self.turn, beyond }
    }

    /// The number from which a session is kept up to date, if it is.
    fn follows_from(&mut self, position: Option<&Position>) -> Option<u64> {
        let position = position?;
        let reached = self.recent.back().map(|recent| recent.number).or(self.place.as_ref().map(|place| place.since));
        let is_noted = self.ahead.iter().any(|ahead| ahead.position == *position);
        if !is_noted && reached.is_none_or(|reached| reached < position.number) {
            let is_foreign = self.ahead.first().is_some_and(|ahead| ahead.position.database != position.database);
            if is_foreign || self.ahead.len() >= AHEAD {
                return None;
            }
            self.ahead.push(Ahead { position: position.clone(), quiet: None });
        }
        Some(position.number)
    }

    /// Where the feed is to be followed from, where nobody does and this worker has sessions to keep up to date.
    pub(crate) fn start(&self) -> Option<&Position> {
        let oldest = self.ahead.iter().map(|ahead| &ahead.position).min_by_key(|position| position.number);
        oldest.filter(|_| self.place.is_none())
    }

    /// When a session was last known to be as the store has it.
    pub(crate) fn known_at(&self, stamp: Stamp, confirmed_at: Duration) -> Duration {
        let followed_until = match (stamp.beyond, self.generation.wrapping_sub(stamp.generation)) {
            (Some(_), 0) => self.current_at,
            (Some(_), 1) => self.former_current_at,
            _ => Duration::ZERO,
        };
        confirmed_at.max(followed_until)
    }

    /// Whether a session is to be checked with the store: nothing was heard for `max_staleness`, or a change may have been
    /// missed. Either way it is spread out over a quarter of that time, and at most [`SPREAD`].
    pub(crate) fn is_due(&self, stamp: Stamp, confirmed_at: Duration, max_staleness: Duration, now: Now) -> bool {
        let silence = now.since(self.known_at(stamp, confirmed_at));
        let missed = self.generation.wrapping_sub(stamp.generation);
        // Nearly always it is not, and nothing more need be known.
        if missed == 0 && silence < max_staleness {
            return false;
        }
        let own_turn = spread(SPREAD.min(max_staleness / 4), stamp.turn);
        silence >= max_staleness + own_turn
            || match missed {
                0 => false,
                1 => now.since(self.began_at) >= own_turn,
                // It had its time when it missed something before.
                _ => true,
            }
    }

    /// Reads what was published since the last time. An entry counts only when the next one, or the head, goes on from its
    /// end: whoever has lost the race for the head may have written over the entry of the one who won.
    pub(super) fn take_up(&mut self, head: &Head, entry: impl Fn(u64) -> Option<Entry>, now: Now, tick: &mut Tick) {
        let (next, end) = match (&self.place, &head.position) {
            (Some(place), Some(end)) if place.epoch == head.epoch => (place.next, end),
            (Some(_), _) => return self.begin_again(head, now, tick),
            (None, _) => return self.join(head, now, tick),
        };
        if head.sequence < next {
            return self.begin_again(head, now, tick);
        }
        let mut last = Vec::new();
        for sequence in next..head.sequence {
            // What the ring has no more was overwritten: this worker was overtaken.
            let Some(Entry { after, mark, changes }) = entry(sequence) else {
                return self.begin_again(head, now, tick);
            };
            if !self.is_at(after, &mark) {
                return self.begin_again(head, now, tick);
            }
            tick.changes.append(&mut last);
            for change in &changes {
                self.note(change);
                if !self.pass(change.number, &change.mark) {
                    return self.begin_again(head, now, tick);
                }
            }
            last = changes;
        }
        if !self.is_at(end.number, &end.mark) {
            return self.begin_again(head, now, tick);
        }
        tick.changes.append(&mut last);
        if let Some(place) = &mut self.place {
            place.next = head.sequence;
            if place.beat != head.beat {
                place.beat = head.beat;
                self.current_at = now.steady;
            }
        }
        // A poll that brings nothing was at the end of the history; the second one was asked after the answer had come.
        let quiet = head.beat.wrapping_sub(head.sequence);
        let is_beyond = |ahead: &mut Ahead| quiet.wrapping_sub(*ahead.quiet.get_or_insert(quiet)) >= 2;
        if self.ahead.iter_mut().any(is_beyond) {
            self.begin_again(head, now, tick);
        }
    }

    /// Changes may have been missed.
    fn begin_again(&mut self, head: &Head, now: Now, tick: &mut Tick) {
        self.former_current_at = self.current_at;
        self.begin_generation(now, tick);
        self.place = None;
        self.ahead.clear();
        self.recent.clear();
        self.join(head, now, tick);
    }

    /// Begins to follow where the process stands.
    fn join(&mut self, head: &Head, now: Now, tick: &mut Tick) {
        let Some(position) = &head.position else { return };
        let is_foreign = self.ahead.first().is_some_and(|ahead| ahead.position.database != position.database);
        if !self.pass(position.number, &position.mark) || is_foreign {
            self.former_current_at = Duration::ZERO;
            self.ahead.clear();
            self.begin_generation(now, tick);
        }
        self.place = Some(Place {
            database: position.database.clone(),
            epoch: head.epoch,
            next: head.sequence,
            beat: head.beat,
            since: position.number,
            since_mark: self.hash(&*position.mark),
        });
    }

    fn begin_generation(&mut self, now: Now, tick: &mut Tick) {
        self.generation = self.generation.wrapping_add(1);
        self.began_at = now.steady;
        self.current_at = Duration::ZERO;
        tick.is_lost = true;
    }

    fn note(&mut self, change: &Change) {
        let about = self.hash((&*change.organization, &*change.member));
        let mark = self.hash(&*change.mark);
        self.recent.push_back(Recent { number: change.number, mark, about });
        if self.recent.len() > RECENT
            && let Some(oldest) = self.recent.pop_front()
            && let Some(place) = &mut self.place
        {
            (place.since, place.since_mark) = (oldest.number, oldest.mark);
        }
    }

    /// Whether this is the place up to which changes were taken up.
    fn is_at(&self, number: u64, mark: &str) -> bool {
        let here = match self.recent.back() {
            Some(recent) => Some((recent.number, recent.mark)),
            None => self.place.as_ref().map(|place| (place.since, place.since_mark)),
        };
        here == Some((number, self.hash(mark)))
    }

    /// The feed has come to this place: says whether it came by every answer up to there.
    fn pass(&mut self, number: u64, mark: &str) -> bool {
        let mut is_here = true;
        self.ahead.retain(|Ahead { position, .. }| {
            is_here &= position.number > number || (position.number == number && position.mark == mark);
            position.number > number
        });
        is_here
    }

    fn hash(&self, what: impl Hash) -> u64 {
        self.hasher.hash_one(what)
    }
}

fn after(number: u64) -> Option<NonZero<u64>> {
    NonZero::new(number.checked_add(1)?)
}

/// A turn's part of a time: from none for 0 to nearly all for the greatest.
fn spread(time: Duration, turn: u32) -> Duration {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(micros.saturating_mul(u64::from(turn)) >> 32)
}
