//! The migrations of the SQLite schema, in order; a database of a newer one is refused.

use sqlx::SqlSafeStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::SqlitePool;

use super::OpenError;

/// Version, name and SQL of each. Never edit one that was released: add another.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "members", include_str!("migrations/0001_members.sql")),
    (2, "directory members", include_str!("migrations/0002_directory_members.sql")),
];

/// Brings the database to the newest version.
pub(super) async fn run(writer: &SqlitePool) -> Result<(), OpenError> {
    let migrations = MIGRATIONS.iter().map(|(version, name, sql)| {
        Migration::new(*version, (*name).into(), MigrationType::Simple, (*sql).into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.collect()).run(writer).await.map_err(|error| match error {
        MigrateError::VersionMissing(found) => OpenError::Newer { found, known: newest() },
        MigrateError::VersionMismatch(version) | MigrateError::Dirty(version) => OpenError::Foreign(version),
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => OpenError::Sqlite(error),
        other => OpenError::Sqlite(sqlx::Error::Migrate(Box::new(other))),
    })
}

fn newest() -> i64 {
    MIGRATIONS.iter().map(|(version, ..)| *version).max().unwrap_or_default()
}
