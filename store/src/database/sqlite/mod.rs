//! Memberships in one SQLite file: one writer, a few readers, every commit on disk before it is answered.

mod migrations;
mod read;
mod row;
#[cfg(test)]
mod tests;
mod write;

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

use super::{Database, DatabaseError, Snapshot, Transaction};

/// How many requests read at once.
const READERS: u32 = 4;

/// Longest wait for a connection, and for a lock that another process holds.
const PATIENCE: Duration = Duration::from_secs(2);

/// An open SQLite database of the newest schema.
pub(crate) struct Sqlite {
    writer: SqlitePool,
    readers: SqlitePool,
}

/// Why a SQLite database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address does not name a file.
    #[error("`{0}` keeps nothing on disk; name a file, as in `sqlite://usher.db`")]
    InMemory(String),
    /// A newer version of the store has been here.
    #[error("the database was migrated to version {found} by a newer usher; this one knows versions up to {known}")]
    Newer {
        /// The version of the database.
        found: i64,
        /// The newest version that this store knows.
        known: i64,
    },
    /// A migration that was applied is not the one that this store knows.
    #[error("migration {0} of the database is not the one that this usher knows; is it another program's database?")]
    Foreign(i64),
    /// The file cannot be opened, read or written.
    #[error("cannot open the database: {0}")]
    Sqlite(#[from] sqlx::Error),
    /// The file cannot be made.
    #[error("cannot make the database file `{path}`: {source}")]
    Create {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Sqlite {
    /// Opens the database behind a `sqlite://` address, makes it if it is not there, and migrates it.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub(crate) async fn open(address: &str) -> Result<Self, OpenError> {
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

        let writer = pool(1).connect_with(options.clone().optimize_on_close(true, None)).await?;
        migrations::run(&writer).await?;
        let readers = pool(READERS).connect_with(options.pragma("query_only", "ON")).await?;
        Ok(Self { writer, readers })
    }
}

#[async_trait]
impl Database for Sqlite {
    async fn read(&self) -> Result<Box<dyn Snapshot>, DatabaseError> {
        Ok(Box::new(Session { transaction: self.readers.begin().await? }))
    }

    async fn write(&self) -> Result<Box<dyn Transaction>, DatabaseError> {
        // IMMEDIATE takes the write lock before the first read: what is decided upon cannot change underneath.
        Ok(Box::new(Session { transaction: self.writer.begin_with("BEGIN IMMEDIATE").await? }))
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// A snapshot on a reader, a transaction on the writer.
struct Session {
    transaction: sqlx::Transaction<'static, sqlx::Sqlite>,
}

impl From<sqlx::Error> for DatabaseError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::Corrupt(error.to_string()),
            _ => Self::Unavailable(Box::new(error)),
        }
    }
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        // A full disk makes SQLite undo a transaction by itself, which sqlx then counts as open for ever.
        .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
}

/// Makes the file, if it is not there, for its owner alone; SQLite gives its `-wal` and `-shm` files the same mode.
fn create_private(path: &Path) -> Result<(), OpenError> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(source) => Err(OpenError::Create { path: path.display().to_string(), source }),
    }
}
