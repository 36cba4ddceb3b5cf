//! The one place where a database is chosen, by its address; and why one cannot be used.

use std::sync::Arc;

use super::postgres::Postgres;
use super::sqlite::Sqlite;
use super::{Address, Database};
use crate::metrics::Metrics;

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address has a parameter that would be ignored.
    #[error("the address has the parameter `{0}`, which usher does not know")]
    UnknownParameter(String),
    /// The file cannot be made.
    #[error("cannot make the database file `{path}`: {source}")]
    Create {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database said no.
    #[error("cannot open the database: {0}")]
    Database(#[from] sqlx::Error),
    /// Text would not be kept as it is.
    #[error("the database's encoding is {0}; make one with `ENCODING 'UTF8' TEMPLATE template0`")]
    Encoding(String),
    /// A migration that was applied is not the one that this store knows.
    #[error("migration {0} of the database is not the one that this usher knows; is it another program's database?")]
    Foreign(i64),
    /// Another store has the file.
    #[error("another usher store uses this file, and an SQLite file is for one; several replicas need PostgreSQL")]
    InUse,
    /// The address does not name a file.
    #[error("`{0}` keeps nothing on disk; name a file, such as `sqlite://usher.db`")]
    InMemory(String),
    /// A newer version of the store has been here.
    #[error("the database was migrated to version {found} by a newer usher; this one knows versions up to {known}")]
    Newer {
        /// The version of the database.
        found: i64,
        /// The newest version that this store knows.
        known: i64,
    },
    /// It can be read only: a standby, most often.
    #[error("the database can only be read; is it a standby? name the primary")]
    ReadOnly,
    /// TLS cannot be had, or who answers is not believed; with what to do.
    #[error("{0}")]
    Tls(String),
    /// An old server.
    #[error("PostgreSQL {0} is too old; usher needs 13 or newer")]
    TooOld(String),
    /// A variable of the environment means something else to the library than to whoever set it.
    #[error("the environment variable `{variable}` {why}")]
    Variable {
        /// Its name.
        variable: &'static str,
        /// What is wrong with it, and what to do.
        why: &'static str,
    },
    /// Nobody answers there.
    #[error("nobody answered for {seconds} seconds: {source}")]
    Unreachable {
        /// How long it was tried.
        seconds: u64,
        /// What was heard last.
        source: sqlx::Error,
    },
}

/// Opens the database behind an address and brings it to the newest schema.
///
/// # Errors
/// See [`OpenError`].
pub(crate) async fn open(address: &Address, metrics: Arc<Metrics>) -> Result<Arc<dyn Database>, OpenError> {
    Ok(match address {
        Address::Postgres(address) => Arc::new(Postgres::open(address, metrics).await?),
        Address::Sqlite(address) => Arc::new(Sqlite::open(address, metrics).await?),
    })
}
