//! One Envoy with a listener for each way that is compared, and nothing in it that not all of them have.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use serde_json::{Value, json};
use usher_tests::http::{Request, local};
use usher_tests::process::Process;
use usher_tests::system::store::STORE_TOKEN;
use usher_tests::{binaries, port, wait};

/// A running Envoy.
pub(crate) struct Envoy {
    process: Process,
}

/// A listener to be: its port, and its HTTP filters before the router.
pub(crate) type Listener<'a> = (u16, &'a [Value]);

/// The neighbours of Envoy, by the name of their cluster; `true` where they speak HTTP/2.
pub(crate) type Neighbour = (&'static str, SocketAddr, bool);

/// How it is started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) workers: u32,
    /// Whether it hands requests on; else it answers them itself.
    pub(crate) has_upstream: bool,
}

impl Envoy {
    /// Starts it; returns when it is ready.
    ///
    /// # Errors
    /// It ends, or never gets ready.
    pub(crate) fn start(
        folder: &Path,
        listeners: &[Listener<'_>],
        neighbours: &[Neighbour],
        setup: Setup,
    ) -> Result<Self> {
        let admin = port::free()?;
        let listeners: Vec<_> =
            listeners.iter().map(|(port, filters)| listener(*port, filters, setup.has_upstream)).collect();
        let clusters: Vec<_> = neighbours.iter().map(cluster).collect();
        let bootstrap = json!({
            "admin": {"address": socket(local(admin))},
            "static_resources": {"listeners": listeners, "clusters": clusters},
        });
        let file = folder.join(format!("envoy-{admin}.json"));
        std::fs::write(&file, bootstrap.to_string())?;
        let mut command = Command::new(binaries::envoy()?);
        command.arg("--config-path").arg(&file).args(["--disable-hot-restart", "--log-level", "error"]);
        command.args(["--concurrency", &setup.workers.to_string()]).env("USHER_STORE_TOKEN", STORE_TOKEN);
        let mut process = Process::start("Envoy", command, folder.join("envoy.log"))?;
        wait::until("Envoy is ready", || {
            process.still_runs()?;
            let answer = Request::new("GET", "admin", "/ready").send(local(admin));
            Ok(answer.is_ok_and(|response| response.status == 200).then_some(()))
        })?;
        Ok(Self { process })
    }

    /// The process.
    pub(crate) fn process(&self) -> u32 {
        self.process.id()
    }
}

/// The version of Envoy.
///
/// # Errors
/// It does not run.
pub(crate) fn version() -> Result<String> {
    let output = Command::new(binaries::envoy()?).arg("--version").output()?;
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    // `envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`
    Ok(words
        .split('/')
        .find(|part| part.starts_with(|first: char| first.is_ascii_digit()) && part.contains('.'))
        .unwrap_or(words.trim())
        .to_owned())
}

fn listener(port: u16, filters: &[Value], has_upstream: bool) -> Value {
    let router = json!({
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
    });
    let route = match has_upstream {
        true => json!({"match": {"prefix": "/"}, "route": {"cluster": "product", "timeout": "0s"}}),
        false => json!({"match": {"prefix": "/"}, "direct_response": {"status": 200}}),
    };
    let filters: Vec<_> = filters.iter().cloned().chain([router]).collect();
    json!({
        "name": format!("listener-{port}"),
        "address": socket(local(port)),
        "filter_chains": [{
            "filters": [{
                "name": "envoy.filters.network.http_connection_manager",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                    "stat_prefix": "bench",
                    "use_remote_address": true,
                    "max_request_headers_kb": 96,
                    "http_filters": filters,
                    "route_config": {
                        "name": "bench",
                        "virtual_hosts": [{
                            "name": "product",
                            "domains": ["*"],
                            "routes": [route],
                        }],
                    },
                },
            }],
        }],
    })
}

fn cluster((name, address, http2): &Neighbour) -> Value {
    let mut cluster = json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "2s",
        "circuit_breakers": {"thresholds": [{"max_connections": 4096, "max_pending_requests": 4096, "max_requests": 4096}]},
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": socket(*address)}}]}],
        },
    });
    if *http2 && let Some(cluster) = cluster.as_object_mut() {
        let options = json!({
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http2_protocol_options": {}},
            },
        });
        cluster.insert("typed_extension_protocol_options".to_owned(), options);
    }
    cluster
}

fn socket(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}})
}
