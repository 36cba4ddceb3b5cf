//! A whole Envoy bootstrap (v3) around the filter: listener, admin, and the clusters that the policy asks for.

mod clusters;

use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::Value;
use usher_policy::Policy;

use super::Endpoint;
use super::template::{block, fill, indented, quoted};

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
    /// Trusted authorities of key servers, PEM; needed where the policy has https ones.
    pub(crate) ca: Option<PathBuf>,
    /// How the store is spoken to over TLS; plain HTTP without.
    pub(crate) store_tls: Option<StoreTls>,
}

/// TLS to the store.
#[derive(Clone, Debug)]
pub(crate) struct StoreTls {
    /// Who vouches for the store, PEM.
    pub(crate) authorities: PathBuf,
    /// What Envoy shows the store: certificate and key, PEM.
    pub(crate) certificate: Option<(PathBuf, PathBuf)>,
}

/// A bootstrap, and what the operator should know about it.
#[derive(Debug)]
pub(crate) struct Bootstrap {
    /// The configuration; the same for the same input.
    pub(crate) yaml: String,
    /// Sentences for the operator.
    pub(crate) warnings: Vec<String>,
}

/// Why a policy cannot be rendered for Envoy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RenderError {
    /// Two key servers, or a key server and a cluster of ours, have one cluster name.
    #[error("cluster `{name}` would be two things: {first}, and {second}; give one of them another `cluster` name")]
    ClusterConflict {
        /// The name.
        name: String,
        /// What has it first.
        first: String,
        /// What else has it.
        second: String,
    },
    /// A `jwks.uri` has a host that no cluster can have.
    #[error("connection `{connection}`: the host of `jwks.uri` cannot be a cluster's: {problem}")]
    KeyHost {
        /// The connection's id.
        connection: String,
        /// What is wrong with it.
        problem: String,
    },
    /// There are https key servers but nothing that vouches for them.
    #[error("no bundle of trusted certificate authorities was found on this machine; name one with `--ca FILE`")]
    NoAuthorities,
    /// A path cannot be written in the configuration.
    #[error("the path `{0}` is not UTF-8")]
    Path(String),
}

/// Renders a bootstrap; `document` is the policy as JSON.
///
/// # Errors
/// The policy asks for clusters that contradict each other or cannot verify their servers.
pub(crate) fn bootstrap(policy: &Policy, document: &Value, settings: &Settings) -> Result<Bootstrap, RenderError> {
    let clusters = clusters::render(policy, settings)?;
    let values = [
        ("admin_address", quoted(&settings.admin.ip().to_string())),
        ("admin_port", settings.admin.port().to_string()),
        ("clusters", indented(&clusters, 2)),
        ("listen_address", quoted(&settings.listen.ip().to_string())),
        ("listen_port", settings.listen.port().to_string()),
        ("policy", block(document, 20)),
        ("token_env", quoted(&policy.store.token_env)),
        ("wasm", quoted(utf8(&settings.wasm)?)),
    ];
    let yaml = fill(include_str!("bootstrap.yaml"), &values);
    Ok(Bootstrap { yaml, warnings: warnings(policy, settings) })
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
        warnings.push(format!(
            "Envoy's admin interface at {admin} asks nobody for a password: keep others from reaching it"
        ));
    }
    warnings
}

fn utf8(path: &std::path::Path) -> Result<&str, RenderError> {
    path.to_str().ok_or_else(|| RenderError::Path(path.display().to_string()))
}
