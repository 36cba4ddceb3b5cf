//! The comparison: all ways in one Envoy, in turns, so that what else the machine does touches all of them.

use std::net::SocketAddr;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use usher_tests::http::local;
use usher_tests::process::Process;
use usher_tests::system::store::Store;
use usher_tests::{port, wait};

use crate::envoy::{Envoy, Listener, Setup};
use crate::load::{Generator, Load, Pace};
use crate::people::{self, TAGS};
use crate::stats::{Spread, percentiles};
use crate::variants::{self, Builds, Service, Tokens, Variant};
use crate::{cpu, origin};

/// Connections of a load without pace.
const CONNECTIONS: usize = 8;

/// Connections of a load with a pace: as many requests may be under way.
const PACED_CONNECTIONS: usize = 64;

/// So many tokens, each of another person, take turns.
const TOKENS: usize = 64;

/// How long, how often, how fast.
#[derive(Clone, Debug)]
pub(crate) struct Extent {
    pub(crate) rounds: usize,
    pub(crate) span: Duration,
    pub(crate) rate: u32,
    /// Whether Envoy hands requests on; else it answers them itself, which leaves less else in the figures.
    pub(crate) has_upstream: bool,
    /// Only variants whose names begin with one of these, and the router; all where there is none.
    pub(crate) only: Vec<String>,
}

/// The figures of one variant.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// Microseconds of Envoy for each request.
    pub(crate) envoy: Spread,
    /// What that is more than the router alone in the same round.
    pub(crate) added: Spread,
    /// Microseconds of the other process for each request.
    pub(crate) service: Option<Spread>,
    /// Requests a second without a pace.
    pub(crate) throughput: f64,
    /// p50, p99 and p99.9 at the pace.
    pub(crate) latencies: [Duration; 3],
}

/// Processes beside Envoy.
struct Services {
    store: Store,
    http: Process,
    grpc: Process,
    plain: Process,
}

/// What one variant has shown so far.
#[derive(Default)]
struct Rounds {
    envoy: Vec<f64>,
    service: Vec<f64>,
    throughput: Vec<f64>,
    latencies: Vec<Duration>,
}

/// Compares them.
///
/// # Errors
/// Something does not run, or a request is answered otherwise than it should be.
pub(crate) fn run(builds: &Builds<'_>, extent: &Extent) -> Result<Vec<Figures>> {
    let folder = tempfile::tempdir()?;
    let mut variants = variants::all(builds, folder.path())?;
    let is_wanted = |variant: &Variant| {
        extent.only.is_empty()
            || variant.name == variant.base
            || extent.only.iter().any(|wanted| variant.name.starts_with(wanted.as_str()))
    };
    variants.retain(is_wanted);
    let product = start_product()?;
    let policy_file = folder.path().join("usher.yaml");
    std::fs::write(&policy_file, people::policy(10_000)?.to_string())?;
    let (http, grpc, plain) = (local(port::free()?), local(port::free()?), local(port::free()?));
    let services = Services {
        store: Store::start_quiet(folder.path(), &policy_file, 0)?,
        http: service(&folder, "authz-http", http)?,
        grpc: service(&folder, "authz-grpc", grpc)?,
        plain: service(&folder, "plain", plain)?,
    };
    let ports: Vec<u16> = variants.iter().map(|_| port::free()).collect::<Result<_>>()?;
    let listeners: Vec<Listener<'_>> =
        ports.iter().zip(&variants).map(|(port, variant)| (*port, variant.filters.as_slice())).collect();
    let neighbours = [
        ("product", product, false),
        ("store", services.store.address(), false),
        ("authz-http", http, false),
        ("authz-grpc", grpc, true),
        ("plain", plain, false),
    ];
    let setup = Setup { workers: 1, has_upstream: extent.has_upstream };
    let envoy = Envoy::start(folder.path(), &listeners, &neighbours, setup)?;
    let requests = Requests::make()?;
    let mut rounds: Vec<Rounds> = variants.iter().map(|_| Rounds::default()).collect();
    for round in 0..extent.rounds {
        for step in 0..variants.len() {
            // Each round begins with another one.
            let at = (round + step) % variants.len();
            let (Some(variant), Some(port), Some(seen)) = (variants.get(at), ports.get(at), rounds.get_mut(at)) else {
                bail!("a variant has a port and figures")
            };
            let load = Load { address: local(*port), requests: requests.of(variant.tokens), status: 200 };
            measure(load, &envoy, &services, variant, extent, seen)
                .with_context(|| format!("{}: {}", variant.name, services.store.log()))?;
        }
        eprintln!("bench: round {} of {}", round + 1, extent.rounds);
    }
    figures(&variants, &rounds)
}

/// Without a pace for the processors' time, with one for latencies.
fn measure(
    load: Load<'_>,
    envoy: &Envoy,
    services: &Services,
    variant: &Variant,
    extent: &Extent,
    seen: &mut Rounds,
) -> Result<()> {
    let mut generator = Generator::open(load, CONNECTIONS)?;
    generator.run(Pace::Closed, extent.span / 4, usize::MAX)?;
    let service = variant.service.map(|service| services.process(service));
    let used = || -> Result<_> { Ok((cpu::used(envoy.process())?, service.map(cpu::used).transpose()?)) };
    let before = used()?;
    let closed = generator.run(Pace::Closed, extent.span, usize::MAX)?;
    let after = used()?;
    let each = |time: Duration| time.as_secs_f64() * 1e6 / closed.answered.max(1) as f64;
    seen.envoy.push(each(after.0.saturating_sub(before.0)));
    if let (Some(after), Some(before)) = (after.1, before.1) {
        seen.service.push(each(after.saturating_sub(before)));
    }
    seen.throughput.push(closed.answered as f64 / closed.took.as_secs_f64());
    drop(generator);
    if extent.rate > 0 {
        let mut generator = Generator::open(load, PACED_CONNECTIONS)?;
        generator.run(Pace::Fixed(extent.rate), extent.span / 4, usize::MAX)?;
        seen.latencies.extend(generator.run(Pace::Fixed(extent.rate), extent.span, usize::MAX)?.latencies);
    }
    Ok(())
}

fn figures(variants: &[Variant], rounds: &[Rounds]) -> Result<Vec<Figures>> {
    let base = |name: &str| variants.iter().position(|variant| variant.name == name).and_then(|at| rounds.get(at));
    let of = |(variant, seen): (&Variant, &Rounds)| -> Result<Figures> {
        let base = base(variant.base).context("the router is always there")?;
        let added: Vec<f64> = seen.envoy.iter().zip(&base.envoy).map(|(own, base)| own - base).collect();
        Ok(Figures {
            name: variant.name,
            title: variant.title,
            envoy: Spread::of(&seen.envoy),
            added: Spread::of(&added),
            service: variant.service.map(|_| Spread::of(&seen.service)),
            throughput: Spread::of(&seen.throughput).median,
            latencies: percentiles(&seen.latencies),
        })
    };
    variants.iter().zip(rounds).map(of).collect()
}

impl Services {
    fn process(&self, service: Service) -> u32 {
        match service {
            Service::HttpAuthz => self.http.id(),
            Service::GrpcAuthz => self.grpc.id(),
            Service::Plain => self.plain.id(),
            Service::Store => self.store.process(),
        }
    }
}

/// The requests with each kind of token.
struct Requests {
    rs256: Vec<Vec<u8>>,
    es256: Vec<Vec<u8>>,
    eddsa: Vec<Vec<u8>>,
    changing: Vec<Vec<u8>>,
}

impl Requests {
    fn make() -> Result<Self> {
        let of = |algorithm| Ok::<_, anyhow::Error>(people::requests(&people::tokens(algorithm, 0..TOKENS)?));
        let changing = people::requests(&people::changing_tokens(TOKENS)?);
        Ok(Self { rs256: of("RS256")?, es256: of("ES256")?, eddsa: of("EdDSA")?, changing })
    }

    fn of(&self, tokens: Tokens) -> &[Vec<u8>] {
        match tokens {
            Tokens::Rs256 => &self.rs256,
            Tokens::Es256 => &self.es256,
            Tokens::EdDsa => &self.eddsa,
            Tokens::Changing => &self.changing,
        }
    }
}

/// Starts the product behind Envoy, in a thread of this process, which nobody measures.
///
/// # Errors
/// No port is free.
pub(crate) fn start_product() -> Result<SocketAddr> {
    start_origin(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec())
}

/// Starts a server with one answer to everybody in a thread of this process.
///
/// # Errors
/// No port is free.
pub(crate) fn start_origin(answer: Vec<u8>) -> Result<SocketAddr> {
    let address = local(port::free()?);
    thread::spawn(move || {
        if let Err(error) = origin::serve(address, &answer) {
            eprintln!("bench: a neighbour of Envoy ended: {error:#}");
        }
    });
    reachable("a neighbour of Envoy", address)?;
    Ok(address)
}

/// Starts this program once more, as one of the services.
fn service(folder: &TempDir, name: &'static str, address: SocketAddr) -> Result<Process> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["service", name, &address.to_string()]);
    let process = Process::start(name, command, folder.path().join(format!("{name}.log")))?;
    reachable(name, address)?;
    Ok(process)
}

fn reachable(what: &str, address: SocketAddr) -> Result<()> {
    wait::until(&format!("{what} listens"), || Ok(std::net::TcpStream::connect(address).is_ok().then_some(())))
}

/// What the service in HTTP answers: the six headers.
pub(crate) fn authz_answer() -> Vec<u8> {
    let headers: String = TAGS.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("HTTP/1.1 200 OK\r\n{headers}content-length: 0\r\n\r\n").into_bytes()
}

/// What answers a call of the filter that does nothing else: as long as an answer to a login.
pub(crate) fn plain_answer() -> Vec<u8> {
    let body = [b'x'; 400];
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), &body].concat()
}
