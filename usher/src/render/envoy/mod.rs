//! A whole Envoy bootstrap (v3) around the filter: listener, admin, and the clusters that the policy asks for.

mod additions;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use usher_policy::Policy;
use usher_policy::model::Jwks;

use super::clusters::{self, Servers, Written, utf8};
use super::template::{block, fill, flow, indented, quoted};
use super::{Authorities, Endpoint, EnvoyVersion, RenderError, StoreTls};

pub(crate) use additions::{Additions, AdditionsError};

/// The file with the filter, in a folder that Envoy watches.
const FILTER_FILE: &str = "usher-filter.yaml";
/// The file with the clusters that the policy names.
const CLUSTERS_FILE: &str = "usher-clusters.yaml";

/// How much longer than its timeout the filter waits for an answer.
const MARGIN: Duration = Duration::from_secs(1);

/// How long the filter may wait until it may ask for keys.
const KEYS_PATIENCE: Duration = Duration::from_secs(2);

/// What a bootstrap needs besides the policy. Paths are absolute: Envoy may run in another folder.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Where clients connect.
    pub(crate) listen: SocketAddr,
    /// Where Envoy's admin interface listens.
    pub(crate) admin: SocketAddr,
    /// The product behind the filter.
    pub(crate) upstream: Endpoint,
    /// The membership store.
    pub(crate) store: Endpoint,
    /// The filter.
    pub(crate) wasm: PathBuf,
    /// Trusted authorities of key servers; needed where the policy has https ones.
    pub(crate) ca: Option<Authorities>,
    /// How the store is spoken to over TLS; plain HTTP without.
    pub(crate) store_tls: Option<StoreTls>,
    /// A folder that Envoy watches: what follows from the policy is in files there, and not in the bootstrap.
    pub(crate) watched: Option<PathBuf>,
    /// What the operator adds.
    pub(crate) additions: Additions,
    /// The Envoy version that will run it.
    pub(crate) version: EnvoyVersion,
}

/// A bootstrap, the files that it watches, and what the operator should know about it.
#[derive(Debug)]
pub(crate) struct Bootstrap {
    /// The configuration; the same for the same input.
    pub(crate) yaml: String,
    /// What is in the watched folder, in the order in which it should change: a filter needs its clusters.
    pub(crate) watched: Vec<(PathBuf, String)>,
    /// Sentences for the operator.
    pub(crate) warnings: Vec<String>,
}

/// Renders a bootstrap; `document` is the policy as JSON.
///
/// # Errors
/// The policy asks for clusters that contradict each other or cannot verify their servers, two listeners have one address, or Envoy
/// is too old.
pub(crate) fn bootstrap(policy: &Policy, document: &Value, settings: &Settings) -> Result<Bootstrap, RenderError> {
    if settings.listen == settings.admin && settings.listen.port() != 0 {
        return Err(RenderError::OneAddress(settings.listen));
    }
    let mut warnings = settings.version.warnings()?;
    warnings.extend(self::warnings(policy, settings));
    let additions = &settings.additions;
    let servers = Servers {
        upstream: Some(&settings.upstream),
        store: &settings.store,
        store_tls: settings.store_tls.as_ref(),
        authorities: settings.ca.as_ref(),
    };
    let clusters = clusters::write(policy, &servers)?;
    let filter = filter(policy, document, settings)?;
    let mut watched = Vec::new();
    let (filter, dynamic, clusters) = match &settings.watched {
        None => (in_place(&filter), String::new(), clusters::items(clusters.iter())),
        Some(folder) => {
            let (filter_file, clusters_file) = (folder.join(FILTER_FILE), folder.join(CLUSTERS_FILE));
            let places = [
                ("clusters", quoted(utf8(&clusters_file)?)),
                ("filter", quoted(utf8(&filter_file)?)),
                ("folder", quoted(utf8(folder)?)),
            ];
            watched.push((clusters_file, resources(clusters.iter().filter(|cluster| !cluster.is_upstream))));
            watched.push((filter_file, watched_filter(&filter)));
            let own = clusters::items(clusters.iter().filter(|cluster| cluster.is_upstream));
            let discovery = fill(include_str!("discovery.yaml"), &places);
            (discovery, fill(include_str!("dynamic.yaml"), &places), own)
        }
    };
    let values = [
        ("access_log", indented(include_str!("../access_log.yaml"), 18)),
        ("admin_address", quoted(&settings.admin.ip().to_string())),
        ("admin_port", settings.admin.port().to_string()),
        ("clusters", indented(&(clusters + &additions::items(&additions.clusters)), 2)),
        ("dynamic", dynamic),
        ("filters", indented(&filters(&filter, additions), 10)),
        ("listen_address", quoted(&settings.listen.ip().to_string())),
        ("listen_port", settings.listen.port().to_string()),
        ("max_stream_duration", indented(&max_stream_duration(policy, additions), 12)),
        ("routes", indented(&routes(additions), 14)),
        ("tracing", tracing(additions)),
    ];
    Ok(Bootstrap { yaml: fill(include_str!("bootstrap.yaml"), &values), watched, warnings })
}

/// The filter as Envoy reads it: a YAML mapping at column 0.
fn filter(policy: &Policy, document: &Value, settings: &Settings) -> Result<String, RenderError> {
    let version = settings.version;
    let mut since = String::new();
    if version.reloads() {
        since.push_str(include_str!("reload.yaml"));
    }
    if version.asks_about_bodies() {
        since.push_str(include_str!("stop.yaml"));
    }
    let values = [
        ("policy", block(document, 6)),
        ("since", since),
        ("token_env", quoted(&policy.store.token_env)),
        ("wasm", quoted(utf8(&settings.wasm)?)),
    ];
    Ok(fill(include_str!("filter.yaml"), &values))
}

/// The HTTP filters, usher among them: a YAML list at column 0.
fn filters(usher: &str, additions: &Additions) -> String {
    let (before, after) = (additions::items(&additions.before), additions::items(&additions.after));
    format!("{before}- name: usher\n  {}\n{after}{}", indented(usher, 2), include_str!("router.yaml"))
}

/// The line before the HTTP filters, if there is one.
fn tracing(additions: &Additions) -> String {
    additions.tracing.as_ref().map_or_else(String::new, |tracing| format!("tracing: {}\n{:10}", flow(tracing, 12), ""))
}

fn routes(additions: &Additions) -> String {
    match additions.routes.as_slice() {
        [] => include_str!("route.yaml").to_owned(),
        routes => additions::items(routes),
    }
}

fn in_place(filter: &str) -> String {
    format!("typed_config:\n  {}\n", indented(filter, 2))
}

/// The filter as a file of its own: the answer that a discovery service would give.
fn watched_filter(filter: &str) -> String {
    let head =
        "# The filter and its policy, made by `usher render envoy`: Envoy takes it up whenever it is replaced.\n";
    let kind =
        "resources:\n- \"@type\": type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig\n  name: usher\n";
    format!("{head}{kind}  typed_config:\n    {}\n", indented(filter, 4))
}

fn resources<'a>(clusters: impl Iterator<Item = &'a Written>) -> String {
    let mut text = "# The servers that the policy names, made by `usher render envoy`.\nresources:\n".to_owned();
    for cluster in clusters {
        let (purpose, yaml) = (cluster.purpose, indented(&cluster.yaml, 2));
        let kind = "\"@type\": type.googleapis.com/envoy.config.cluster.v3.Cluster";
        text.push_str(&format!("# {purpose}\n- {kind}\n  {yaml}\n"));
    }
    text
}

/// How long a request may take that its route says nothing about: our routes are those of requests that were decided about.
fn max_stream_duration(policy: &Policy, additions: &Additions) -> String {
    match additions.routes.as_slice() {
        [] => format!(
            "# As long as a verdict may take. If the filter dies, nothing else would end the requests waiting in it.\n\
             max_stream_duration: {}s",
            verdict_timeout(policy)
        ),
        _ => "# Streams that are open when a member is removed are not cut: this is the longest they live.\n\
              max_stream_duration: 3600s"
            .to_owned(),
    }
}

/// As long as a verdict may take, in whole seconds: keys are waited for once, and the turn to ask the store, which is asked at
/// most twice.
fn verdict_timeout(policy: &Policy) -> u64 {
    let connections = policy.parents.iter().flat_map(|parent| &parent.connections);
    let timeouts = connections.map(|connection| match &connection.jwks {
        Jwks::Remote(jwks) => KEYS_PATIENCE + jwks.timeout + MARGIN,
        Jwks::Inline(_) => Duration::ZERO,
    });
    let waits = timeouts.max().unwrap_or_default() + 3 * (policy.store.timeout + MARGIN) + MARGIN;
    waits.as_secs() + u64::from(waits.subsec_nanos() > 0)
}

fn warnings(policy: &Policy, settings: &Settings) -> Vec<String> {
    let mut warnings = clusters::insecure_key_servers(policy);
    if settings.store_tls.is_none() && !settings.store.host.is_loopback() {
        let store = &settings.store;
        warnings.push(format!(
            "the filter's token goes to the store at {store} in plain http: keep that on a network you trust, or name its \
             authorities with `--store-ca`"
        ));
    }
    if !settings.admin.ip().is_loopback() {
        let admin = settings.admin;
        warnings
            .push(format!("Envoy's admin interface at {admin} has no authentication: keep others from reaching it"));
    }
    warnings
}
