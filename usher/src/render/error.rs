//! Why a policy cannot be rendered for a gateway.

use std::net::SocketAddr;

use super::EnvoyVersion;

/// Why a policy cannot be rendered for a gateway: which part of it, and what to do.
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
    /// Envoy Gateway reads no files of its own.
    #[error(
        "Envoy Gateway pulls the filter as an image or from a web server, and `--wasm` names the file {0}; write it as \
         oci://REGISTRY/IMAGE:TAG or https://…"
    )]
    FileForEnvoyGateway(String),
    /// A `jwks.uri` has a host that no cluster can have.
    #[error("connection `{connection}`: the host of `jwks.uri` cannot be used in a cluster: {problem}")]
    KeyHost {
        /// The connection's id.
        connection: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Keys are fetched from this machine, and the gateway runs on another.
    #[error(
        "connection `{connection}`: `jwks.uri` is {uri}, which, for a gateway in a cluster, is the gateway itself; name the key server as \
         the cluster reaches it, or put the keys into the file with `jwks: {{inline: {{keys: […]}}}}`"
    )]
    KeysOnThisMachine {
        /// The connection's id.
        connection: String,
        /// Where its keys are.
        uri: String,
    },
    /// Istio finds key servers by name.
    #[error(
        "connection `{connection}`: `jwks.uri` names the address {address}, but Istio's `ServiceEntry` needs a name; give the \
         key server a DNS name, or put the keys into the file with `jwks: {{inline: {{keys: […]}}}}`"
    )]
    KeysWithoutName {
        /// The connection's id.
        connection: String,
        /// The address.
        address: String,
    },
    /// There are https key servers but nothing that vouches for them.
    #[error("no bundle of trusted certificate authorities was found on this machine; name one with `--ca FILE`")]
    NoAuthorities,
    /// Envoy can listen only once at one address.
    #[error("`--listen` and `--admin` are both {0}; Envoy would not start")]
    OneAddress(SocketAddr),
    /// A path cannot be written in the configuration.
    #[error("the path `{0}` is not UTF-8")]
    Path(String),
    /// The store is on this machine, and the gateway runs on another.
    #[error("`--store` is {0}, which, for a gateway in a cluster, is the gateway itself; name the store's Service")]
    StoreOnThisMachine(String),
    /// Istio finds the store by name.
    #[error(
        "`--store` is {0}, but Istio knows services by their full name; write it like \
         usher-store.usher.svc.cluster.local:7070"
    )]
    StoreWithoutName(String),
    /// The policy is longer than an object of Kubernetes may be.
    #[error(
        "the policy has {0} bytes as JSON, but Kubernetes keeps no object above 1.5 MB; give each parent its own gateway \
         and policy file"
    )]
    TooLong(usize),
    /// The Envoy has no filters in wasm, or none that usher can run in.
    #[error("Envoy {0} is too old: usher is tested on 1.36 to 1.40, and nothing is rendered for versions below 1.30")]
    Version(EnvoyVersion),
}
