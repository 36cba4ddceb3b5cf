//! Memberships in PostgreSQL: any number of replicas at once, every commit on disk before it is answered.

mod audit;
mod directory;
mod kept;
mod listen;
mod members;
mod options;
mod session;
mod start;
mod sync;
mod tickets;
mod tls;
mod write;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions};
use sqlx::{Connection, Executor};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use self::kept::Kept;
use self::session::{Session, head};
use super::login::{self, People};
use super::{
    CLOSE_TIMEOUT, Database, DatabaseError, LONG_PATIENCE, Lane, Look, OpenError, PATIENCE, Question, Snapshot,
    Transaction,
};
use crate::metrics::Metrics;

/// Most connections of one replica for what is short, the listening one included …
const CONNECTIONS: u32 = 16;

/// … and for what may take long.
const LONG_CONNECTIONS: u32 = 6;

/// So many of the first may have transactions that change members; some are left for those who only look.
const CHANGES: usize = 12;

/// A connection that was idle for longer is asked whether it still lives before it is used.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// A connection that is used all the time goes back to the pool after this long, which ends what has lived for long.
const LIFETIME: Duration = Duration::from_secs(60);

/// How long that may take.
const PING_TIMEOUT: Duration = Duration::from_millis(500);

/// Bounds for what a session may do: who is stuck lets others go on. A lock is waited for a little less long than a statement
/// may take, so that it is told as what it is. And a commit
/// is on disk when it is acknowledged, also where the server's default is otherwise. A bitmap scan reads all that fits before it
/// gives the first row; without statistics that looks cheap, even where a page of a long list is wanted.
macro_rules! session_settings {
    () => {
        "SET statement_timeout = '2s'; SET lock_timeout = '1800ms'; SET idle_in_transaction_session_timeout = '5s'; \
         SET enable_bitmapscan = off; \
         SELECT set_config('synchronous_commit', 'on', FALSE) WHERE current_setting('synchronous_commit') = 'off'; "
    };
}

/// Sets a session up, in one round trip: where many connections are opened at once, each of them is waited for.
///
/// Remembers the server's timeline, which is another after every failover and every recovery from an archive: what the
/// old primary acknowledged last may be lost, so that its feed positions mean nothing any more. On a standby this fails,
/// and with it the connection.
const SET_UP: &str = concat!(
    session_settings!(),
    "SELECT set_config('usher.timeline', substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), FALSE)"
);

/// The same where a provider hides the timeline: the marks of the changes must do.
const SET_UP_WITHOUT_TIMELINE: &str = concat!(session_settings!(), "SELECT set_config('usher.timeline', '', FALSE)");

/// An open PostgreSQL database of the newest schema.
pub(crate) struct Postgres {
    pool: PgPool,
    long: PgPool,
    kept: Kept,
    feed_grew: watch::Sender<u64>,
    listener: AbortHandle,
    metrics: Arc<Metrics>,
}

impl Postgres {
    /// Reaches the database behind a `postgres:` address, which may take a while to come up, and migrates it.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub(crate) async fn open(address: &str, metrics: Arc<Metrics>) -> Result<Self, OpenError> {
        let options = options::parse(address)?;
        start::prepare(&options).await?;

        let pool = pool(CONNECTIONS, PATIENCE).connect_lazy_with(options.clone());
        let long = self::pool(LONG_CONNECTIONS, LONG_PATIENCE).connect_lazy_with(options);
        let feed_grew = watch::Sender::new(0);
        let listener = tokio::spawn(listen::listen(pool.clone(), feed_grew.clone())).abort_handle();
        Ok(Self { kept: Kept::new(pool.clone()), pool, long, feed_grew, listener, metrics })
    }

    /// Begins a transaction. A connection of the pool that turns out to be dead costs another attempt, not the request:
    /// nothing has happened on it yet.
    async fn begin(
        &self,
        lane: Lane,
        how: &'static str,
    ) -> Result<sqlx::Transaction<'static, sqlx::Postgres>, DatabaseError> {
        let (pool, most) = match lane {
            Lane::Long => (&self.long, LONG_CONNECTIONS),
            Lane::Short => (&self.pool, CONNECTIONS),
        };
        for _ in 0..most {
            match pool.begin_with(how).await {
                Err(error) if is_cut(&error) => tracing::debug!(%error, "a connection was dead"),
                begun => return begun.map_err(|error| told(pool, error)),
            }
        }
        pool.begin_with(how).await.map_err(|error| told(pool, error))
    }
}

/// Where all connections are at work, the database is busy; where there are none to be had, it is away.
fn told(pool: &PgPool, error: sqlx::Error) -> DatabaseError {
    let is_full = pool.size() >= pool.options().get_max_connections() && pool.num_idle() == 0;
    match error {
        sqlx::Error::PoolTimedOut if is_full => DatabaseError::Busy("all connections are at work".to_owned()),
        error => error.into(),
    }
}

fn pool(connections: u32, patience: Duration) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(patience)
        .test_before_acquire(false)
        .before_acquire(|connection, about| {
            Box::pin(async move {
                if about.idle_for > TRUSTED_FOR {
                    lives(connection).await?;
                }
                Ok(true)
            })
        })
        // What comes back may hang, if a request gave up on it: it must not keep its place in the pool.
        .after_release(|connection, _| Box::pin(async move { lives(connection).await.map(|()| true) }))
        .after_connect(|connection, _| {
            Box::pin(async move {
                match connection.execute(SET_UP).await {
                    Err(error) if hides_timeline(&error) => connection.execute(SET_UP_WITHOUT_TIMELINE).await.map(drop),
                    set_up => set_up.map(drop),
                }
            })
        })
}

/// Whether somebody is still there; a network that swallows everything does not tell by itself.
async fn lives(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    match timeout(PING_TIMEOUT, connection.ping()).await {
        Ok(pinged) => pinged,
        Err(_) => Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())),
    }
}

/// Whether the connection is gone: cut off, or ended by the server as it shut down or crashed.
fn is_cut(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(refusal) => refusal.code().is_some_and(|code| matches!(&*code, "57P01" | "57P02")),
        _ => false,
    }
}

/// Whether what tells the timeline is not there, or not for us.
fn hides_timeline(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|refusal| refusal.code());
    code.is_some_and(|code| matches!(&*code, "0A000" | "42501" | "42883"))
}

#[async_trait]
impl Database for Postgres {
    fn system(&self) -> &'static str {
        "postgresql"
    }

    async fn read(&self, lane: Lane) -> Result<Box<dyn Snapshot>, DatabaseError> {
        let snapshot = self.begin(lane, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").await?;
        Ok(Box::new(Session::reading(snapshot)))
    }

    async fn write(&self, lane: Lane) -> Result<Box<dyn Transaction>, DatabaseError> {
        // READ COMMITTED: who waited for a lock reads what the one before left. The locks make it safe (see the trait).
        let how = match lane {
            Lane::Long => "BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE",
            // Those whose records a push of thousands holds must not take the connections of all others.
            Lane::Short => "BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE; SET LOCAL lock_timeout = '1s'",
        };
        let transaction = self.begin(lane, how).await?;
        Ok(Box::new(Session::writing(transaction, Arc::clone(&self.metrics))))
    }

    fn at_once(&self) -> usize {
        CHANGES
    }

    async fn look(&self, question: &Question<'_>) -> Result<Look, DatabaseError> {
        let mut attempts = CONNECTIONS;
        loop {
            let mut connection = self.kept.take().await.map_err(|error| told(&self.pool, error))?;
            let mut query = login::statement(question, People::Anyone, head!());
            match query.build().fetch_all(&mut *connection).await {
                Ok(found) => {
                    self.kept.keep(connection);
                    return login::look(&found, question, People::Anyone);
                }
                // As at the beginning of a transaction: nothing has happened on it yet.
                Err(error) if is_cut(&error) && attempts > 0 => tracing::debug!(%error, "a connection was dead"),
                Err(error) => return Err(error.into()),
            }
            attempts -= 1;
        }
    }

    async fn ready(&self) -> Result<(), DatabaseError> {
        let mut transaction = self.begin(Lane::Short, "BEGIN").await?;
        let read_only: bool = sqlx::query_scalar(start::is_read_only!()).fetch_one(&mut *transaction).await?;
        match read_only {
            true => Err(DatabaseError::Unavailable("the database can only be read".into())),
            false => Ok(()),
        }
    }

    fn feed_grew(&self) -> watch::Receiver<u64> {
        self.feed_grew.subscribe()
    }

    async fn close(&self) {
        self.listener.abort();
        // Called here, for that is when the pools are closed to newcomers.
        let (short, long) = (self.pool.close(), self.long.close());
        let closing = async { tokio::join!(short, long) };
        // From here on nothing is kept any more.
        self.kept.forget();
        if timeout(CLOSE_TIMEOUT, closing).await.is_err() {
            tracing::warn!("some connections to the database were cut off");
        }
    }
}
