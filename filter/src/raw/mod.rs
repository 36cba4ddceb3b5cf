//! The proxy-wasm ABI (0.2.1) itself: what the host offers, and what it calls. The only place with `unsafe` in it.
//!
//! The SDK is not used: its dispatcher exports every event there is, and each costs a way into the VM that is paid for each
//! request; it panics on statuses that it does not know.

mod block;
mod calls;
mod exports;

pub(crate) use block::Block;
pub(crate) use calls::*;

/// A status of the host that is not success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Status(u32);

impl Status {
    /// There is no such thing.
    pub(crate) const NOT_FOUND: Self = Self(1);
    /// The shared value has changed since it was read.
    pub(crate) const CAS_MISMATCH: Self = Self(8);

    /// The result that a status stands for.
    fn of(status: u32) -> Result<(), Self> {
        if status == 0 { Ok(()) } else { Err(Self(status)) }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self.0 {
            1 => "not found",
            2 => "bad argument",
            3 => "serialization failure",
            4 => "parse failure",
            7 => "empty",
            8 => "compare-and-set mismatch",
            10 => "internal failure",
            11 => "broken connection",
            12 => "unimplemented",
            other => return write!(f, "status {other}"),
        };
        f.write_str(name)
    }
}

/// What the host does next with headers, a body or trailers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// They go on.
    Continue = 0,
    /// They wait.
    Pause = 1,
}

/// Which map of headers is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Map {
    RequestHeaders = 0,
    RequestTrailers = 1,
    CallResponseHeaders = 6,
}

/// Which bytes are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Buffer {
    CallResponseBody = 4,
    PluginConfiguration = 7,
}

/// Kinds of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Metric {
    Counter = 0,
    Gauge = 1,
    Histogram = 2,
}

/// How important a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Info = 2,
    Warn = 3,
    Error = 4,
    #[cfg(target_family = "wasm")]
    Critical = 5,
}

#[cfg(test)]
mod tests {
    use super::Status;

    #[test]
    fn only_zero_is_success_and_every_other_status_is_told() {
        assert_eq!(Status::of(0), Ok(()));
        assert_eq!(Status::of(1), Err(Status::NOT_FOUND));
        assert_eq!(Status::of(8), Err(Status::CAS_MISMATCH));
        assert_eq!(Status::of(4_000_000_000).unwrap_err().to_string(), "status 4000000000");
    }
}
