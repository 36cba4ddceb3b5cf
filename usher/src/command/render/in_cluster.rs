//! `usher render istio` and `usher render envoy-gateway`: objects for Kubernetes.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use serde_json::Value;
use usher_policy::Policy;

use super::{bundle, warn};
use crate::command::Failure;
use crate::output::print;
use crate::policy_file::PolicyFile;
use crate::render::{Endpoint, EnvoyVersion, Module, Placement, RenderError, Rendered, Source};
use crate::render::{envoy_gateway, istio, label, name};

/// The arguments of `usher render istio`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("target").required(true).args(["gateway", "selector"]))]
pub(super) struct Istio {
    #[command(flatten)]
    common: Common,
    /// The Gateway (of the Gateway API) that gets the filter
    #[arg(long, value_name = "NAME", value_parser = name)]
    gateway: Option<String>,
    /// Or a label of the gateway's pods, such as istio=ingressgateway; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = label)]
    selector: Vec<(String, String)>,
}

/// The arguments of `usher render envoy-gateway`.
#[derive(Debug, Args)]
pub(super) struct EnvoyGateway {
    #[command(flatten)]
    common: Common,
    /// The Gateway that gets the filter
    #[arg(long, value_name = "NAME", value_parser = name)]
    gateway: String,
    /// A listener of the Gateway, or tcp-PORT if Envoy Gateway runs with XDSNameSchemeV2; may be repeated
    #[arg(long = "listener", value_name = "NAME", value_parser = name, default_value = "http")]
    listeners: Vec<String>,
    /// The Secret whose `token` is the filter's token for the store
    #[arg(long, value_name = "NAME", value_parser = name, default_value = "usher-store-token")]
    token_secret: String,
}

#[derive(Debug, Args)]
struct Common {
    /// The policy file, YAML or JSON
    #[arg(value_name = "FILE")]
    policy: PathBuf,
    /// The gateway's namespace
    #[arg(long, value_name = "NAME", value_parser = name)]
    namespace: String,
    /// Where the gateway pulls the filter from: oci://REGISTRY/IMAGE:TAG or https://…
    #[arg(long, value_name = "URL")]
    wasm: Source,
    /// The SHA-256 of the filter (of the image's manifest, if it is an image), in hexadecimal
    #[arg(long, value_name = "HEX", value_parser = sha256)]
    sha256: Option<String>,
    /// The Secret for pulling the image
    #[arg(long, value_name = "NAME", value_parser = name)]
    pull_secret: Option<String>,
    /// The membership store, as the gateway reaches it: usher-store.usher.svc.cluster.local:7070
    #[arg(long, value_name = "HOST:PORT")]
    store: Endpoint,
    /// Use TLS to the store, and trust these certificate authorities for it, PEM
    #[arg(long, value_name = "FILE")]
    store_ca: Option<PathBuf>,
    /// Trusted certificate authorities of key servers, PEM; default: the gateway's own
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The Envoy in the gateway
    #[arg(long, value_name = "VERSION", default_value_t = EnvoyVersion::LATEST)]
    envoy_version: EnvoyVersion,
}

impl Istio {
    /// Prints the objects.
    ///
    /// # Errors
    /// A file is missing or wrong, or the policy is nothing for a cluster.
    pub(super) fn run(&self) -> Result<(), Failure> {
        let target = match &self.gateway {
            Some(gateway) => istio::Target::Gateway(gateway.clone()),
            None => istio::Target::Labels(self.selector.clone()),
        };
        self.common.run(|policy, document, placement| istio::objects(policy, document, &target, placement))
    }
}

impl EnvoyGateway {
    /// Prints the objects.
    ///
    /// # Errors
    /// A file is missing or wrong, or the policy is nothing for a cluster.
    pub(super) fn run(&self) -> Result<(), Failure> {
        let target = envoy_gateway::Target {
            gateway: self.gateway.clone(),
            listeners: self.listeners.clone(),
            token_secret: self.token_secret.clone(),
        };
        self.common.run(|policy, document, placement| envoy_gateway::objects(policy, document, &target, placement))
    }
}

impl Common {
    fn run(
        &self,
        objects: impl FnOnce(&Policy, &Value, &Placement) -> Result<Rendered, RenderError>,
    ) -> Result<(), Failure> {
        let file = PolicyFile::load(&self.policy)?;
        let placement = Placement {
            namespace: self.namespace.clone(),
            module: Module { source: self.wasm.clone(), sha256: self.sha256.clone() },
            pull_secret: self.pull_secret.clone(),
            store: self.store.clone(),
            ca: self.ca.as_deref().map(|path| bundle("--ca", path)).transpose()?,
            store_ca: self.store_ca.as_deref().map(|path| bundle("--store-ca", path)).transpose()?,
            version: self.envoy_version,
        };
        let rendered = objects(&file.policy, &file.to_json()?, &placement)?;
        warn(&rendered.warnings);
        print(&rendered.yaml)?;
        Ok(())
    }
}

fn sha256(text: &str) -> Result<String, String> {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    if digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(digits.to_ascii_lowercase())
    } else {
        Err("must be the 64 hexadecimal digits that `sha256sum` prints".to_owned())
    }
}
