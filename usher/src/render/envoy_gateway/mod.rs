//! A Gateway of Envoy Gateway: an `EnvoyExtensionPolicy`, and policies for what it has no field for.

use std::path::PathBuf;

use serde_json::Value;
use usher_policy::Policy;

use super::clusters::{self, Servers};
use super::template::{fill, flow, indented, quoted};
use super::{Authorities, Placement, RenderError, Rendered, Source, StoreTls, kubernetes};

/// Where Envoy's own image keeps the system's trusted authorities.
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The Gateway that gets the filter.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Its name.
    pub(crate) gateway: String,
    /// Its listeners by name, or Envoy's listeners as `tcp-443`.
    pub(crate) listeners: Vec<String>,
    /// The Secret with the filter's token.
    pub(crate) token_secret: String,
}

/// Renders everything that a Gateway needs; `document` is the policy as JSON.
///
/// # Errors
/// The policy, the store or the filter is nothing that a Gateway can reach, or clusters contradict each other.
pub(crate) fn objects(
    policy: &Policy,
    document: &Value,
    target: &Target,
    placement: &Placement,
) -> Result<Rendered, RenderError> {
    let mut warnings = kubernetes::warnings(policy, document, placement)?;
    if placement.store_ca.is_none() {
        let store = &placement.store;
        warnings.push(format!(
            "the filter's token goes to the store at {store} in plain http: name its authorities with `--store-ca`"
        ));
    }
    let values = [
        ("access_log", indented(include_str!("../access_log.yaml"), 12)),
        ("clusters", indented(&patched_clusters(policy, placement)?, 2)),
        ("code", indented(&code(placement)?, 6)),
        ("gateway", quoted(&target.gateway)),
        ("listeners", indented(&target.patches(placement), 2)),
        ("namespace", quoted(&placement.namespace)),
        ("policy", flow(document, 6)),
        ("secret", quoted(&target.token_secret)),
        ("token_env", quoted(&policy.store.token_env)),
    ];
    Ok(Rendered { yaml: fill(include_str!("policies.yaml"), &values), warnings })
}

/// Where the filter is pulled from: a YAML mapping at column 0.
fn code(placement: &Placement) -> Result<String, RenderError> {
    let line = |value: &Option<String>| {
        value.as_ref().map(|value| format!("\n  sha256: {}", quoted(value))).unwrap_or_default()
    };
    let sha256 = line(&placement.module.sha256);
    match &placement.module.source {
        Source::File(path) => Err(RenderError::FileForEnvoyGateway(path.clone())),
        Source::Http(url) => Ok(format!("type: HTTP\nhttp:\n  url: {}{sha256}\n", quoted(url))),
        Source::Image(image) => {
            let secret = placement.pull_secret.as_ref();
            let secret =
                secret.map(|name| format!("\n  pullSecretRef: {{name: {}}}", quoted(name))).unwrap_or_default();
            Ok(format!("type: Image\nimage:\n  url: {}{sha256}{secret}\n", quoted(image)))
        }
    }
}

fn patched_clusters(policy: &Policy, placement: &Placement) -> Result<String, RenderError> {
    let authorities = match &placement.ca {
        Some(bundle) => Authorities::Inline(bundle.clone()),
        None => Authorities::File(PathBuf::from(AUTHORITIES)),
    };
    let store_tls = placement
        .store_ca
        .as_ref()
        .map(|bundle| StoreTls { authorities: Authorities::Inline(bundle.clone()), certificate: None });
    let servers = Servers {
        upstream: None,
        store: &placement.store,
        store_tls: store_tls.as_ref(),
        authorities: Some(&authorities),
    };
    let mut text = String::new();
    for cluster in clusters::write(policy, &servers)? {
        let values = [
            ("cluster", indented(&cluster.yaml, 6)),
            ("name", quoted(&cluster.name)),
            ("purpose", cluster.purpose.to_owned()),
        ];
        text.push_str(&fill(include_str!("cluster.yaml"), &values));
    }
    Ok(text)
}

impl Target {
    /// What is patched in every listener of Envoy's.
    fn patches(&self, placement: &Placement) -> String {
        let namespace = &placement.namespace;
        let mut text = String::new();
        for listener in &self.listeners {
            // With `XDSNameSchemeV2` Envoy's listeners are named by their port.
            let listener = match listener.strip_prefix("tcp-") {
                Some(port) if port.parse::<u16>().is_ok() => listener.clone(),
                _ => format!("{namespace}/{}/{listener}", self.gateway),
            };
            let values = [
                ("guard", indented(include_str!("../guard.yaml"), 6)),
                ("listener", quoted(&listener)),
                ("plain_namespace", namespace.clone()),
            ];
            text.push_str(&fill(include_str!("listener.yaml"), &values));
            if placement.version.reloads() {
                text.push_str(&fill(include_str!("reload.yaml"), &values));
            }
        }
        text
    }
}
