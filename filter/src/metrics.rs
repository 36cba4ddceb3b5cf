//! Counters, histograms and the gauge, each defined when it is first needed.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use usher_policy::Reason;

use crate::host::{self, MetricKind};

/// What is counted. The list is closed, so that nothing a client sends makes a new metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counter {
    /// A request was let in.
    Allow,
    /// A request was passed by a `bypass` rule.
    Bypass,
    /// A request was turned away.
    Deny(Reason),
    /// A change was published to the workers.
    FeedChanges,
    /// A poll of the change feed came to nothing.
    FeedFailures,
    /// A worker could not go on with the feed: its sessions are checked with the store.
    FeedResyncs,
    /// Key sets were asked for.
    KeysFetches,
    /// No key set came of it.
    KeysFailures,
    /// A verified assertion was put to the store.
    Logins,
    /// A session had to go for another.
    SessionEvictions,
    /// A live session was found that needed no look at the store.
    SessionHits,
    /// A session took up another role or tier from the feed.
    SessionsChanged,
    /// A session was ended by the feed.
    SessionsEnded,
    /// A request would have been turned away.
    ShadowDeny(Reason),
    /// The store was asked.
    StoreCalls,
    /// It gave no answer.
    StoreFailures,
    /// A request to a host that no organization has was passed.
    Unmatched,
}

impl Counter {
    fn name(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Allow => "usher_requests.allow",
            Self::Bypass => "usher_requests.bypass",
            Self::Deny(reason) => return Cow::Owned(format!("usher_requests.deny.{reason}")),
            Self::FeedChanges => "usher_feed_changes",
            Self::FeedFailures => "usher_feed_failures",
            Self::FeedResyncs => "usher_feed_resyncs",
            Self::KeysFetches => "usher_keys_fetches",
            Self::KeysFailures => "usher_keys_failures",
            Self::Logins => "usher_logins",
            Self::SessionEvictions => "usher_session_evictions",
            Self::SessionHits => "usher_session_hits",
            Self::SessionsChanged => "usher_sessions_changed",
            Self::SessionsEnded => "usher_sessions_ended",
            Self::ShadowDeny(reason) => return Cow::Owned(format!("usher_requests.shadow_deny.{reason}")),
            Self::StoreCalls => "usher_store_calls",
            Self::StoreFailures => "usher_store_failures",
            Self::Unmatched => "usher_requests.unmatched",
        })
    }
}

/// What is measured, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Histogram {
    /// From asking for keys to the answer.
    KeysLatency,
    /// From asking the store to the answer.
    StoreLatency,
}

impl Histogram {
    fn name(self) -> &'static str {
        match self {
            Self::KeysLatency => "usher_keys_latency_ms",
            Self::StoreLatency => "usher_store_latency_ms",
        }
    }
}

/// An age in milliseconds: a gauge. Every worker of a process says the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    /// For how long nothing was heard of the change feed.
    Feed,
    /// The age of the oldest key set that was fetched.
    Keys,
}

impl Age {
    fn name(self) -> &'static str {
        match self {
            Self::Feed => "usher_feed_age_ms",
            Self::Keys => "usher_keys_age_ms",
        }
    }
}

/// Sessions of all workers together: a gauge.
const SESSIONS: &str = "usher_sessions";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Metric {
    Age(Age),
    Counter(Counter),
    Histogram(Histogram),
    Sessions,
}

/// The numbers under which the host knows the metrics that were used. They are the VM's: the host keeps every number that it
/// has given, so that a new set for each policy would never end. Some dozens: a list is as quick as a map, and smaller.
#[derive(Clone, Debug, Default)]
pub(crate) struct MetricIds(Rc<RefCell<Vec<(Metric, u32)>>>);

/// What is counted in nearly every request and login: the host is told on the next tick.
const LATER: [Counter; 5] =
    [Counter::Allow, Counter::Logins, Counter::SessionEvictions, Counter::SessionHits, Counter::StoreCalls];

/// What one worker counts.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    ids: MetricIds,
    /// How many of each of those there were since the last tick.
    later: [Cell<usize>; LATER.len()],
}

impl Metrics {
    /// Nothing is counted yet.
    pub(crate) fn new(ids: MetricIds) -> Self {
        Self { ids, ..Self::default() }
    }

    /// Counts one.
    pub(crate) fn count(&self, counter: Counter) {
        self.add(counter, 1);
    }

    /// Counts so many.
    pub(crate) fn add(&self, counter: Counter, count: usize) {
        match self.later(counter) {
            Some(sum) => sum.set(sum.get().saturating_add(count)),
            None => self.tell(counter, count),
        }
    }

    /// Tells the host what was counted without it.
    pub(crate) fn flush(&self) {
        for counter in LATER {
            if let Some(count) = self.later(counter) {
                self.tell(counter, count.take());
            }
        }
    }

    /// How many of one of those there were.
    fn later(&self, counter: Counter) -> Option<&Cell<usize>> {
        let [allow, logins, session_evictions, session_hits, store_calls] = &self.later;
        match counter {
            Counter::Allow => Some(allow),
            Counter::Logins => Some(logins),
            Counter::SessionEvictions => Some(session_evictions),
            Counter::SessionHits => Some(session_hits),
            Counter::StoreCalls => Some(store_calls),
            _ => None,
        }
    }

    fn tell(&self, counter: Counter, count: usize) {
        if count > 0 {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.with(Metric::Counter(counter), |id| host::add_to_metric(id, count));
        }
    }

    /// Records a duration, in whole milliseconds.
    pub(crate) fn record(&self, histogram: Histogram, duration: Duration) {
        self.with(Metric::Histogram(histogram), |id| host::record_metric(id, millis(duration)));
    }

    /// Reports an age, where there is one.
    pub(crate) fn report(&self, age: Age, duration: Option<Duration>) {
        if let Some(duration) = duration {
            self.with(Metric::Age(age), |id| host::record_metric(id, millis(duration)));
        }
    }

    /// The sessions of all workers together have become more or fewer.
    pub(crate) fn sessions_changed(&self, change: i64) {
        if change != 0 {
            self.with(Metric::Sessions, |id| host::add_to_metric(id, change));
        }
    }

    /// A metric that the host does not take is not worth a request.
    fn with(&self, metric: Metric, act: impl FnOnce(u32) -> Result<(), host::HostError>) {
        let known = self.ids.0.borrow().iter().find(|(known, _)| *known == metric).map(|(_, id)| *id);
        let id = known.or_else(|| {
            let id = match metric {
                Metric::Age(age) => host::define_metric(MetricKind::Gauge, age.name()),
                Metric::Counter(counter) => host::define_metric(MetricKind::Counter, &counter.name()),
                Metric::Histogram(histogram) => host::define_metric(MetricKind::Histogram, histogram.name()),
                Metric::Sessions => host::define_metric(MetricKind::Gauge, SESSIONS),
            };
            let id = id.ok()?;
            self.ids.0.borrow_mut().push((metric, id));
            Some(id)
        });
        if let Some(id) = id {
            let _ = act(id);
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
