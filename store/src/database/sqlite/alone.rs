//! One store to a file: what another process writes would wake nobody who follows the changes here.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::database::{OpenError, PATIENCE};

/// How often it is tried while another store, which may be about to end, has the file.
const INTERVAL: Duration = Duration::from_millis(50);

/// Keeps other stores from a database file for as long as it lives.
pub(super) struct Alone {
    _locked: File,
}

impl Alone {
    /// Waits a while for the file to be free. What is locked is a file of its own (`-lock`): to close the database's would
    /// take SQLite's locks away.
    ///
    /// # Errors
    /// `InUse` where another store has it; `Create` where the file cannot be made or locked.
    pub(super) async fn with(database: &Path) -> Result<Self, OpenError> {
        let mut path = database.as_os_str().to_owned();
        path.push("-lock");
        let cannot = |source| OpenError::Create { path: Path::new(&path).display().to_string(), source };
        let file = super::private().open(&path).map_err(cannot)?;
        let latest = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _locked: file }),
                Err(TryLockError::Error(source)) => return Err(cannot(source)),
                Err(TryLockError::WouldBlock) if Instant::now() < latest => sleep(INTERVAL).await,
                Err(TryLockError::WouldBlock) => return Err(OpenError::InUse),
            }
        }
    }
}
