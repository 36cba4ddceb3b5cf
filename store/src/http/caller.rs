//! Who is at the other end of a connection: somebody with a token of ours may keep it, and nobody else for long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::http::Extensions;

/// The caller of one connection, as the requests on it show them.
#[derive(Debug, Default)]
pub(crate) struct Caller {
    has_token: AtomicBool,
    begun: AtomicUsize,
    ended: AtomicUsize,
}

/// A request of theirs that is under way.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Caller>);

impl Caller {
    /// The caller of a request has presented a token that opens something.
    pub(crate) fn has_shown_token(request: &Extensions) {
        if let Some(caller) = request.get::<Arc<Self>>() {
            caller.has_token.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn begin(self: &Arc<Self>) -> UnderWay {
        self.begun.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(self))
    }

    /// Whether the connection is theirs to keep while nothing happens on it.
    pub(super) fn is_known(&self) -> bool {
        self.has_token.load(Ordering::Relaxed)
    }

    /// How many requests were begun.
    pub(super) fn begun(&self) -> usize {
        self.begun.load(Ordering::Relaxed)
    }

    /// Whether a request is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.begun() != self.ended.load(Ordering::Relaxed)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}
