//! What somebody else holds in the database for as long as a test goes on, and not for a time.

use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::{Connection, Executor, PgConnection};
use tokio::runtime::{Builder, Runtime};

/// A transaction of somebody else, with what it has locked.
pub(super) struct Held {
    runtime: Runtime,
    connection: PgConnection,
}

impl Held {
    /// Somebody does this, and leaves it open.
    pub(super) fn by(address: &str, statement: &'static str) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let connection = runtime.block_on(async {
            let mut connection = PgConnection::connect(address).await.unwrap();
            connection.execute("BEGIN").await.unwrap();
            connection.execute(statement).await.unwrap();
            connection
        });
        Self { runtime, connection }
    }

    /// They let go.
    pub(super) fn release(mut self) {
        self.runtime.block_on(async { self.connection.execute("ROLLBACK").await.unwrap() });
    }
}

/// Sets it to true in the end, also of a panic.
pub(super) struct Over<'a>(pub(super) &'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
