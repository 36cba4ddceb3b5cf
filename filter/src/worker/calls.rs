//! Calls to the store that are under way, and who waits for each: logins that ask the same share one, and those of one parent
//! leave room for those of others.

use std::collections::HashMap;
use std::time::Duration;

use usher_policy::id::ParentId;

use super::turns::Turns;

/// The calls of one worker.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// By the token under which the answer comes. The host answers to whichever context was running when the call was made,
    /// so both kinds of context look here.
    under_way: HashMap<u32, Call>,
    /// From what is asked to the call that asks it.
    questions: HashMap<Vec<u8>, u32>,
    /// Requests whose call went away with the request that had made it.
    orphans: Vec<u32>,
    /// Of which parent how many are under way, and who waits until there are fewer.
    pub(super) turns: Turns,
}

#[derive(Debug)]
struct Call {
    /// The request in whose context it was made: the host ends it with that.
    maker: u32,
    /// Everyone who waits for the answer.
    waiting: Vec<u32>,
    question: Option<Vec<u8>>,
    asked_at: Duration,
    /// Whose turn it takes.
    parent: Option<ParentId>,
}

/// What a request does that has a question for the store.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Ask.
    Call,
    /// Wait for the answer to the same question, asked under this token since then.
    Join(u32, Duration),
    /// Wait for its turn.
    Wait,
}

impl Calls {
    /// What a request does; with a question others may have asked the same. Who takes no turn of a parent never waits for one,
    /// and a newcomer passes nobody who does.
    pub(super) fn step(
        &mut self,
        request: u32,
        question: Option<&[u8]>,
        parent: Option<&ParentId>,
        is_newcomer: bool,
    ) -> Step {
        if let Some((token, asked_at)) = question.and_then(|question| self.join(question, request)) {
            return Step::Join(token, asked_at);
        }
        match parent {
            Some(parent) if !self.turns.admits(parent, is_newcomer) => {
                self.turns.wait(parent, request);
                Step::Wait
            }
            Some(_) | None => Step::Call,
        }
    }

    /// A request waits for the answer to the same question, where somebody has asked it: under this token, since then.
    fn join(&mut self, question: &[u8], request: u32) -> Option<(u32, Duration)> {
        let token = *self.questions.get(question)?;
        let call = self.under_way.get_mut(&token)?;
        call.waiting.push(request);
        Some((token, call.asked_at))
    }

    /// A call was made, in the turn of a parent where it takes one. With a question others may join it.
    pub(super) fn begin(
        &mut self,
        token: u32,
        request: u32,
        parent: Option<ParentId>,
        question: Option<Vec<u8>>,
        asked_at: Duration,
    ) {
        if let Some(question) = &question {
            self.questions.insert(question.clone(), token);
        }
        if let Some(parent) = &parent {
            self.turns.begin(parent);
        }
        self.under_way.insert(token, Call { maker: request, waiting: vec![request], question, asked_at, parent });
    }

    /// A call has been answered: who waits for it. `None` where it is none of these.
    pub(super) fn end(&mut self, token: u32) -> Option<Vec<u32>> {
        let call = self.under_way.remove(&token)?;
        if let Some(question) = &call.question
            && self.questions.get(question) == Some(&token)
        {
            self.questions.remove(question);
        }
        if let Some(parent) = &call.parent {
            self.turns.end(parent);
        }
        Some(call.waiting)
    }

    /// A request waits no more for a call.
    pub(super) fn leave(&mut self, token: u32, request: u32) {
        let Some(call) = self.under_way.get_mut(&token) else { return };
        call.waiting.retain(|waiting| *waiting != request);
        if call.waiting.is_empty() {
            self.end(token);
        }
    }

    /// A request is over. What it has asked ends with it; who else waits for that must ask again.
    pub(super) fn abandon(&mut self, token: u32, request: u32) {
        let is_maker = self.under_way.get(&token).is_some_and(|call| call.maker == request);
        self.leave(token, request);
        if is_maker && let Some(waiting) = self.end(token) {
            self.orphans.extend(waiting);
        }
    }

    /// So many of those who must ask again, each once.
    pub(super) fn take_orphans(&mut self, most: usize) -> Vec<u32> {
        self.orphans.split_off(self.orphans.len().saturating_sub(most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Duration = Duration::from_secs(7);

    fn asked() -> Calls {
        let mut calls = Calls::default();
        assert_eq!(calls.join(b"ada", 1), None);
        calls.begin(100, 1, None, Some(b"ada".to_vec()), T);
        assert_eq!(calls.join(b"ada", 2), Some((100, T)));
        assert_eq!(calls.join(b"ada", 3), Some((100, T)));
        assert_eq!(calls.join(b"bob", 4), None);
        calls
    }

    #[test]
    fn whoever_asks_the_same_waits_for_the_same_call_until_it_is_answered() {
        let mut calls = asked();
        assert_eq!(calls.end(100), Some(vec![1, 2, 3]));
        assert_eq!(calls.end(100), None);
        assert_eq!(calls.join(b"ada", 5), None, "an answer that came is none for whoever asks later");
    }

    #[test]
    fn who_leaves_is_not_answered_and_a_call_that_nobody_waits_for_is_no_more_joined() {
        let mut calls = asked();
        calls.leave(100, 2);
        calls.leave(100, 1);
        assert_eq!(calls.join(b"ada", 5), Some((100, T)));
        calls.leave(100, 3);
        calls.leave(100, 5);
        assert_eq!(calls.join(b"ada", 6), None);
        assert_eq!(calls.end(100), None);
    }

    #[test]
    fn the_others_ask_again_when_the_request_that_made_the_call_is_over() {
        let mut calls = asked();
        calls.abandon(100, 3);
        assert!(calls.take_orphans(9).is_empty(), "it was not the maker");
        calls.abandon(100, 1);
        assert_eq!(calls.join(b"ada", 5), None);
        assert_eq!(calls.take_orphans(9), [2]);
        assert!(calls.take_orphans(9).is_empty());
        assert_eq!(calls.end(100), None);
    }

    #[test]
    fn a_call_without_a_question_is_for_its_maker_alone() {
        let mut calls = Calls::default();
        calls.begin(100, 1, None, None, T);
        assert_eq!(calls.join(b"ada", 2), None);
        assert_eq!(calls.end(100), Some(vec![1]));
        // The newer of two calls with one question is the one that is joined.
        calls.begin(101, 1, None, Some(b"ada".to_vec()), T);
        calls.begin(102, 2, None, Some(b"ada".to_vec()), T);
        calls.end(101);
        assert_eq!(calls.join(b"ada", 3), Some((102, T)));
    }

    #[test]
    fn a_call_takes_a_turn_until_it_ends_however_that_is() {
        let acme = ParentId::new("acme");
        let mut calls = Calls::default();
        let ends: [fn(&mut Calls); 3] =
            [|calls| drop(calls.end(1)), |calls| calls.leave(1, 1), |calls| calls.abandon(1, 1)];
        for end in ends {
            for token in 1.. {
                if !calls.turns.admits(&acme, true) {
                    break;
                }
                calls.begin(token, token, Some(acme.clone()), None, T);
            }
            end(&mut calls);
            assert!(calls.turns.admits(&acme, true));
            calls.begin(1, 1, Some(acme.clone()), None, T);
            assert!(!calls.turns.admits(&acme, true));
        }
    }

    /// As many calls of this parent as there may be, from token 1 on, and request 50 that waits for its turn.
    fn full(acme: &ParentId) -> Calls {
        let mut calls = Calls::default();
        for token in 1_u32.. {
            if !calls.turns.admits(acme, true) {
                break;
            }
            calls.begin(token, token, Some(acme.clone()), Some(token.to_le_bytes().to_vec()), T);
        }
        assert_eq!(calls.step(50, None, Some(acme), true), Step::Wait);
        calls
    }

    #[test]
    fn a_newcomer_passes_nobody_who_waits_and_who_comes_to_their_turn_asks() {
        let [acme, globex] = ["acme", "globex"].map(ParentId::new);
        let mut calls = full(&acme);
        calls.end(1);
        assert_eq!(calls.step(51, None, Some(&acme), true), Step::Wait, "50 came earlier");
        assert_eq!(calls.step(52, None, Some(&globex), true), Step::Call);
        assert_eq!(calls.turns.take_due(1, |_| true), [50]);
        assert_eq!(calls.step(50, None, Some(&acme), false), Step::Call, "51 came later");
    }

    #[test]
    fn who_takes_no_turn_asks_at_once_and_who_asks_the_same_as_another_waits_for_no_turn() {
        let acme = ParentId::new("acme");
        let mut calls = full(&acme);
        assert_eq!(calls.step(51, None, None, true), Step::Call);
        assert_eq!(calls.step(52, Some(&1_u32.to_le_bytes()), Some(&acme), true), Step::Join(1, T));
    }
}
