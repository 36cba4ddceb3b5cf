//! Checked-in migrations: run in order at the start, one store at a time; a database of a newer one is refused.
//!
//! A new table or column: add a file to both folders of `store/migrations` and a line to both lists here.
//! Never edit a file that was released. Replicas of the version before still run while one of the next migrates.

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};

use super::OpenError;

/// Version, name and SQL.
pub(super) type Step = (i64, &'static str, &'static str);

/// The schema in PostgreSQL.
pub(super) const POSTGRES: &[Step] = &[
    (1, "members", include_str!("../../migrations/postgres/0001_members.sql")),
    (2, "directory", include_str!("../../migrations/postgres/0002_directory.sql")),
    (3, "audit", include_str!("../../migrations/postgres/0003_audit.sql")),
    (4, "sync", include_str!("../../migrations/postgres/0004_sync.sql")),
    (5, "audit by time", include_str!("../../migrations/postgres/0005_audit_by_time.sql")),
    (6, "forgotten tickets", include_str!("../../migrations/postgres/0006_forgotten_tickets.sql")),
    (7, "forgotten revocations", include_str!("../../migrations/postgres/0007_forgotten_revocations.sql")),
    (8, "upkeep", include_str!("../../migrations/postgres/0008_upkeep.sql")),
];

/// The schema in SQLite.
pub(super) const SQLITE: &[Step] = &[
    (1, "members", include_str!("../../migrations/sqlite/0001_members.sql")),
    (2, "directory members", include_str!("../../migrations/sqlite/0002_directory_members.sql")),
    (3, "seats and feed", include_str!("../../migrations/sqlite/0003_seats_and_feed.sql")),
    (4, "directory", include_str!("../../migrations/sqlite/0004_directory.sql")),
    (5, "audit", include_str!("../../migrations/sqlite/0005_audit.sql")),
    (6, "sync", include_str!("../../migrations/sqlite/0006_sync.sql")),
    (7, "audit by time", include_str!("../../migrations/sqlite/0007_audit_by_time.sql")),
    (8, "forgotten tickets", include_str!("../../migrations/sqlite/0008_forgotten_tickets.sql")),
    (9, "forgotten revocations", include_str!("../../migrations/sqlite/0009_forgotten_revocations.sql")),
    (10, "upkeep", include_str!("../../migrations/sqlite/0010_upkeep.sql")),
];

/// Brings the database to the newest version. On PostgreSQL an advisory lock lets one store do it while others wait.
pub(super) async fn run<C: Migrate>(connection: &mut C, steps: &[Step]) -> Result<(), OpenError> {
    let migrations = steps.iter().map(|(version, name, sql)| {
        Migration::new(*version, (*name).into(), MigrationType::Simple, (*sql).into_sql_str(), false)
    });
    let known = steps.iter().map(|(version, ..)| *version).max().unwrap_or_default();
    let migrator = Migrator::with_migrations(migrations.collect());
    migrator.run_direct(None, connection, false).await.map_err(|error| match error {
        MigrateError::VersionMissing(found) => OpenError::Newer { found, known },
        MigrateError::VersionMismatch(version) | MigrateError::Dirty(version) => OpenError::Foreign(version),
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => OpenError::Database(error),
        other => OpenError::Database(sqlx::Error::Migrate(Box::new(other))),
    })
}
