//! Connections that were used a moment ago, for statements that stand alone: used again at once, where the pool would ask
//! each time whether they still live.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgPool, Postgres};

use super::{LIFETIME, TRUSTED_FOR};

/// Most connections that are kept; the pool has the others.
const MOST: usize = 4;

/// Connections of the pool that are kept for a while. A statement that does not come to its end drops its connection:
/// then it goes back to the pool, which looks at it.
pub(super) struct Kept {
    pool: PgPool,
    idle: Mutex<Vec<(Connection, Instant)>>,
}

/// A connection, and since when it is not in the pool.
pub(super) struct Connection {
    connection: PoolConnection<Postgres>,
    since: Instant,
}

impl std::ops::Deref for Connection {
    type Target = sqlx::PgConnection;

    fn deref(&self) -> &Self::Target {
        &self.connection
    }
}

impl std::ops::DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.connection
    }
}

impl Kept {
    pub(super) fn new(pool: PgPool) -> Self {
        Self { pool, idle: Mutex::default() }
    }

    /// The connection that was used last, if that was a moment ago, else one of the pool.
    pub(super) async fn take(&self) -> Result<Connection, sqlx::Error> {
        let kept = self.idle().pop();
        match kept {
            Some((connection, used)) if used.elapsed() < TRUSTED_FOR => Ok(connection),
            _ => Ok(Connection { connection: self.pool.acquire().await?, since: Instant::now() }),
        }
    }

    /// Keeps a connection on which a statement has ended.
    pub(super) fn keep(&self, connection: Connection) {
        let mut idle = self.idle();
        if idle.len() < MOST && connection.since.elapsed() < LIFETIME && !self.pool.is_closed() {
            idle.push((connection, Instant::now()));
        }
    }

    /// Gives all of them back.
    pub(super) fn forget(&self) {
        self.idle().clear();
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Connection, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
