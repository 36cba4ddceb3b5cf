//! Everything at once on this machine: identity provider, store, product and Envoy with the filter. Loopback only.

mod calls;
mod check;
mod client;
mod envoy;
mod instructions;
mod people;
mod provider;
mod upstream;

use std::fs::{self, OpenOptions, Permissions};
use std::future::pending;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use axum::Router;
use jwt_simple::prelude::HS256Key;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task;
use usher_store::{Config, Secrets, Server};

use crate::output::print;
use crate::policy_file::PolicyFile;
use crate::render::envoy::{Additions, Settings, bootstrap};
use crate::render::{EnvoyVersion, fill};
use crate::store_client::{StoreClient, TOKEN_ENV};
use check::Report;
use client::Client;
use envoy::Envoy;
use instructions::Places;

/// Where Envoy listens unless that port is taken.
const PORT: u16 = 10_000;
/// How long what is still under way may take at the end.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(5);

/// What the command line says about a demo.
#[derive(Debug)]
pub(crate) struct Options {
    /// Make the calls, print a table, and end.
    pub(crate) check: bool,
    /// The Envoy binary.
    pub(crate) envoy: Option<PathBuf>,
    /// The filter.
    pub(crate) wasm: Option<PathBuf>,
    /// Where Envoy listens; without it 10000, or any free port where that is taken.
    pub(crate) port: Option<u16>,
}

/// Runs a demo until it is checked or stopped. No child outlives it.
///
/// # Errors
/// Something that is needed is missing or does not start.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new()?;
    let outcome = runtime.block_on(async {
        let stop = stop_signal()?;
        tokio::select! {
            outcome = demonstrate(options) => outcome,
            () = stop => Ok(if options.check { ExitCode::FAILURE } else { ExitCode::SUCCESS }),
        }
    });
    // Envoy went with the demonstration; what is left are servers and perhaps a call under way.
    runtime.shutdown_timeout(SHUTDOWN_LIMIT);
    outcome
}

async fn demonstrate(options: &Options) -> anyhow::Result<ExitCode> {
    let binary = envoy::find(options.envoy.as_deref())?;
    let wasm = find_wasm(options.wasm.as_deref())?;
    let private = Permissions::from_mode(0o700);
    let folder = tempfile::Builder::new()
        .prefix("usher-demo-")
        .permissions(private)
        .tempdir()
        .context("cannot make a folder")?;
    log_to(&folder.path().join("store.log"))?;

    let provider_listener = listen().await?;
    let provider = provider_listener.local_addr()?;
    // Keys take a moment, longer in a debug build.
    let pages = task::spawn_blocking(move || provider::Provider::new(provider)).await??.router();
    serve(provider_listener, pages);
    let upstream_listener = listen().await?;
    let upstream = upstream_listener.local_addr()?;
    serve(upstream_listener, upstream::router());

    let file = policy(folder.path(), provider)?;
    let document = file.to_json()?;
    let (filter_token, admin_token) = (secret(), secret());
    let token_env = file.policy.store.token_env.clone();
    let secrets = Secrets::from_env(&file.policy, |name| match name {
        TOKEN_ENV => Some(admin_token.clone()),
        name if name == token_env => Some(filter_token.clone()),
        _ => None,
    })?;

    let (envoy_address, admin) = (listening_address(options.port)?, free_address()?);
    let policy_digest = file.digest();
    let policy = Arc::new(file.policy);
    let database = format!("sqlite://{}", folder.path().join("usher.db").display());
    let (listen, policy_of_store) = (loopback(0), Arc::clone(&policy));
    let config =
        Config { policy: policy_of_store, policy_digest, database, listen, secrets, max_rate: None, tls: None };
    let server = Server::bind(config).await?;
    let store = server.local_addr();
    task::spawn(server.run(pending()));

    let settings = Settings {
        listen: envoy_address,
        admin,
        upstream: upstream.into(),
        store: store.into(),
        wasm,
        ca: None,
        store_tls: None,
        watched: None,
        additions: Additions::default(),
        version: EnvoyVersion::LATEST,
    };
    let configuration = folder.path().join("envoy.yaml");
    fs::write(&configuration, bootstrap(&policy, &document, &settings)?.yaml)?;
    let admin_token_file = write_secret(&folder.path().join("admin-token"), &admin_token)?;

    let mut envoy = Envoy::start(&binary, &configuration, folder.path(), (&token_env, &filter_token))?;
    envoy.ready(admin).await?;
    let client = Client::new(provider, envoy_address);
    tokio::select! {
        outcome = async {
            take_first_seat(&client).await?;
            if options.check {
                return checked(client, StoreClient::new(&format!("http://{store}"), Some(&admin_token))?).await;
            }
            let places = Places { envoy: envoy_address, admin, provider, store, upstream, folder: folder.path(), token: &admin_token_file };
            print(&places.instructions())?;
            pending().await
        } => outcome,
        error = envoy.end() => Err(error),
    }
}

/// Signs the first person in, which also shows that everything works together.
async fn take_first_seat(client: &Client) -> anyhow::Result<()> {
    let client = client.clone();
    let seen = task::spawn_blocking(move || client.call(&calls::FIRST)).await??;
    ensure!(seen == calls::FIRST.expected, "the first login got `{seen}` instead of `{}`", calls::FIRST.expected);
    Ok(())
}

async fn checked(client: Client, store: StoreClient) -> anyhow::Result<ExitCode> {
    let report = task::spawn_blocking(move || check::run(&client, &store)).await??;
    let Report { table, calls, failures } = report;
    print(&format!("{table}{calls} calls, {} as expected\n", calls - failures))?;
    Ok(if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The demo's policy, written where people can look at it, and read like anyone's.
fn policy(folder: &Path, provider: SocketAddr) -> anyhow::Result<PolicyFile> {
    let path = folder.join("usher.yaml");
    fs::write(&path, fill(include_str!("usher.yaml"), &[("provider", provider.to_string())]))?;
    Ok(PolicyFile::load(&path)?)
}

fn find_wasm(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(named) = named {
        return named.canonicalize().with_context(|| format!("{}: there is no filter", named.display()));
    }
    let here = PathBuf::from("usher.wasm");
    let candidates = envoy::next_to_this().map(|folder| folder.join("usher.wasm")).into_iter().chain([here]);
    let found = candidates.into_iter().find(|file| file.is_file());
    let found = found
        .context("usher.wasm was not found next to usher: name it with `--wasm FILE`, or run `cargo xtask build`")?;
    Ok(found.canonicalize()?)
}

/// A secret that nobody can guess: 256 bits as hexadecimal digits.
fn secret() -> String {
    HS256Key::generate().to_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a secret where only this user can read it.
fn write_secret(path: &Path, secret: &str) -> anyhow::Result<PathBuf> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(secret.as_bytes())?;
    Ok(path.to_owned())
}

fn log_to(path: &Path) -> anyhow::Result<()> {
    let file = fs::File::create(path)?;
    tracing_subscriber::fmt().json().with_writer(Mutex::new(file)).with_max_level(tracing::Level::INFO).init();
    Ok(())
}

async fn listen() -> anyhow::Result<TcpListener> {
    TcpListener::bind(loopback(0)).await.context("cannot listen on this machine")
}

fn serve(listener: TcpListener, pages: Router) {
    // It ends with the demo; `axum::serve` itself never does.
    task::spawn(async move { axum::serve(listener, pages).await });
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// The port that was asked for, which must be free, or 10000, or any that is.
fn listening_address(asked: Option<u16>) -> anyhow::Result<SocketAddr> {
    let is_free = |port| std::net::TcpListener::bind(loopback(port)).is_ok();
    match asked {
        Some(port) if is_free(port) => Ok(loopback(port)),
        Some(port) => bail!("port {port} is taken"),
        None if is_free(PORT) => Ok(loopback(PORT)),
        None => free_address(),
    }
}

/// A port that was free a moment ago.
fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(std::net::TcpListener::bind(loopback(0))?.local_addr()?)
}

fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let mut signals = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()]
        .into_iter()
        .map(signal)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(async move {
        std::future::poll_fn(|context| {
            let any = signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
            if any { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
    })
}
