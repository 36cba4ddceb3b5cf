//! The clusters that the filter needs: the store, one for each key server that the policy names, and perhaps the product.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use usher_policy::Policy;
use usher_policy::model::{Connection, Jwks, RemoteJwks};

use super::template::{fill, indented, quoted};
use super::{Endpoint, Host, RenderError};

/// The cluster to which allowed requests go.
const UPSTREAM: &str = "upstream";

/// Who vouches for a server.
#[derive(Clone, Debug)]
pub(crate) enum Authorities {
    /// A bundle, PEM, where Envoy runs.
    File(PathBuf),
    /// The bundle itself, PEM.
    Inline(String),
}

/// TLS to the store.
#[derive(Clone, Debug)]
pub(crate) struct StoreTls {
    /// Who vouches for the store.
    pub(crate) authorities: Authorities,
    /// What Envoy shows the store: certificate and key, PEM.
    pub(crate) certificate: Option<(PathBuf, PathBuf)>,
}

/// Where clusters lead, and who vouches for what is there.
pub(super) struct Servers<'a> {
    /// The product behind the filter, where it is a cluster of ours.
    pub(super) upstream: Option<&'a Endpoint>,
    /// The membership store.
    pub(super) store: &'a Endpoint,
    /// How the store is spoken to over TLS; plain HTTP without.
    pub(super) store_tls: Option<&'a StoreTls>,
    /// Who vouches for key servers; needed where the policy has https ones.
    pub(super) authorities: Option<&'a Authorities>,
}

/// One cluster as Envoy reads it.
pub(super) struct Written {
    /// Its name.
    pub(super) name: String,
    /// What it is for.
    pub(super) purpose: &'static str,
    /// A YAML mapping at column 0.
    pub(super) yaml: String,
    /// Whether it comes from the flags alone, so that no change of the policy changes it.
    pub(super) is_upstream: bool,
}

/// One cluster to be written.
struct Cluster {
    kind: Kind,
    name: String,
    /// What it is, for the message about two of one name.
    what: String,
    endpoint: Endpoint,
    tls: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Keys,
    Store,
    Upstream,
}

/// Timeouts as Envoy writes durations, and circuit breakers.
struct Limits {
    connect_timeout: &'static str,
    idle_timeout: &'static str,
    max_connections: u32,
    max_requests: u32,
}

/// Every cluster, the product first.
///
/// # Errors
/// Two things with one name, a host that is none, or https without trusted authorities.
pub(super) fn write(policy: &Policy, servers: &Servers<'_>) -> Result<Vec<Written>, RenderError> {
    let clusters = clusters(policy, servers)?;
    clusters.iter().map(|cluster| cluster.write(servers)).collect()
}

/// Clusters as the items of a YAML list at column 0.
pub(super) fn items<'a>(clusters: impl Iterator<Item = &'a Written>) -> String {
    clusters.map(|cluster| format!("# {}\n- {}\n", cluster.purpose, indented(&cluster.yaml, 2))).collect()
}

/// A sentence for each key server that is reached in plain http beyond this machine.
pub(super) fn insecure_key_servers(policy: &Policy) -> Vec<String> {
    remote(policy)
        .filter(|(_, jwks)| !jwks.uri.tls && !jwks.uri.is_loopback())
        .map(|(connection, jwks)| {
            let (id, host) = (&connection.id, &jwks.uri.host);
            format!("connection `{id}` fetches its keys from {host} in plain http: who can change them on the way can sign in as anyone")
        })
        .collect()
}

fn clusters(policy: &Policy, servers: &Servers<'_>) -> Result<Vec<Cluster>, RenderError> {
    let ours = |kind, name: &str, what: &str, endpoint: &Endpoint| Cluster {
        kind,
        name: name.to_owned(),
        what: what.to_owned(),
        endpoint: endpoint.clone(),
        tls: false,
    };
    let mut clusters = Vec::new();
    clusters.extend(servers.upstream.map(|endpoint| ours(Kind::Upstream, UPSTREAM, "the product", endpoint)));
    let mut store = ours(Kind::Store, &policy.store.cluster, "`store.cluster`", servers.store);
    store.tls = servers.store_tls.is_some();
    if let Some(upstream) = clusters.iter().find(|upstream| upstream.name == store.name) {
        return Err(conflict(upstream, &store));
    }
    clusters.push(store);
    let names = clusters.iter().enumerate();
    let mut known: BTreeMap<String, usize> = names.map(|(index, cluster)| (cluster.name.clone(), index)).collect();
    for (connection, jwks) in remote(policy) {
        let cluster = key_cluster(connection, jwks)?;
        match known.get(&cluster.name).and_then(|index| clusters.get(*index)) {
            Some(first) if first.serves_like(&cluster) => {}
            Some(first) => return Err(conflict(first, &cluster)),
            None => {
                known.insert(cluster.name.clone(), clusters.len());
                clusters.push(cluster);
            }
        }
    }
    Ok(clusters)
}

fn key_cluster(connection: &Connection, jwks: &RemoteJwks) -> Result<Cluster, RenderError> {
    let host = Host::parse(&jwks.uri.host).map_err(|problem| RenderError::KeyHost {
        connection: connection.id.to_string(),
        problem: problem.to_string(),
    })?;
    let (scheme, authority, path) = (jwks.uri.scheme(), jwks.uri.authority(), &jwks.uri.path);
    Ok(Cluster {
        kind: Kind::Keys,
        name: jwks.cluster.clone(),
        what: format!("the keys of connection `{}` at {scheme}://{authority}{path}", connection.id),
        endpoint: Endpoint { host, port: jwks.uri.port },
        tls: jwks.uri.tls,
    })
}

fn conflict(first: &Cluster, second: &Cluster) -> RenderError {
    RenderError::ClusterConflict { name: first.name.clone(), first: first.what.clone(), second: second.what.clone() }
}

/// Every connection whose keys are fetched.
pub(super) fn remote(policy: &Policy) -> impl Iterator<Item = (&Connection, &RemoteJwks)> {
    policy.parents.iter().flat_map(|parent| &parent.connections).filter_map(|connection| match &connection.jwks {
        Jwks::Inline(_) => None,
        Jwks::Remote(jwks) => Some((&**connection, jwks)),
    })
}

impl Cluster {
    /// Whether one cluster can be both: the paths of two key sets may differ, the server may not.
    fn serves_like(&self, other: &Self) -> bool {
        self.kind == other.kind && self.endpoint == other.endpoint && self.tls == other.tls
    }

    fn write(&self, servers: &Servers<'_>) -> Result<Written, RenderError> {
        let limits = self.kind.limits();
        let discovery = match self.endpoint.host {
            Host::Address(_) => "STATIC",
            Host::Name(_) => "STRICT_DNS",
        };
        let values = [
            ("address", quoted(&self.endpoint.host.to_string())),
            ("connect_timeout", limits.connect_timeout.to_owned()),
            ("discovery", discovery.to_owned()),
            ("idle_timeout", limits.idle_timeout.to_owned()),
            ("max_connections", limits.max_connections.to_string()),
            ("max_requests", limits.max_requests.to_string()),
            ("name", quoted(&self.name)),
            ("port", self.endpoint.port.to_string()),
        ];
        let mut yaml = fill(include_str!("cluster.yaml"), &values);
        if self.tls {
            yaml.push_str(&self.transport(servers)?);
        }
        let is_upstream = self.kind == Kind::Upstream;
        Ok(Written { name: self.name.clone(), purpose: self.kind.purpose(), yaml, is_upstream })
    }

    fn transport(&self, servers: &Servers<'_>) -> Result<String, RenderError> {
        let host = &self.endpoint.host;
        match (self.kind, servers.store_tls) {
            (Kind::Store, Some(tls)) => transport(host, &tls.authorities, tls.certificate.as_ref()),
            _ => transport(host, servers.authorities.ok_or(RenderError::NoAuthorities)?, None),
        }
    }
}

impl Kind {
    fn limits(self) -> Limits {
        let (connect_timeout, idle_timeout, max_connections, max_requests) = match self {
            // Asked once in minutes by a few workers.
            Self::Keys => ("2s", "30s", 16, 64),
            // A login waits for it, at most `store.timeout`.
            Self::Store => ("0.5s", "30s", 256, 4096),
            // As many streams as an edge holds open: the default of 1024 is soon full of slow ones.
            Self::Upstream => ("5s", "60s", 20_000, 20_000),
        };
        Limits { connect_timeout, idle_timeout, max_connections, max_requests }
    }

    fn purpose(self) -> &'static str {
        match self {
            Self::Keys => "Keys of an identity provider.",
            Self::Store => "The membership store: one call for each login.",
            Self::Upstream => "The product: it sees only requests that were let in.",
        }
    }
}

/// TLS that verifies the server: its chain against the trusted authorities, its name or address against the host. Where the
/// server asks who we are, it is shown the certificate.
fn transport(
    host: &Host,
    authorities: &Authorities,
    certificate: Option<&(PathBuf, PathBuf)>,
) -> Result<String, RenderError> {
    let ca = match authorities {
        Authorities::File(path) => format!("filename: {}", quoted(utf8(path)?)),
        Authorities::Inline(bundle) => format!("inline_string: {}", quoted(bundle)),
    };
    let shown = match certificate {
        Some((certificate, key)) => {
            let (certificate, key) = (quoted(utf8(certificate)?), quoted(utf8(key)?));
            let files = format!("certificate_chain: {{filename: {certificate}}}, private_key: {{filename: {key}}}");
            format!("\n      tls_certificates: [{{{files}}}]")
        }
        None => String::new(),
    };
    let (sni, san_type) = match host {
        // "Literal IPv4 and IPv6 addresses are not permitted in HostName" (RFC 6066, 3).
        Host::Address(_) => (String::new(), "IP_ADDRESS"),
        Host::Name(name) => (format!("\n    sni: {}", quoted(name)), "DNS"),
    };
    let values = [
        ("ca", ca),
        ("certificate", shown),
        ("host", quoted(&host.to_string())),
        ("san_type", san_type.to_owned()),
        ("sni", sni),
    ];
    Ok(fill(include_str!("tls.yaml"), &values))
}

/// A path as it can be written in a configuration.
///
/// # Errors
/// It is not UTF-8.
pub(super) fn utf8(path: &Path) -> Result<&str, RenderError> {
    path.to_str().ok_or_else(|| RenderError::Path(path.display().to_string()))
}
