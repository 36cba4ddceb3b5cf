//! The one writer: those who wait get a turn each, behind a savepoint, and one commit puts all of them on disk.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::sqlite::{Sqlite, SqliteConnection, SqlitePool};
use tokio::sync::{Mutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::time::timeout;

use super::{DatabaseError, LONG_PATIENCE, Lane, PATIENCE, told};
use crate::metrics::Metrics;

/// How many may wait for a turn.
pub(super) const QUEUE: usize = 1024;

/// A commit is for at most this many turns …
const MAX_TURNS: usize = 128;

/// … and the first of them waits for it at most about this long.
pub(super) const MAX_WAIT: Duration = Duration::from_millis(20);

/// Gives turns.
pub(super) struct Writer {
    queue: mpsc::Sender<Call>,
    /// One that may take long is in the queue, or has its turn, at a time: whoever comes next waits for one of them at most.
    long: Arc<Semaphore>,
    pool: SqlitePool,
}

/// Somebody who wants to write.
enum Call {
    Stop(oneshot::Sender<()>),
    Turn(Lane, oneshot::Sender<Result<Turn, DatabaseError>>),
}

/// The writer's connection, lent. Dropped before `commit`, nothing has happened.
pub(super) struct Turn {
    connection: OwnedMutexGuard<PoolConnection<Sqlite>>,
    done: oneshot::Sender<Done>,
    long: Option<OwnedSemaphorePermit>,
}

/// A turn whose work shall be kept.
struct Done {
    appended: bool,
    committed: oneshot::Sender<Result<(), DatabaseError>>,
}

impl Writer {
    /// Starts the task that owns the one connection of this pool. `max_wait` is [`MAX_WAIT`], where nobody tests it.
    pub(super) fn start(
        pool: SqlitePool,
        feed_grew: watch::Sender<u64>,
        metrics: Arc<Metrics>,
        max_wait: Duration,
    ) -> Self {
        let (queue, calls) = mpsc::channel(QUEUE);
        tokio::spawn(serve(pool.clone(), calls, feed_grew, metrics, max_wait));
        Self { queue, long: Arc::new(Semaphore::new(1)), pool }
    }

    /// Waits for a turn; bounded.
    pub(super) async fn turn(&self, lane: Lane) -> Result<Turn, DatabaseError> {
        let (is_long, patience) = match lane {
            Lane::Long => (true, LONG_PATIENCE),
            Lane::Short => (false, PATIENCE),
        };
        let waiting = async {
            let long = match is_long {
                true => Some(Arc::clone(&self.long).acquire_owned().await.map_err(|_| gone("the writer has stopped"))?),
                false => None,
            };
            let (lend, lent) = oneshot::channel();
            self.queue.send(Call::Turn(lane, lend)).await.map_err(|_| gone("the writer has stopped"))?;
            let turn: Turn = lent.await.map_err(|_| gone("the writer has stopped"))??;
            Ok(Turn { long, ..turn })
        };
        timeout(patience, waiting).await.map_err(|_| DatabaseError::Busy("others write".to_owned()))?
    }

    /// Ends when those who called before are done.
    pub(super) async fn close(&self) {
        let (stopped, has_stopped) = oneshot::channel();
        if self.queue.send(Call::Stop(stopped)).await.is_ok() {
            // The writer lets go of its end when it has stopped.
            drop(has_stopped.await);
        }
        self.pool.close().await;
    }
}

impl Turn {
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }

    /// Keeps what was done. When this returns, it is on disk, with what others did in their turns.
    pub(super) async fn commit(self, appended: bool) -> Result<(), DatabaseError> {
        let (committed, outcome) = oneshot::channel();
        drop(self.connection);
        // The next that may take long can queue.
        drop(self.long);
        self.done.send(Done { appended, committed }).map_err(|_| gone("the writer has stopped"))?;
        outcome.await.map_err(|_| gone("the writer has stopped"))?
    }
}

async fn serve(
    pool: SqlitePool,
    mut calls: mpsc::Receiver<Call>,
    feed_grew: watch::Sender<u64>,
    metrics: Arc<Metrics>,
    max_wait: Duration,
) {
    let mut next = None;
    loop {
        // Who was left over by the last commit is the first of the next.
        if next.is_none() {
            next = calls.recv().await;
        }
        if next.is_none() {
            return;
        }
        let mut batch = match Batch::begin(&pool).await {
            Ok(batch) => batch,
            Err(error) => {
                let error = told(error);
                // Whoever waits now would hear the same, each after a wait of its own.
                while let Some(call) = next.take() {
                    match call {
                        Call::Stop(stopped) => return drop(stopped),
                        Call::Turn(_, lend) => drop(lend.send(Err(the_same(&error)))),
                    }
                    next = calls.try_recv().ok();
                }
                continue;
            }
        };
        let mut stop = None;
        while let Some(call) = next.take() {
            match call {
                Call::Stop(stopped) => {
                    stop = Some(stopped);
                    break;
                }
                // What is done is put on disk before something that may take long, not after it.
                Call::Turn(Lane::Long, _) if !batch.done.is_empty() => {
                    next = Some(call);
                    break;
                }
                Call::Turn(_, lend) => batch.lend(lend).await,
            }
            if batch.has_room(max_wait) {
                next = calls.try_recv().ok();
            }
        }
        batch.commit(&feed_grew, &metrics).await;
        if let Some(stopped) = stop {
            return drop(stopped);
        }
    }
}

/// Turns that are committed together, or not at all.
struct Batch {
    connection: Arc<Mutex<PoolConnection<Sqlite>>>,
    began: Instant,
    done: Vec<Done>,
    /// Why nothing of it can be kept.
    broken: Option<sqlx::Error>,
}

impl Batch {
    async fn begin(pool: &SqlitePool) -> Result<Self, sqlx::Error> {
        let mut connection = pool.acquire().await?;
        // IMMEDIATE takes the write lock before the first read: what is decided upon cannot change underneath.
        if let Err(error) = sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await {
            connection.close_on_drop();
            return Err(error);
        }
        let connection = Arc::new(Mutex::new(connection));
        Ok(Self { connection, began: Instant::now(), done: Vec::new(), broken: None })
    }

    fn has_room(&self, max_wait: Duration) -> bool {
        self.broken.is_none() && self.done.len() < MAX_TURNS && self.began.elapsed() < max_wait
    }

    /// Lends the connection, behind a savepoint, and waits until it comes back.
    async fn lend(&mut self, lend: oneshot::Sender<Result<Turn, DatabaseError>>) {
        if let Err(error) = self.turn(lend).await {
            tracing::error!(%error, "a transaction came to nothing, and those that were to be committed with it");
            self.broken = Some(error);
        }
    }

    async fn turn(&mut self, lend: oneshot::Sender<Result<Turn, DatabaseError>>) -> Result<(), sqlx::Error> {
        let mut connection = Arc::clone(&self.connection).lock_owned().await;
        sqlx::query("SAVEPOINT turn").execute(&mut **connection).await?;
        let (done, is_done) = oneshot::channel();
        // Who no longer waits gives the turn back by dropping it.
        drop(lend.send(Ok(Turn { connection, done, long: None })));
        let done = is_done.await;
        let mut connection = self.connection.lock().await;
        if done.is_err() {
            sqlx::query("ROLLBACK TO turn").execute(&mut **connection).await?;
        }
        // After a failure like a full disk SQLite undoes the whole transaction by itself: then there is no savepoint.
        sqlx::query("RELEASE turn").execute(&mut **connection).await?;
        self.done.extend(done);
        Ok(())
    }

    async fn commit(self, feed_grew: &watch::Sender<u64>, metrics: &Metrics) {
        let mut connection = self.connection.lock_owned().await;
        let outcome = match self.broken {
            Some(error) => Err(error),
            None => sqlx::query("COMMIT").execute(&mut **connection).await.map(drop),
        };
        match outcome {
            Ok(()) => {
                drop(connection);
                metrics.commit(self.done.len());
                if self.done.iter().any(|done| done.appended) {
                    feed_grew.send_modify(|times| *times = times.wrapping_add(1));
                }
                for done in self.done {
                    // Who no longer waits finds it done when asking again.
                    drop(done.committed.send(Ok(())));
                }
            }
            Err(error) => {
                // Closing undoes whatever is open, also where SQLite and we are of two minds about that.
                connection.close_on_drop();
                drop(connection);
                for done in self.done {
                    drop(done.committed.send(Err(gone(&error.to_string()))));
                }
            }
        }
    }
}

/// What one of those who wait is told of an error that concerns all of them.
fn the_same(error: &DatabaseError) -> DatabaseError {
    match error {
        DatabaseError::Busy(why) => DatabaseError::Busy(why.clone()),
        other => gone(&other.to_string()),
    }
}

fn gone(why: &str) -> DatabaseError {
    DatabaseError::Unavailable(why.into())
}
