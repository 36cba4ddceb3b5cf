//! The clusters of a bootstrap: the product, the store, and one for each key server that the policy names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use usher_policy::Policy;
use usher_policy::model::{Connection, Jwks, RemoteJwks};

use super::{RenderError, Settings, utf8};
use crate::render::template::{fill, indented, quoted};
use crate::render::{Endpoint, Host};

/// The cluster to which allowed requests go.
const UPSTREAM: &str = "upstream";

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

/// Every cluster, as the items of a YAML list at column 0.
///
/// # Errors
/// Two things with one name, a host that is none, or https without trusted authorities.
pub(super) fn render(policy: &Policy, settings: &Settings) -> Result<String, RenderError> {
    let mut text = String::new();
    for cluster in clusters(policy, settings)? {
        text.push_str(&cluster.render(settings)?);
    }
    Ok(text)
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

fn clusters(policy: &Policy, settings: &Settings) -> Result<Vec<Cluster>, RenderError> {
    let ours = |kind, name: &str, what: &str, endpoint: &Endpoint| Cluster {
        kind,
        name: name.to_owned(),
        what: what.to_owned(),
        endpoint: endpoint.clone(),
        tls: false,
    };
    let upstream = ours(Kind::Upstream, UPSTREAM, "the product", &settings.upstream);
    let mut store = ours(Kind::Store, &policy.store.cluster, "`store.cluster`", &settings.store);
    if store.name == upstream.name {
        return Err(conflict(&upstream, &store));
    }
    store.tls = settings.store_tls.is_some();
    let mut known = BTreeMap::from([(upstream.name.clone(), 0), (store.name.clone(), 1)]);
    let mut clusters = vec![upstream, store];
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

fn remote(policy: &Policy) -> impl Iterator<Item = (&Connection, &RemoteJwks)> {
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

    fn render(&self, settings: &Settings) -> Result<String, RenderError> {
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
            ("purpose", self.kind.purpose().to_owned()),
        ];
        let mut text = fill(include_str!("cluster.yaml"), &values);
        if self.tls {
            text.push_str("  ");
            text.push_str(&indented(&self.transport(settings)?, 2));
            text.push('\n');
        }
        Ok(text)
    }

    fn transport(&self, settings: &Settings) -> Result<String, RenderError> {
        let host = &self.endpoint.host;
        match (self.kind, &settings.store_tls) {
            (Kind::Store, Some(tls)) => transport(host, &tls.authorities, tls.certificate.as_ref()),
            _ => transport(host, settings.ca.as_deref().ok_or(RenderError::NoAuthorities)?, None),
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
fn transport(host: &Host, ca: &Path, certificate: Option<&(PathBuf, PathBuf)>) -> Result<String, RenderError> {
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
        ("ca", quoted(utf8(ca)?)),
        ("certificate", shown),
        ("host", quoted(&host.to_string())),
        ("san_type", san_type.to_owned()),
        ("sni", sni),
    ];
    Ok(fill(include_str!("tls.yaml"), &values))
}
