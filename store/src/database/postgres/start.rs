//! At the start: reach the server, look whether it will do, migrate.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection, Executor};
use tokio::time::{Instant, sleep, timeout_at};

use crate::database::{OpenError, migrations};

/// How long the server may take to answer: it may be starting, too.
const PATIENCE: Duration = Duration::from_secs(5);

/// Between two attempts to reach it.
const PAUSE: Duration = Duration::from_millis(200);

/// Longest wait for another replica that migrates; a large table takes its time, whatever the role's default is.
const MIGRATION_LOCK: &str = "SET lock_timeout = '60s'; SET statement_timeout = 0";

/// The oldest server, as `server_version_num`: `gen_random_uuid` came with 13.
const OLDEST: i32 = 130_000;

/// A standby, or a database that was set to be read only.
macro_rules! is_read_only {
    () => {
        "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on'"
    };
}
pub(super) use is_read_only;

pub(super) async fn prepare(options: &PgConnectOptions) -> Result<(), OpenError> {
    let mut connection = reach(options).await?;
    check(&mut connection).await?;
    connection.execute(MIGRATION_LOCK).await?;
    migrations::run(&mut connection, migrations::POSTGRES).await?;
    Ok(connection.close().await?)
}

async fn reach(options: &PgConnectOptions) -> Result<PgConnection, OpenError> {
    let deadline = Instant::now() + PATIENCE;
    let unreachable = |source| OpenError::Unreachable { seconds: PATIENCE.as_secs(), source };
    loop {
        let error = match timeout_at(deadline, PgConnection::connect_with(options)).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => error,
            Err(_) => return Err(unreachable(sqlx::Error::PoolTimedOut)),
        };
        if !may_pass(&error) {
            return Err(OpenError::Database(error));
        }
        if Instant::now() + PAUSE >= deadline {
            return Err(unreachable(error));
        }
        sleep(PAUSE).await;
    }
}

/// Not there yet, starting up, or out of connections for now; a wrong password stays wrong.
fn may_pass(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(refusal) => refusal.code().is_some_and(|code| matches!(&*code, "57P03" | "53300")),
        _ => false,
    }
}

async fn check(connection: &mut PgConnection) -> Result<(), OpenError> {
    let (encoding, version, number): (String, String, i32) = sqlx::query_as(
        "SELECT current_setting('server_encoding'), current_setting('server_version'), \
         current_setting('server_version_num')::int",
    )
    .fetch_one(&mut *connection)
    .await?;
    if number < OLDEST {
        return Err(OpenError::TooOld(version));
    }
    if encoding != "UTF8" {
        return Err(OpenError::Encoding(encoding));
    }
    let (read_only, fsync): (bool, String) =
        sqlx::query_as(concat!(is_read_only!(), ", current_setting('fsync')")).fetch_one(connection).await?;
    if read_only {
        return Err(OpenError::ReadOnly);
    }
    if fsync != "on" {
        tracing::warn!("the database runs with `fsync = off`: a power cut loses memberships");
    }
    Ok(())
}
