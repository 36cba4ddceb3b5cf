//! The one place where what was decided becomes host calls.

use usher_policy::Reason;
use usher_policy::model::{CredentialSource, DenialPages, Enforcement};

use super::calls::{Calls, Step};
use super::request_headers::RequestHeaders;
use super::{Scene, Waiting, Worker};
use crate::credential;
use crate::flow::{Allow, Deny, ExpectKeys, ExpectStore, Next, Passage};
use crate::host::{self, Action, HostError};
use crate::keys::Ask;
use crate::log_line::{self, Denial};
use crate::metrics::Counter;
use crate::reply::{self, Preference, Reply};
use crate::store_call::{self, NoAnswer};
use crate::tags::{self, Fact};
use crate::trace_context;

/// A request looks for newer keys once or twice and asks the store once; whatever wants more steps than that is denied.
const MAX_STEPS: usize = 8;

/// So many headers a call to the store has at most.
const MOST_HEADERS: usize = 9;

impl Worker {
    /// Does what was decided, until the request goes on, is turned away or waits.
    // Apart, so that the way of a session is short code: it calls `allow` itself.
    #[cold]
    #[inline(never)]
    pub(super) fn perform(&mut self, scene: Scene, next: Next, headers: &RequestHeaders) -> Result<Action, HostError> {
        let mut next = next;
        for _ in 0..MAX_STEPS {
            next = match next {
                Next::Allow(allow) => return self.allow(scene, &allow, headers),
                Next::Deny(deny) => return self.deny(scene, &deny, headers),
                Next::Pass(passage) => return self.pass(scene, passage),
                Next::AskStore(expect) => match self.ask_store(scene, expect, headers) {
                    Some(next) => next,
                    None => return Ok(Action::Pause),
                },
                Next::AwaitKeys(expect) => match self.await_keys(scene, expect, headers) {
                    Some(next) => next,
                    None => return Ok(Action::Pause),
                },
            };
        }
        Ok(refuse())
    }

    #[inline(never)]
    pub(super) fn allow(&self, scene: Scene, allow: &Allow, headers: &RequestHeaders) -> Result<Action, HostError> {
        tags::of(&allow.permit).try_for_each(|(fact, value)| {
            // Whatever the client sent under this name is gone already.
            host::add_request_header(fact.header(&self.policy.headers).as_bytes(), value.as_bytes())?;
            host::set_filter_state(fact.state(), value.as_bytes())
        })?;
        if !self.policy.credentials.forward && !self.is_shadow() {
            withhold(&self.policy.credentials.sources, headers)?;
        }
        if allow.is_login && self.logs_verdicts {
            log_line::login(&allow.permit, reply::request_id(headers.get()?), self.is_shadow());
        }
        self.metrics.count(Counter::Allow);
        go_on(scene)
    }

    fn deny(&self, scene: Scene, deny: &Deny, headers: &RequestHeaders) -> Result<Action, HostError> {
        let headers = headers.get()?;
        if self.logs_verdicts {
            log_line::denial(&Denial {
                deny,
                headers,
                credentials: &self.policy.credentials,
                is_shadow: self.is_shadow(),
                now: scene.now.unix_secs(),
            });
        }
        host::set_filter_state("usher.reason", deny.reason.code().as_bytes())?;
        if let Some(organization) = &deny.organization {
            let encoded = crate::headers::encode(organization.as_str());
            host::set_filter_state(Fact::Organization.state(), encoded.as_bytes())?;
        }
        if self.is_shadow() {
            self.metrics.count(Counter::ShadowDeny(deny.reason));
            return go_on_untagged(scene, "shadow");
        }
        self.metrics.count(Counter::Deny(deny.reason));
        let pages = &self.policy.denial_pages;
        let reply = Reply::denial(deny.reason, reply::request_id(headers), Preference::of(headers), pages);
        host::reply(reply.status, &reply.headers, reply.body.as_bytes())?;
        Ok(Action::Pause)
    }

    fn pass(&self, scene: Scene, passage: Passage) -> Result<Action, HostError> {
        let (counter, passage) = match passage {
            Passage::Bypass => (Counter::Bypass, "bypass"),
            Passage::Unmatched => (Counter::Unmatched, "unmatched"),
        };
        self.metrics.count(counter);
        go_on_untagged(scene, passage)
    }

    /// Sends the one call to the store, or joins the one that asks the same already, or waits until there is room for it, and lets
    /// the request wait; what could not be sent is an answer too.
    fn ask_store(&mut self, scene: Scene, expect: ExpectStore, headers: &RequestHeaders) -> Option<Next> {
        let question = expect.question().map(|(organization, credential)| Calls::question(organization, credential));
        let parent = expect.turn_of().cloned();
        let step = self.calls.step(scene.context_id, question.as_ref(), parent.as_ref(), scene.is_arriving);
        if step == Step::Wait {
            self.waiting.insert(scene.context_id, Waiting::Store { expect, call: None });
            return None;
        }
        if expect.is_login() {
            self.metrics.count(Counter::Logins);
        }
        if let Step::Join(call, asked_at) = step {
            let expect = expect.asked_since(asked_at);
            self.waiting.insert(scene.context_id, Waiting::Store { expect, call: Some(call) });
            return None;
        }
        self.metrics.count(Counter::StoreCalls);
        match self.send(&expect, headers) {
            Ok(call) => {
                self.calls.begin(call, scene.context_id, parent, question, expect.asked_at());
                self.waiting.insert(scene.context_id, Waiting::Store { expect, call: Some(call) });
                None
            }
            Err(why) => Some(self.store_answered(scene.now, expect, Err(why), headers)),
        }
    }

    pub(super) fn send(&self, expect: &ExpectStore, headers: &RequestHeaders) -> Result<u32, NoAnswer> {
        let store = &self.policy.store;
        let headers = headers.get().map_err(|_| NoAnswer::Unsent)?;
        let path = store_call::path(&expect.organization().id);
        let body = store_call::body(expect.body());
        let mut call = Vec::with_capacity(MOST_HEADERS);
        call.extend([
            (":method", "POST"),
            (":path", path.as_str()),
            (":authority", store.authority.as_str()),
            ("authorization", self.store_token.authorization()),
            ("content-type", "application/json"),
            ("accept", "application/json"),
        ]);
        call.extend(reply::request_id(headers).map(|id| ("x-request-id", id)));
        call.extend(trace_context::of(headers));
        host::dispatch(&store.cluster, &call, body.as_bytes(), store.timeout).map_err(|_| NoAnswer::Unsent)
    }

    /// Lets the request wait for keys, where that promises something.
    fn await_keys(&mut self, scene: Scene, expect: ExpectKeys, headers: &RequestHeaders) -> Option<Next> {
        let Ok(headers) = headers.get() else { return Some(expect.refuse()) };
        match self.keys.ask(expect.connection(), expect.lack(), headers.size(), scene.now) {
            Ask::Again => Some(self.decide(scene.now, |desk| expect.check_again(desk))),
            Ask::Wait(awaited) => {
                self.waiting.insert(scene.context_id, Waiting::Keys { expect, awaited });
                None
            }
            Ask::Refuse => Some(expect.refuse()),
        }
    }

    fn is_shadow(&self) -> bool {
        self.policy.enforcement == Enforcement::Shadow
    }
}

/// Turns a request away when not even the decision can be trusted to have been carried out.
pub(crate) fn refuse() -> Action {
    let reply = Reply::denial(Reason::StoreUnavailable, None, Preference::NONE, &DenialPages::default());
    if let Err(error) = host::reply(reply.status, &reply.headers, reply.body.as_bytes()) {
        log_line::host_failed("reply", &error.to_string());
    }
    Action::Pause
}

fn go_on(scene: Scene) -> Result<Action, HostError> {
    if !scene.is_arriving {
        host::resume_request()?;
    }
    Ok(Action::Continue)
}

/// Lets a request go on that carries no tags. Envoy's routes lead nowhere until they see what was decided, and are looked at
/// again only when they are told to be: tags are headers, which do that by themselves.
fn go_on_untagged(scene: Scene, passage: &str) -> Result<Action, HostError> {
    host::set_filter_state("usher.passage", passage.as_bytes())?;
    host::choose_route_again()?;
    go_on(scene)
}

/// Keeps every credential from the upstream, whichever of them decided, and nothing that came with them.
fn withhold(sources: &[CredentialSource], headers: &RequestHeaders) -> Result<(), HostError> {
    let mut cookies = Vec::new();
    for source in sources {
        match source {
            CredentialSource::Authorization => host::remove_request_header(b"authorization")?,
            CredentialSource::Header(name) => host::remove_request_header(name.as_bytes())?,
            // Together: the headers that are looked at stay as they came.
            CredentialSource::Cookie(name) => cookies.push(name.as_str()),
        }
    }
    if cookies.is_empty() {
        return Ok(());
    }
    match credential::cookies_without(&cookies, headers.get()?) {
        Some(kept) if kept.is_empty() => host::remove_request_header(b"cookie"),
        Some(kept) => host::set_request_header(b"cookie", &kept),
        None => Ok(()),
    }
}
