//! When upkeep may forget what is old: never at once by a clock that has leapt ahead, whose mistake nothing could make good.

use std::sync::PoisonError;
use std::time::Duration;

use super::Membership;
use crate::database::{DatabaseError, Lane, Upkeep};

/// How often it is noted that upkeep was there, in seconds.
const HOUR: u64 = 60 * 60;

/// A clock that is further ahead of the last note has leapt; nothing is forgotten until so much later. In seconds. What is less
/// makes nobody forgotten who would not be soon, and a store that is switched off every night is none that leaps.
const DAY: u64 = 24 * HOUR;

impl Upkeep {
    /// What is noted next. Time in which no store was running looks like a leap, and only puts off what is to be forgotten.
    fn next(last: Option<Self>, now: u64) -> Self {
        let leaps = last.is_some_and(|last| now.saturating_sub(last.at) > DAY);
        Self { at: now, leapt_at: if leaps { Some(now) } else { last.and_then(|last| last.leapt_at) } }
    }

    /// Whether by a clock that shows this nothing is forgotten. One that was put right again is as good as any.
    fn rests(self, now: u64) -> bool {
        self.leapt_at.is_some_and(|since| now.checked_sub(since).is_some_and(|rested| rested < DAY))
    }
}

impl Membership {
    /// Whether what is old by a clock that shows `now` may be forgotten.
    ///
    /// # Errors
    /// When the database does not answer: then nothing may.
    pub(crate) async fn may_forget(&self, now: Duration) -> Result<bool, DatabaseError> {
        let now = now.as_secs();
        let noted = *self.upkeep.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(noted) = noted
            && now.abs_diff(noted.at) < HOUR
        {
            return Ok(!noted.rests(now));
        }
        // In the database, where it outlives a restart, and where a replica whose clock is right contradicts one whose clock is not.
        let mut transaction = self.database.write(Lane::Short).await?;
        let last = transaction.last_upkeep().await?;
        let next = Upkeep::next(last, now);
        transaction.note_upkeep(next).await?;
        transaction.commit().await?;
        if let Some(last) = last
            && last.leapt_at != next.leapt_at
        {
            let ahead = now.saturating_sub(last.at);
            tracing::warn!(
                seconds = ahead,
                "the clock has gone ahead since the store last looked, or the store was not running: for a day of this clock \
                 no tickets and no audit are forgotten; put it right if it is wrong"
            );
            self.metrics.clock_leap();
        }
        *self.upkeep.lock().unwrap_or_else(PoisonError::into_inner) = Some(next);
        Ok(!next.rests(now))
    }
}

#[cfg(test)]
mod tests {
    use super::{DAY, HOUR, Upkeep};

    fn at(at: u64) -> Upkeep {
        Upkeep { at, leapt_at: None }
    }

    #[test]
    fn a_clock_leaps_that_is_more_than_a_day_ahead_of_the_last_note() {
        let begin = 100 * DAY;
        assert_eq!(Upkeep::next(None, begin), at(begin), "of a new database nothing is known");
        for (now, leaps) in [(begin, false), (begin + DAY, false), (begin + DAY + 1, true), (0, false)] {
            let leapt_at = leaps.then_some(now);
            assert_eq!(Upkeep::next(Some(at(begin)), now), Upkeep { at: now, leapt_at }, "{now}");
        }
    }

    #[test]
    fn after_a_leap_nothing_is_forgotten_for_a_day_by_that_clock() {
        let leapt = Upkeep::next(Some(at(0)), 90 * DAY);
        let later = Upkeep::next(Some(leapt), 90 * DAY + HOUR);
        for (ahead, rests) in [(0, true), (HOUR, true), (DAY - 1, true), (DAY, false)] {
            assert_eq!(later.rests(90 * DAY + ahead), rests, "{ahead}");
        }
        let again = Upkeep::next(Some(later), 180 * DAY);
        assert!(again.rests(180 * DAY + HOUR));
        let right = Upkeep::next(Some(again), HOUR);
        assert!(!right.rests(HOUR), "a clock that was put right");
    }
}
