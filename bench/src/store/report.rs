//! What was measured, a line at a time, with how it grows.

use std::time::Duration;

/// What grows by more than this grows.
const FLAT: f64 = 1.2;

/// Prints what is found on one database.
pub(super) struct Report {
    database: &'static str,
}

impl Report {
    pub(super) fn new(database: &'static str) -> Self {
        Self { database }
    }

    /// Something as it is.
    pub(super) fn line(&mut self, what: &str, figure: &str) {
        println!("{:8}  {what:58}  {figure}", self.database);
    }

    /// What something costs at one end and at the other. Wall-clock time, and the processors' time, which other work on
    /// the machine changes little.
    pub(super) fn ends(&mut self, what: &str, [near, far]: [Cost; 2]) {
        let ratio = far.cpu.as_secs_f64() / near.cpu.as_secs_f64().max(f64::MIN_POSITIVE);
        let wall = far.wall.as_secs_f64() / near.wall.as_secs_f64().max(f64::MIN_POSITIVE);
        let word = if ratio.min(wall) <= FLAT { "flat" } else { "GROWS" };
        let (near_us, far_us) = (near.wall.as_micros(), far.wall.as_micros());
        self.line(what, &format!("{near_us} us, then {far_us} us: {wall:.2}x (processor {ratio:.2}x)  {word}"));
    }
}

/// What one of something costs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    pub(super) wall: Duration,
    pub(super) cpu: Duration,
}
