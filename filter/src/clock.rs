//! The two clocks: the wall's for what others wrote down, the steady one for how long ago something was.

use std::time::{Duration, Instant};

use crate::host;

/// One reading of both clocks; everything that one callback decides is decided at the same instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Now {
    /// Milliseconds since the Unix epoch.
    pub(crate) unix_ms: u64,
    /// Time since the worker began; never goes back.
    pub(crate) steady: Duration,
}

impl Now {
    /// Seconds since the Unix epoch.
    pub(crate) fn unix_secs(self) -> u64 {
        self.unix_ms / 1000
    }

    /// How long ago a steady reading was.
    pub(crate) fn since(self, earlier: Duration) -> Duration {
        self.steady.saturating_sub(earlier)
    }
}

/// Reads the clocks of the host.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    began: Instant,
}

impl Clock {
    /// A steady clock that begins now.
    pub(crate) fn start() -> Self {
        Self { began: Instant::now() }
    }

    /// Both clocks, read once.
    pub(crate) fn now(&self) -> Now {
        Now { unix_ms: host::unix_millis(), steady: self.began.elapsed() }
    }
}
