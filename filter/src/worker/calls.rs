//! Calls to the store that are under way, and who waits for each: logins that ask the same share one, and those of one parent
//! leave room for those of others.

use std::time::Duration;

use hashbrown::HashTable;
use usher_policy::id::{OrganizationId, ParentId};

use super::numbered::{self, Numbered};
use super::turns::Turns;
use crate::credential::Credential;

/// Of a credential so many bytes at its end are its hash: there a verified assertion has its signature. Whoever signs might choose
/// them to collide, but has no more calls under way than one parent may.
const HASHED: usize = 8;

/// The calls of one worker.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// By the token under which the answer comes. The host answers to whichever context was running when the call was made,
    /// so both kinds of context look here.
    under_way: Numbered<Call>,
    /// The calls with a question, by its hash.
    questions: HashTable<u32>,
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
    question: Option<Question>,
    asked_at: Duration,
    /// Whose turn it takes.
    parent: Option<ParentId>,
}

/// What is asked, where others may ask the same: a login is known by organization and credential.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Question {
    hash: u64,
    organization: OrganizationId,
    credential: Credential,
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
    /// A question, with its hash.
    pub(super) fn question(organization: OrganizationId, credential: Credential) -> Question {
        let end = credential.bytes.last_chunk::<HASHED>().map_or(0, |end| u64::from_le_bytes(*end));
        Question { hash: numbered::spread(end), organization, credential }
    }

    /// What a request does; with a question others may have asked the same. Who takes no turn of a parent never waits for one,
    /// and a newcomer passes nobody who does.
    pub(super) fn step(
        &mut self,
        request: u32,
        question: Option<&Question>,
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
    fn join(&mut self, question: &Question, request: u32) -> Option<(u32, Duration)> {
        let asks = |token: &u32| self.under_way.get(token).is_some_and(|call| call.question.as_ref() == Some(question));
        let token = *self.questions.find(question.hash, asks)?;
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
        question: Option<Question>,
        asked_at: Duration,
    ) {
        if let Some(question) = &question {
            let hash_of = |token: &u32| hash_of(self.under_way.get(token));
            self.questions.insert_unique(question.hash, token, hash_of);
        }
        if let Some(parent) = &parent {
            self.turns.begin(parent);
        }
        self.under_way.insert(token, Call { maker: request, waiting: vec![request], question, asked_at, parent });
    }

    /// A call has been answered: who waits for it. `None` where it is none of these.
    pub(super) fn end(&mut self, token: u32) -> Option<Vec<u32>> {
        let call = self.under_way.remove(&token)?;
        if let Ok(question) = self.questions.find_entry(hash_of(Some(&call)), |other| *other == token) {
            question.remove();
        }
        if let Some(parent) = &call.parent {
            self.turns.end(parent);
        }
        Some(call.waiting)
    }

    /// Whether a call is still to be answered.
    pub(super) fn is_under_way(&self, token: u32) -> bool {
        self.under_way.contains_key(&token)
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

fn hash_of(call: Option<&Call>) -> u64 {
    call.and_then(|call| call.question.as_ref()).map_or(0, |question| question.hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Duration = Duration::from_secs(7);

    fn question(organization: &str, credential: &[u8]) -> Question {
        Calls::question(OrganizationId::new(organization), Credential { bytes: credential.into() })
    }

    fn join(calls: &mut Calls, credential: &[u8], request: u32) -> Option<(u32, Duration)> {
        let question = question("acme-chat", credential);
        calls.join(&question, request)
    }

    fn begin(calls: &mut Calls, token: u32, request: u32, credential: &[u8]) {
        let question = question("acme-chat", credential);
        calls.begin(token, request, None, Some(question), T);
    }

    fn asked() -> Calls {
        let mut calls = Calls::default();
        assert_eq!(join(&mut calls, b"ada", 1), None);
        begin(&mut calls, 100, 1, b"ada");
        assert_eq!(join(&mut calls, b"ada", 2), Some((100, T)));
        assert_eq!(join(&mut calls, b"ada", 3), Some((100, T)));
        assert_eq!(join(&mut calls, b"bob", 4), None);
        let elsewhere = question("globex-chat", b"ada");
        assert_eq!(calls.join(&elsewhere, 5), None, "the same credential in another organization is another question");
        calls
    }

    #[test]
    fn whoever_asks_the_same_waits_for_the_same_call_until_it_is_answered() {
        let mut calls = asked();
        assert_eq!(calls.end(100), Some(vec![1, 2, 3]));
        assert_eq!(calls.end(100), None);
        assert_eq!(join(&mut calls, b"ada", 5), None, "an answer that came is none for whoever asks later");
    }

    #[test]
    fn who_leaves_is_not_answered_and_a_call_that_nobody_waits_for_is_no_more_joined() {
        let mut calls = asked();
        calls.leave(100, 2);
        calls.leave(100, 1);
        assert_eq!(join(&mut calls, b"ada", 5), Some((100, T)));
        calls.leave(100, 3);
        calls.leave(100, 5);
        assert_eq!(join(&mut calls, b"ada", 6), None);
        assert_eq!(calls.end(100), None);
    }

    #[test]
    fn the_others_ask_again_when_the_request_that_made_the_call_is_over() {
        let mut calls = asked();
        calls.abandon(100, 3);
        assert!(calls.take_orphans(9).is_empty(), "it was not the maker");
        calls.abandon(100, 1);
        assert_eq!(join(&mut calls, b"ada", 5), None);
        assert_eq!(calls.take_orphans(9), [2]);
        assert!(calls.take_orphans(9).is_empty());
        assert_eq!(calls.end(100), None);
    }

    #[test]
    fn a_call_without_a_question_is_for_its_maker_alone() {
        let mut calls = Calls::default();
        calls.begin(100, 1, None, None, T);
        assert_eq!(join(&mut calls, b"ada", 2), None);
        assert_eq!(calls.end(100), Some(vec![1]));
        // Of two calls with one question the one that is under way is joined.
        begin(&mut calls, 101, 1, b"ada");
        begin(&mut calls, 102, 2, b"ada");
        calls.end(101);
        assert_eq!(join(&mut calls, b"ada", 3), Some((102, T)));
    }

    #[test]
    fn questions_that_end_alike_are_told_apart_and_of_thousands_each_is_found() {
        let mut calls = Calls::default();
        let text = |number: u32| [&number.to_le_bytes()[..], &[b's'; HASHED]].concat();
        for number in 0..3_000 {
            assert_eq!(join(&mut calls, &text(number), number), None);
            begin(&mut calls, 10_000 + number, number, &text(number));
        }
        for number in (0..3_000).step_by(2) {
            assert_eq!(calls.end(10_000 + number), Some(vec![number]));
        }
        for number in 0..3_000 {
            let expected = (number % 2 == 1).then_some((10_000 + number, T));
            assert_eq!(join(&mut calls, &text(number), 5_000), expected);
        }
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
            let question = question("acme-chat", &token.to_le_bytes());
            calls.begin(token, token, Some(acme.clone()), Some(question), T);
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
        let question = question("acme-chat", &1_u32.to_le_bytes());
        assert_eq!(calls.step(52, Some(&question), Some(&acme), true), Step::Join(1, T));
    }
}
