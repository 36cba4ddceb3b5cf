//! A database of a test's own, of the kind that this run of the suite is on.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tempfile::TempDir;

use super::server::postgres;

/// An empty database that nobody else has.
pub(crate) enum Database {
    Postgres(String),
    Sqlite(TempDir),
}

/// Whether this is the suite's run on PostgreSQL.
pub(crate) fn on_postgres() -> bool {
    env!("CARGO_CRATE_NAME") == "postgres"
}

impl Database {
    pub(crate) fn new() -> Self {
        if !on_postgres() {
            return Self::Sqlite(TempDir::new().unwrap());
        }
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", MADE.fetch_add(1, Ordering::Relaxed));
        postgres().sql("postgres", &format!("CREATE DATABASE {name}"));
        Self::Postgres(name)
    }

    /// What `--database` takes.
    pub(crate) fn address(&self) -> String {
        match self {
            Self::Postgres(name) => postgres().address(name),
            Self::Sqlite(folder) => format!("sqlite://{}", folder.path().join("usher.db").display()),
        }
    }

    /// The SQLite file.
    pub(crate) fn file(&self) -> PathBuf {
        match self {
            Self::Postgres(name) => panic!("{name} is no file"),
            Self::Sqlite(folder) => folder.path().join("usher.db"),
        }
    }

    /// Runs statements past the store and gives what the last one answered, a line for each row, `|` between columns.
    pub(crate) fn sql(&self, statement: &str) -> String {
        match self {
            Self::Postgres(name) => postgres().sql(name, statement).trim_end().to_owned(),
            Self::Sqlite(folder) => sqlite(&folder.path().join("usher.db"), statement),
        }
    }

    /// A second database with what this one holds now, made as the manual says backups are made and restored.
    pub(crate) fn restored_copy(&self) -> Self {
        let copy = match self {
            Self::Postgres(_) => Self::new(),
            Self::Sqlite(_) => Self::Sqlite(TempDir::new().unwrap()),
        };
        match (self, &copy) {
            (Self::Postgres(from), Self::Postgres(to)) => {
                let folder = TempDir::new().unwrap();
                let dump = folder.path().join("usher.dump").display().to_string();
                postgres().run("pg_dump", &["-Fc", "-f", &dump, from]);
                postgres().run("pg_restore", &["--exit-on-error", "-d", to, &dump]);
            }
            _ => drop(self.sql(&format!("VACUUM INTO '{}'", copy.file().display()))),
        }
        copy
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Self::Postgres(name) = self
            && !std::thread::panicking()
        {
            postgres().sql("postgres", &format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    }
}

fn sqlite(file: &Path, statement: &str) -> String {
    use sqlx::{Column, Row, ValueRef};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(file);
        let mut database = SqliteConnection::connect_with(&options).await.unwrap();
        #[expect(clippy::disallowed_methods, reason = "a test's own statement")]
        let statement = sqlx::AssertSqlSafe(statement.to_owned());
        let rows = sqlx::query(statement).fetch_all(&mut database).await.unwrap();
        database.close().await.unwrap();
        let text = |row: &sqlx::sqlite::SqliteRow| {
            let cells = row.columns().iter().map(|column| {
                let cell = row.try_get_raw(column.ordinal()).unwrap();
                if cell.is_null() {
                    return String::new();
                }
                row.try_get::<String, _>(column.ordinal())
                    .unwrap_or_else(|_| row.get::<i64, _>(column.ordinal()).to_string())
            });
            cells.collect::<Vec<_>>().join("|")
        };
        rows.iter().map(text).collect::<Vec<_>>().join("\n")
    })
}
