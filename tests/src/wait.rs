//! Waiting for a condition, and never longer than it takes.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How long anything that shall happen may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

const STEP: Duration = Duration::from_millis(10);

/// Asks until there is an answer; an error says what was waited for.
///
/// # Errors
/// No answer within [`PATIENCE`], or the question itself fails.
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        if Instant::now() >= deadline {
            bail!("waited {PATIENCE:?} in vain: {what}");
        }
        sleep(STEP);
    }
}
