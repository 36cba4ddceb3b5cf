//! The running store: opened, listening, serving until told to stop.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::time::Instant;
use usher_policy::Policy;

use crate::audit;
use crate::clock::{Clock, SystemClock};
use crate::database::{self, Address, Database, OpenError};
use crate::feed::Feed;
use crate::http::{self, App, Fresh, Limits, RateLimits};
use crate::in_force::{InForce, PolicyInForce};
use crate::membership::Membership;
use crate::metrics::{Metrics, UPKEEP_INTERVAL};
use crate::scim::Turns;
use crate::secrets::Secrets;
use crate::tls::Tls;
use crate::token_use::{COUNTED_FOR, TokenUse};

/// Most entries about tokens that wait for a database that is away.
const MAX_UNNOTED: usize = 1_000;

/// What a store needs to run.
#[derive(Debug)]
pub struct Config {
    /// The policy: the same file that the filter was rendered from.
    pub policy: Arc<Policy>,
    /// What tells this policy from others: see [`digest`](crate::digest).
    pub policy_digest: String,
    /// Where the memberships are: `sqlite://usher.db`, `postgres://…`.
    pub database: String,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The bearer tokens, from the environment.
    pub secrets: Secrets,
    /// Requests a second that one administrator's or directory's token may make; `None` is no limit.
    pub max_rate: Option<NonZeroU32>,
    /// Certificate and key; without them plain HTTP is spoken.
    pub tls: Option<Tls>,
}

/// Why a store cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database cannot be used.
    #[error("{address}: {source}")]
    Database {
        /// Its address, without user and password.
        address: String,
        /// Why.
        source: OpenError,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The metrics cannot be set up.
    #[error("cannot set up metrics: {0}")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
    /// There is no such kind of database.
    #[error("`{0}` is not a database address; write `sqlite://FILE` or `postgres://USER@HOST/NAME`")]
    UnknownDatabase(String),
}

/// A store that listens. Nothing is answered before [`Server::run`].
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Tls>,
    database: Arc<dyn Database>,
    app: Arc<App>,
}

impl Server {
    /// Opens the database, brings it to the newest schema, and listens.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn bind(config: Config) -> Result<Self, StartError> {
        Self::bind_with_clock(config, Arc::new(SystemClock)).await
    }

    /// The same, with another clock than the machine's.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn bind_with_clock(config: Config, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        let metrics = Arc::new(Metrics::new()?);
        let database = open(&config.database, Arc::clone(&metrics)).await?;
        let listen = |source| StartError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let memberships = Membership::new(Arc::clone(&database), Arc::clone(&clock), Arc::clone(&metrics));
        let app = App {
            in_force: PolicyInForce::new(config.policy, config.policy_digest, config.secrets, Arc::clone(&metrics)),
            memberships,
            feed: Feed::new(Arc::clone(&database)),
            metrics,
            tokens: TokenUse::default(),
            clock,
            request_timeout: http::REQUEST_TIMEOUT,
            rate_limits: RateLimits::new(config.max_rate),
            directories: Turns::default(),
            readiness: Fresh::new(http::READINESS_STAYS),
            seats_counted: Fresh::new(http::SEATS_STAY),
        };
        if config.tls.is_none() && !address.ip().is_loopback() {
            tracing::warn!(%address, "tokens and members can be read on the way: give the store a certificate");
        }
        Ok(Self { listener, address, tls: config.tls, database, app: Arc::new(app) })
    }

    /// The address that is listened on.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The policy in force, to put another in its place while it runs.
    pub fn policy_in_force(&self) -> PolicyInForce {
        self.app.in_force.clone()
    }

    /// Serves until `shutdown` is done, then lets requests under way finish, for a while, and closes the database.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        tracing::info!(address = %self.address, tls = self.tls.is_some(), "the store listens");
        // Before the first request, so that a sync finds its own policy in force.
        let first = self.app.in_force.now();
        let noted = note_policy(&self.app, None, &first).await.then_some(first);
        let shutdown = async {
            shutdown.await;
            self.app.feed.stop();
        };
        let router = http::router(Arc::clone(&self.app));
        let serve = async {
            http::serve(self.listener, self.tls, router, Limits::default(), shutdown).await;
            self.app.tokens.stop();
        };
        tokio::select! {
            _ = async { tokio::join!(serve, note_tokens(&self.app)) } => {}
            () = upkeep(&self.app) => {}
            () = note_policies(&self.app, noted) => {}
            () = note_refused_policies(&self.app) => {}
        }
        self.database.close().await;
        tracing::info!("the store has stopped");
    }
}

async fn open(address: &str, metrics: Arc<Metrics>) -> Result<Arc<dyn Database>, StartError> {
    let Some(address) = Address::parse(address) else {
        return Err(StartError::UnknownDatabase(address.split(':').next().unwrap_or_default().to_owned()));
    };
    let opened = database::open(&address, metrics).await;
    opened.map_err(|source| StartError::Database { address: address.told(), source })
}

/// Notes which policy is in force, and each that replaces `noted`: in the audit, and for those who reconcile by it.
async fn note_policies(app: &App, mut noted: Option<Arc<InForce>>) {
    let mut in_force = app.in_force.follow();
    loop {
        let now = Arc::clone(&in_force.borrow_and_update());
        if !noted.as_ref().is_some_and(|noted| Arc::ptr_eq(noted, &now)) {
            while !note_policy(app, noted.as_deref(), &now).await {
                tokio::time::sleep(UPKEEP_INTERVAL).await;
            }
            noted = Some(now);
        }
        if in_force.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// Whether it could be noted.
async fn note_policy(app: &App, before: Option<&InForce>, now: &InForce) -> bool {
    let entry = audit::of_policy(before, now, app.clock.now().as_secs());
    let noted = async {
        app.memberships.put_policy_in_force(&now.digest).await?;
        app.memberships.note_in_audit(&[entry]).await
    };
    let noted = noted.await;
    match &noted {
        Ok(()) => now.is_noted(),
        Err(error) => {
            tracing::warn!(%error, "the policy in force could not be noted in the database; trying again");
        }
    }
    noted.is_ok()
}

/// Notes in the audit that a policy could not be put in force; of several at once, the newest.
async fn note_refused_policies(app: &App) {
    let mut refusals = app.in_force.follow_refusals();
    while refusals.changed().await.is_ok() {
        let entry = {
            let why = refusals.borrow_and_update();
            audit::of_refused_policy(&app.in_force.now(), &why, app.clock.now().as_secs())
        };
        while let Err(error) = app.memberships.note_in_audit(std::slice::from_ref(&entry)).await {
            tracing::warn!(%error, "a refused policy could not be noted in the audit; trying again");
            tokio::time::sleep(UPKEEP_INTERVAL).await;
        }
    }
}

/// Notes the use of tokens in the audit: first uses at once, refusals once in a while, and all of it at the end.
async fn note_tokens(app: &App) {
    let mut ticks = tokio::time::interval_at(Instant::now() + COUNTED_FOR, COUNTED_FOR);
    let mut entries = Vec::new();
    loop {
        let (is_due, is_last) = tokio::select! {
            () = app.tokens.used() => (false, false),
            _ = ticks.tick() => (true, false),
            () = app.tokens.stopped() => (true, true),
        };
        entries.extend(app.tokens.take_first());
        if is_due {
            entries.extend(app.tokens.take_refused(app.clock.now().as_secs()));
        }
        if !entries.is_empty() {
            match app.memberships.note_in_audit(&entries).await {
                Ok(()) => entries.clear(),
                Err(error) => {
                    tracing::warn!(%error, "the use of tokens could not be noted in the audit; trying again later");
                    entries.truncate(MAX_UNNOTED);
                }
            }
        }
        if is_last {
            return;
        }
    }
}

/// What is to be done now and then.
async fn upkeep(app: &App) {
    let mut ticks = tokio::time::interval(UPKEEP_INTERVAL);
    loop {
        ticks.tick().await;
        app.metrics.upkeep();
        // One reading for all of it: what may be forgotten is so by this one alone.
        let now = app.clock.now();
        if let Err(error) = app.feed.compact(now.as_secs()).await {
            tracing::warn!(%error, "old changes could not be forgotten; trying again later");
        }
        match app.memberships.may_forget(now).await {
            Ok(true) => {}
            Ok(false) => continue,
            Err(error) => {
                tracing::warn!(%error, "old entries of the audit and old tickets could not be forgotten; trying again later");
                continue;
            }
        }
        let retention = app.in_force.now().policy.audit_retention;
        if let Err(error) = app.memberships.forget_audit(now, retention).await {
            tracing::warn!(%error, "old entries of the audit could not be forgotten; trying again later");
        }
        if let Err(error) = app.memberships.forget_tickets(now).await {
            tracing::warn!(%error, "old tickets could not be forgotten; trying again later");
        }
    }
}
