//! Checking a session that is due with the store: one question at a time, and what other requests of it do meanwhile.

use std::time::Duration;

/// How far the checking of a session has come. A session that is not due has none of it, and no room for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Check(Option<Box<Tries>>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tries {
    asked: Option<Duration>,
    failed: Option<Duration>,
}

/// What a request does that finds its session due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Ask the store, and wait for the answer.
    Ask,
    /// Go on with the session as it is.
    Pass,
    /// Be denied: nobody knows whether the session is still good.
    Refuse,
}

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Patience {
    /// An answer that has not come after this long will not come.
    pub(crate) answer: Duration,
    /// After the store could not be reached, a session that is kept is checked again after this long.
    pub(crate) retry: Duration,
}

impl Check {
    /// Whether it has not begun.
    pub(crate) fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// What the next request does. `is_kept` says whether the session may go on while the store cannot be reached.
    pub(crate) fn step(&mut self, now: Duration, patience: Patience, is_kept: bool) -> Step {
        self.0.get_or_insert_default().step(now, patience, is_kept)
    }

    /// The store could not be reached.
    pub(crate) fn fail(&mut self, now: Duration) {
        *self.0.get_or_insert_default().as_mut() = Tries { asked: None, failed: Some(now) };
    }
}

impl Tries {
    fn step(&mut self, now: Duration, patience: Patience, is_kept: bool) -> Step {
        let is_recent =
            |moment: Option<Duration>, longest| moment.is_some_and(|then| now.saturating_sub(then) < longest);
        if is_recent(self.asked, patience.answer) {
            // Until the first answer the session is as good as it was a moment ago.
            return if self.failed.is_none() || is_kept { Step::Pass } else { Step::Refuse };
        }
        if is_kept && is_recent(self.failed, patience.retry) {
            return Step::Pass;
        }
        if self.asked.is_some() {
            // The answer was lost.
            self.failed = Some(now);
        }
        self.asked = Some(now);
        Step::Ask
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience { answer: Duration::from_secs(2), retry: Duration::from_secs(30) };

    fn step(check: &mut Check, seconds: u64, is_kept: bool) -> Step {
        check.step(Duration::from_secs(seconds), PATIENCE, is_kept)
    }

    #[test]
    fn one_request_asks_and_the_others_go_on_until_the_first_answer() {
        let mut check = Check::default();
        assert_eq!(step(&mut check, 10, false), Step::Ask);
        assert_eq!(step(&mut check, 10, false), Step::Pass);
        assert_eq!(step(&mut check, 11, false), Step::Pass);
    }

    #[test]
    fn once_the_store_could_not_be_reached_nobody_passes_without_an_answer() {
        let mut check = Check::default();
        assert_eq!(step(&mut check, 10, false), Step::Ask);
        check.fail(Duration::from_secs(11));
        assert_eq!(step(&mut check, 11, false), Step::Ask);
        assert_eq!(step(&mut check, 11, false), Step::Refuse);
        assert_eq!(step(&mut check, 12, false), Step::Refuse);
    }

    #[test]
    fn an_answer_that_was_lost_is_none() {
        let mut check = Check::default();
        assert_eq!(step(&mut check, 10, false), Step::Ask);
        assert_eq!(step(&mut check, 12, false), Step::Ask);
        assert_eq!(step(&mut check, 13, false), Step::Refuse);
    }

    #[test]
    fn a_session_that_is_kept_is_asked_about_once_in_a_while() {
        let mut check = Check::default();
        assert_eq!(step(&mut check, 10, true), Step::Ask);
        check.fail(Duration::from_secs(11));
        for seconds in [11, 40] {
            assert_eq!(step(&mut check, seconds, true), Step::Pass);
        }
        assert_eq!(step(&mut check, 41, true), Step::Ask);
        assert_eq!(step(&mut check, 41, true), Step::Pass);
        check.fail(Duration::from_secs(42));
        // It was kept for as long as it may be.
        assert_eq!(step(&mut check, 43, false), Step::Ask);
    }
}
