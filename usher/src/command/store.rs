//! `usher store`: the membership store, until it is told to stop; it follows its policy file.

mod collector;
mod telemetry;

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use usher_store::{Config, Secrets, Server, Tls};

use telemetry::Telemetry;

use super::Failure;
use crate::policy_file::PolicyFile;
use crate::policy_watch::PolicyWatch;

/// The arguments of `usher store`.
#[derive(Debug, Args)]
pub(crate) struct Store {
    /// The policy file, YAML or JSON
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The database: sqlite://FILE, or postgres://USER@HOST/NAME
    #[arg(long, value_name = "URL", default_value = "sqlite://usher.db")]
    database: String,
    /// Where to listen, a name or an address; port 0 picks a free port and logs it
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:7070", value_parser = listening)]
    listen: SocketAddr,
    /// The store's certificate chain, PEM; read at start. Without it, the store speaks plain HTTP
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's key, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Accept only clients with a certificate from one of these authorities, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_client_ca: Option<PathBuf>,
    /// Requests per second for each administrator's or directory's token; 0 means no limit
    #[arg(long, value_name = "N", default_value = "10000")]
    max_rate: u32,
    /// An OpenTelemetry collector for traces, by OTLP over HTTP, such as http://127.0.0.1:4318; without it, no traces
    #[arg(long, value_name = "URL", env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    otlp_endpoint: Option<String>,
}

impl Store {
    /// Serves until SIGTERM or SIGINT, then lets requests under way finish.
    ///
    /// # Errors
    /// The policy file, a secret, the database or the address cannot be used.
    pub(crate) fn run(&self) -> Result<ExitCode, Failure> {
        let watch = PolicyWatch::begin(&self.policy);
        let file = PolicyFile::load(&self.policy)?;
        let (policy_digest, policy) = (file.digest(), file.policy);
        let secrets = Secrets::from_env(&policy, |name| std::env::var(name).ok())?;
        let telemetry = Telemetry::start(self.otlp_endpoint.as_deref())?;

        let config = Config {
            policy: Arc::new(policy),
            policy_digest,
            database: self.database.clone(),
            listen: self.listen,
            secrets,
            max_rate: NonZeroU32::new(self.max_rate),
            tls: self.tls()?,
        };
        let runtime = tokio::runtime::Runtime::new().map_err(Failure::Runtime)?;
        let served = runtime.block_on(async {
            // Before the first request: a signal must never find nobody listening for it.
            let stop = stop_signal().map_err(Failure::Runtime)?;
            let hangup = signal(SignalKind::hangup()).map_err(Failure::Runtime)?;
            let server = Server::bind(config).await?;
            let policy = watch.follow(server.policy_in_force(), hangup);
            tokio::select! {
                () = server.run(stop) => {}
                () = policy => {}
            }
            Ok(ExitCode::SUCCESS)
        });
        telemetry.end();
        served
    }
}

impl Store {
    fn tls(&self) -> Result<Option<Tls>, Failure> {
        match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => Ok(Some(Tls::read(certificate, key, self.tls_client_ca.as_deref())?)),
            _ => Ok(None),
        }
    }
}

/// Looks the name up. IPv4 comes first: it is where `render` and the other commands expect the store by default.
fn listening(text: &str) -> Result<SocketAddr, String> {
    if text.starts_with(':') {
        return Err(format!("no host: write 127.0.0.1{text}, or 0.0.0.0{text} for every interface"));
    }
    let found: Vec<_> = text
        .to_socket_addrs()
        .map_err(|error| format!("must be HOST:PORT of this machine, such as 127.0.0.1:7070 ({error})"))?
        .collect();
    let first = found.iter().find(|address| address.is_ipv4()).or(found.first());
    first.copied().ok_or_else(|| "the name has no address".to_owned())
}

fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
