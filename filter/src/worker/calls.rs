//! Calls to the store that are under way, and who waits for each: logins that ask the same share one, and those of one parent
//! leave room for those of others.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use usher_policy::model::Parent;

/// So many calls of one parent are under way at once in a worker, and further ones wait for their turn: however slowly they are
/// answered, Envoy has connections to the store for others.
const OF_ONE: usize = 32;

/// The calls of one worker.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// By the token under which the answer comes. The host answers to whichever context was running when the call was made,
    /// so both kinds of context look here.
    under_way: HashMap<u32, Call>,
    /// From what is asked to the call that asks it.
    questions: HashMap<Vec<u8>, u32>,
    /// Requests without a call: it went away with the request that had made it, or there was no room for one.
    callless: Vec<u32>,
}

#[derive(Debug)]
struct Call {
    /// The request in whose context it was made: the host ends it with that.
    maker: u32,
    /// Everyone who waits for the answer.
    waiting: Vec<u32>,
    question: Option<Vec<u8>>,
    asked_at: Duration,
    parent: Arc<Parent>,
}

impl Calls {
    /// A request waits for the answer to the same question, where somebody has asked it: under this token, since then.
    pub(super) fn join(&mut self, question: &[u8], request: u32) -> Option<(u32, Duration)> {
        let token = *self.questions.get(question)?;
        let call = self.under_way.get_mut(&token)?;
        call.waiting.push(request);
        Some((token, call.asked_at))
    }

    /// Whether one more call may be made for this parent.
    pub(super) fn has_room(&self, parent: &Arc<Parent>) -> bool {
        self.under_way.values().filter(|call| Arc::ptr_eq(&call.parent, parent)).count() < OF_ONE
    }

    /// A request waits until there is room for its call.
    pub(super) fn wait(&mut self, request: u32) {
        self.callless.push(request);
    }

    /// A call was made. With a question others may join it.
    pub(super) fn begin(
        &mut self,
        token: u32,
        request: u32,
        parent: &Arc<Parent>,
        question: Option<Vec<u8>>,
        asked_at: Duration,
    ) {
        if let Some(question) = &question {
            self.questions.insert(question.clone(), token);
        }
        let (waiting, parent) = (vec![request], Arc::clone(parent));
        self.under_way.insert(token, Call { maker: request, waiting, question, asked_at, parent });
    }

    /// A call has been answered: who waits for it. `None` where it is none of these.
    pub(super) fn end(&mut self, token: u32) -> Option<Vec<u32>> {
        let call = self.under_way.remove(&token)?;
        if let Some(question) = &call.question
            && self.questions.get(question) == Some(&token)
        {
            self.questions.remove(question);
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
            self.callless.extend(waiting);
        }
    }

    /// So many of those who have no call, each once, those first who have waited longest.
    pub(super) fn take_callless(&mut self, most: usize) -> Vec<u32> {
        let later = self.callless.split_off(most.min(self.callless.len()));
        std::mem::replace(&mut self.callless, later)
    }
}

#[cfg(test)]
mod tests {
    use usher_policy_file::from_json;

    use super::*;

    const T: Duration = Duration::from_secs(7);

    fn a_parent() -> Arc<Parent> {
        from_json(include_bytes!("../../testdata/policy.json")).unwrap().parents.remove(0)
    }

    fn asked() -> Calls {
        let mut calls = Calls::default();
        assert_eq!(calls.join(b"ada", 1), None);
        calls.begin(100, 1, &a_parent(), Some(b"ada".to_vec()), T);
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
        assert!(calls.take_callless(9).is_empty(), "it was not the maker");
        calls.abandon(100, 1);
        assert_eq!(calls.join(b"ada", 5), None);
        assert_eq!(calls.take_callless(9), [2]);
        assert!(calls.take_callless(9).is_empty());
        assert_eq!(calls.end(100), None);
    }

    #[test]
    fn a_call_without_a_question_is_for_its_maker_alone() {
        let mut calls = Calls::default();
        calls.begin(100, 1, &a_parent(), None, T);
        assert_eq!(calls.join(b"ada", 2), None);
        assert_eq!(calls.end(100), Some(vec![1]));
        // The newer of two calls with one question is the one that is joined.
        calls.begin(101, 1, &a_parent(), Some(b"ada".to_vec()), T);
        calls.begin(102, 2, &a_parent(), Some(b"ada".to_vec()), T);
        calls.end(101);
        assert_eq!(calls.join(b"ada", 3), Some((102, T)));
    }

    #[test]
    fn however_many_calls_of_one_parent_are_under_way_there_is_room_for_those_of_others() {
        let (acme, globex) = (a_parent(), a_parent());
        let mut calls = Calls::default();
        let mut token = 0;
        let mut crowd = |calls: &mut Calls, parent: &Arc<Parent>| {
            let begun = token;
            while calls.has_room(parent) && token < begun + 1000 {
                calls.begin(token, token, parent, None, T);
                token += 1;
            }
            (token - begun) as usize
        };
        assert_eq!(crowd(&mut calls, &acme), OF_ONE);
        assert_eq!(crowd(&mut calls, &globex), OF_ONE);
        calls.end(0);
        assert!(calls.has_room(&acme));
        assert_eq!(crowd(&mut calls, &acme), 1);
        // Who finds none waits, in the order in which they came.
        [7, 8, 9].into_iter().for_each(|request| calls.wait(request));
        assert_eq!(calls.take_callless(2), [7, 8]);
        assert_eq!(calls.take_callless(2), [9]);
    }
}
