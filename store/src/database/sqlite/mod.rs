//! Memberships in one SQLite file: one writer, a few readers, every commit on disk before it is answered.

mod alone;
mod audit;
mod directory;
mod members;
mod session;
mod sync;
#[cfg(test)]
mod tests;
mod tickets;
mod write;
mod writer;

use std::fs::OpenOptions;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, SqliteConnection};
use tokio::sync::watch;
use tokio::time::timeout;

use self::alone::Alone;
use self::session::Session;
use self::writer::Writer;
use super::{
    CLOSE_TIMEOUT, Database, DatabaseError, LONG_PATIENCE, Lane, Look, OpenError, PATIENCE, Question, Snapshot,
    Transaction, migrations,
};
use crate::metrics::Metrics;

/// How many requests read at once, in each lane.
const READERS: u32 = 4;

/// An open SQLite database of the newest schema.
pub(crate) struct Sqlite {
    writer: Writer,
    readers: SqlitePool,
    long_readers: SqlitePool,
    feed_grew: watch::Sender<u64>,
    _alone: Alone,
}

impl Sqlite {
    /// Opens the database behind a `sqlite:` address, makes it if it is not there, and migrates it.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub(crate) async fn open(address: &str, metrics: Arc<Metrics>) -> Result<Self, OpenError> {
        Self::open_with(address, metrics, writer::MAX_WAIT).await
    }

    async fn open_with(address: &str, metrics: Arc<Metrics>, max_wait: Duration) -> Result<Self, OpenError> {
        if address.contains(":memory:") || address.contains("mode=memory") {
            return Err(OpenError::InMemory(address.to_owned()));
        }
        let options = SqliteConnectOptions::from_str(address)?
            .journal_mode(SqliteJournalMode::Wal)
            // In WAL mode, only FULL syncs at each commit: an acknowledged write survives a power cut.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(PATIENCE);
        create_private(options.get_filename())?;
        let alone = Alone::with(options.get_filename()).await?;

        let mut connection = SqliteConnection::connect_with(&options).await?;
        migrations::run(&mut connection, migrations::SQLITE).await?;
        connection.close().await?;

        let writer = pool(1, PATIENCE).connect_with(options.clone().optimize_on_close(true, None)).await?;
        let reading = options.pragma("query_only", "ON");
        let long_readers = pool(READERS, LONG_PATIENCE).connect_with(reading.clone()).await?;
        let readers = pool(READERS, PATIENCE).connect_with(reading).await?;
        let feed_grew = watch::Sender::new(0);
        let writer = Writer::start(writer, feed_grew.clone(), metrics, max_wait);
        Ok(Self { writer, readers, long_readers, feed_grew, _alone: alone })
    }
}

#[async_trait]
impl Database for Sqlite {
    fn system(&self) -> &'static str {
        "sqlite"
    }

    async fn read(&self, lane: Lane) -> Result<Box<dyn Snapshot>, DatabaseError> {
        let readers = match lane {
            Lane::Long => &self.long_readers,
            Lane::Short => &self.readers,
        };
        Ok(Box::new(Session::reading(readers.begin().await.map_err(told)?)))
    }

    async fn write(&self, lane: Lane) -> Result<Box<dyn Transaction>, DatabaseError> {
        Ok(Box::new(Session::writing(self.writer.turn(lane).await?)))
    }

    fn at_once(&self) -> usize {
        writer::QUEUE
    }

    async fn look(&self, question: &Question<'_>) -> Result<Look, DatabaseError> {
        session::look(&mut *self.readers.acquire().await.map_err(told)?, question).await
    }

    async fn ready(&self) -> Result<(), DatabaseError> {
        // Who got a turn has the file's write lock.
        drop(self.write(Lane::Short).await?);
        self.read(Lane::Short).await?.position().await.map(drop)
    }

    fn feed_grew(&self) -> watch::Receiver<u64> {
        self.feed_grew.subscribe()
    }

    async fn close(&self) {
        let closing = async {
            self.writer.close().await;
            self.readers.close().await;
            self.long_readers.close().await;
        };
        // What is cut off was not committed, or is on disk.
        if timeout(CLOSE_TIMEOUT, closing).await.is_err() {
            tracing::warn!("what was under way in the database was cut off");
        }
    }
}

/// A file is never away: who gets no connection in time has come when others have it, or have it locked.
fn told(error: sqlx::Error) -> DatabaseError {
    match error {
        sqlx::Error::PoolTimedOut => DatabaseError::Busy("others have the file".to_owned()),
        error => error.into(),
    }
}

fn pool(connections: u32, patience: Duration) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(patience)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

/// Makes the file, if it is not there, for its owner alone; SQLite gives its `-wal` and `-shm` files the same mode.
fn create_private(path: &Path) -> Result<(), OpenError> {
    match private().open(path) {
        Ok(_) => Ok(()),
        Err(source) => Err(OpenError::Create { path: path.display().to_string(), source }),
    }
}

/// Opens a file to write to, and makes it for its owner alone.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
