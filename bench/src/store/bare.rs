//! The SQL that a login comes down to, without a store around it: the same reads, the same write, the same locks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use sqlx::postgres::{PgConnection, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, PgPool, SqlitePool};
use tokio::runtime::Runtime;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::databases::Database;
use super::logins::{CLIENTS, PEOPLE, SIGNED};

/// What a login must read: the member, who else has the email, the ticket, owners, removals, seats, the feed's head.
macro_rules! look {
    ($head:literal) => {
        concat!(
            "SELECT p.id, p.role, p.seat_tier, p.status, t.last_iat, t.not_before, e.id, b.not_before, h.position, h.mark, ",
            "(SELECT count(*) FROM (SELECT 1 FROM members WHERE organization = 'doors' AND role = 'owner' ",
            "AND status = 'active' LIMIT 2) AS owners), ",
            "(SELECT count(*) FROM removals_by_login WHERE organization = 'doors' AND at > 0), ",
            "(SELECT used FROM seats WHERE organization = 'doors' AND tier = 'premium'), ",
            "(SELECT used FROM seats WHERE organization = 'doors' AND tier = 'standard') FROM ", $head,
            " AS h LEFT JOIN members p ON p.organization = 'doors' AND p.issuer = 'https://acme.okta.example' AND p.subject = $1 ",
            "LEFT JOIN members e ON e.organization = 'doors' AND e.email_key = $2 ",
            "LEFT JOIN tickets t ON t.organization = 'doors' AND t.issuer = 'https://acme.okta.example' AND t.subject = $1 ",
            "LEFT JOIN email_blocks b ON b.organization = 'doors' AND b.email_key = $2"
        )
    };
}

const LOOK_POSTGRES: &str = look!("feed_head");
const LOOK_SQLITE: &str = look!("(SELECT position, mark FROM changes ORDER BY position DESC LIMIT 1)");

const KEEP: &str = "INSERT INTO tickets (organization, issuer, subject, last_iat, not_before) \
    VALUES ('doors', 'https://acme.okta.example', $1, $2, NULL) \
    ON CONFLICT (organization, issuer, subject) DO UPDATE SET last_iat = excluded.last_iat";

/// Clients without a store.
pub(super) struct Bare {
    runtime: Runtime,
    to: Arc<To>,
}

enum To {
    Postgres(PgPool),
    Sqlite { readers: SqlitePool, writer: Mutex<SqliteConnection> },
}

impl Bare {
    pub(super) fn new(database: &Database) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let connections = u32::try_from(CLIENTS)?;
        let to = runtime.block_on(async {
            anyhow::Ok(match database {
                Database::Postgres { .. } => {
                    let pool = PgPoolOptions::new().max_connections(connections);
                    To::Postgres(pool.connect(&database.address()).await?)
                }
                Database::Sqlite(folder) => {
                    let options = SqliteConnectOptions::new().filename(folder.path().join("usher.db"));
                    let options = options.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
                    let readers = SqlitePoolOptions::new().max_connections(connections);
                    let readers = readers.connect_with(options.clone()).await?;
                    To::Sqlite { readers, writer: Mutex::new(SqliteConnection::connect_with(&options).await?) }
                }
            })
        })?;
        Ok(Self { runtime, to: Arc::new(to) })
    }

    /// How many logins a second all clients do together, each on a connection of its own.
    pub(super) fn rate(&self, span: Duration, writes: bool) -> Result<f64> {
        self.runtime.block_on(async {
            let began = Instant::now();
            let mut clients = JoinSet::new();
            for client in 0..CLIENTS as u64 {
                clients.spawn(Arc::clone(&self.to).client(client, began + span, writes));
            }
            let mut done = 0;
            while let Some(count) = clients.join_next().await {
                done += count??;
            }
            Ok(f64::from(done) / began.elapsed().as_secs_f64())
        })
    }
}

impl To {
    async fn client(self: Arc<Self>, client: u64, deadline: Instant, writes: bool) -> Result<u32> {
        let mut done = 0;
        match &*self {
            To::Postgres(pool) => {
                let mut connection = pool.acquire().await?;
                while Instant::now() < deadline {
                    on_postgres(&mut connection, person(client, done), writes).await?;
                    done += 1;
                }
            }
            To::Sqlite { readers, writer } => {
                let mut reader = readers.acquire().await?;
                while Instant::now() < deadline {
                    let (subject, email) = person(client, done);
                    sqlx::query(LOOK_SQLITE).bind(&subject).bind(&email).fetch_all(&mut *reader).await?;
                    if writes {
                        let mut writer = writer.lock().await;
                        sqlx::query("BEGIN IMMEDIATE").execute(&mut *writer).await?;
                        sqlx::query(LOOK_SQLITE).bind(&subject).bind(&email).fetch_all(&mut *writer).await?;
                        sqlx::query(KEEP).bind(&subject).bind(later()).execute(&mut *writer).await?;
                        sqlx::query("COMMIT").execute(&mut *writer).await?;
                    }
                    done += 1;
                }
            }
        }
        Ok(done)
    }
}

async fn on_postgres(connection: &mut PgConnection, person: (String, String), writes: bool) -> Result<()> {
    let (subject, email) = person;
    sqlx::query(LOOK_POSTGRES).bind(&subject).bind(&email).fetch_all(&mut *connection).await?;
    if writes {
        let mut transaction = connection.begin().await?;
        let lock = "SELECT pg_advisory_xact_lock(hashtext($1)), pg_advisory_xact_lock(hashtext($2))";
        sqlx::query(lock).bind(&subject).bind(&email).execute(&mut *transaction).await?;
        let member = "SELECT id FROM members WHERE organization = 'doors' AND email_key = $1 FOR UPDATE";
        sqlx::query(member).bind(&email).fetch_all(&mut *transaction).await?;
        sqlx::query(LOOK_POSTGRES).bind(&subject).bind(&email).fetch_all(&mut *transaction).await?;
        sqlx::query(KEEP).bind(&subject).bind(later()).execute(&mut *transaction).await?;
        transaction.commit().await?;
    }
    Ok(())
}

/// Subject and email of the person whose turn it is.
fn person(client: u64, done: u32) -> (String, String) {
    let person = (u64::from(done) * CLIENTS as u64 + client) % PEOPLE;
    (format!("sub-{person}"), format!("door-{person}@acme.example"))
}

/// A time that no ticket of the store's own is after.
fn later() -> i64 {
    i64::try_from(SIGNED).unwrap_or_default()
}
