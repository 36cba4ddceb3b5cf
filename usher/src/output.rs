//! What is written to the terminal: results to stdout, everything else to stderr; a closed pipe is no panic.

use std::io::{self, IsTerminal as _, Write as _};

/// A result that nobody got.
#[derive(Debug, thiserror::Error)]
#[error("the output could not be written")]
pub(crate) struct OutputError(#[from] io::Error);

/// Writes a result.
///
/// # Errors
/// Stdout is closed or full.
pub(crate) fn print(text: &str) -> Result<(), OutputError> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    Ok(stdout.flush()?)
}

/// Tells something on a line of stderr; where that is closed, nobody listens, and the exit code still tells.
pub(crate) fn tell(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Shows how far long work is, on one line of a terminal that is written over, and taken away when it is `done`.
pub(crate) fn progress(line: &str, done: bool) {
    let mut stderr = io::stderr().lock();
    if stderr.is_terminal() {
        let line = if done { "" } else { line };
        let _ = write!(stderr, "\r\x1b[K{line}");
        let _ = stderr.flush();
    }
}
