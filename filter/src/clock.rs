//! The two clocks: the wall's for what others wrote down, the steady one for how long ago something was.

use std::time::Duration;

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

/// Reads the clocks of the host. The wall's is read on ticks only; in between it goes as the steady one does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// Nanoseconds of the steady clock.
    began: u64,
    /// What the wall showed when the steady clock was at 0, in milliseconds since the Unix epoch.
    began_unix_ms: Option<u64>,
}

impl Clock {
    /// A steady clock that begins now.
    pub(crate) fn start() -> Self {
        let mut clock = Self { began: host::steady_nanos().unwrap_or(0), began_unix_ms: None };
        clock.tick();
        clock
    }

    /// When the steady one began, by the host's, which all workers share.
    pub(crate) fn began(&self) -> Duration {
        Duration::from_nanos(self.began)
    }

    /// Both clocks, by one reading.
    pub(crate) fn now(&self) -> Now {
        self.at(self.elapsed())
    }

    /// Both clocks, each read.
    pub(crate) fn tick(&mut self) -> Now {
        self.set(host::unix_millis(), self.elapsed())
    }

    /// Without a steady clock, everything that is remembered is too old to be used.
    fn elapsed(&self) -> Duration {
        Duration::from_nanos(host::steady_nanos().unwrap_or(u64::MAX).saturating_sub(self.began))
    }

    fn set(&mut self, unix_ms: Option<u64>, steady: Duration) -> Now {
        self.began_unix_ms = unix_ms.and_then(|unix| unix.checked_sub(millis(steady)));
        self.at(steady)
    }

    /// Without a wall clock it is 0, at which every assertion is not yet valid.
    fn at(&self, steady: Duration) -> Now {
        Now { unix_ms: self.began_unix_ms.map_or(0, |began| began.saturating_add(millis(steady))), steady }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_clock_goes_on_between_ticks_and_is_0_where_there_is_none() {
        let clock = Clock { began: 0, began_unix_ms: Some(1_000_000) };
        assert_eq!(clock.at(Duration::from_millis(1_500)).unix_secs(), 1_001);
        let mut clock = clock;
        // There is no host here, and so no wall clock.
        assert_eq!((clock.tick().unix_ms, clock.now().unix_ms), (0, 0));
    }

    #[test]
    fn a_jump_of_the_wall_is_taken_up_with_the_next_tick_and_moves_no_steady_clock() {
        let mut clock = Clock { began: 0, began_unix_ms: None };
        let steady = Duration::from_secs;
        for (seconds, unix_ms) in [(10, 1_000_000), (20, 90_000_000), (30, 40_000)] {
            let now = clock.set(Some(unix_ms), steady(seconds));
            assert_eq!((now.unix_ms, now.steady), (unix_ms, steady(seconds)));
            let later = clock.at(steady(seconds + 1));
            assert_eq!((later.unix_ms, later.steady), (unix_ms + 1_000, steady(seconds + 1)));
        }
        // One that shows less than has passed since the worker began is none.
        assert_eq!(clock.set(Some(5), steady(40)).unix_ms, 0);
    }
}
