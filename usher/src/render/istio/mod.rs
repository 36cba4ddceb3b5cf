//! A gateway of Istio: a `WasmPlugin`, an `EnvoyFilter` for what it has no field for, and the way to key servers and store.

mod servers;

use serde_json::Value;
use usher_policy::Policy;

use self::servers::Servers;
use super::template::{fill, flow, indented, quoted};
use super::{Placement, RenderError, Rendered, Source, kubernetes};

/// The gateways that get the filter.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// One of the Gateway API.
    Gateway(String),
    /// Whatever pods have these labels.
    Labels(Vec<(String, String)>),
}

/// Renders everything that a gateway needs; `document` is the policy as JSON.
///
/// # Errors
/// The policy, or the store, is nothing that a gateway in a cluster can reach.
pub(crate) fn objects(
    policy: &Policy,
    document: &Value,
    target: &Target,
    placement: &Placement,
) -> Result<Rendered, RenderError> {
    let mut warnings = kubernetes::warnings(policy, document, placement)?;
    let servers = Servers::of(policy, placement)?;
    warnings.extend(servers.warnings());
    let values = [
        ("access_log", indented(include_str!("../access_log.yaml"), 18)),
        ("fails", failing(placement).1.to_owned()),
        ("guard", indented(include_str!("../guard.yaml"), 8)),
        ("labels", target.labels()),
        ("namespace", quoted(&placement.namespace)),
        ("policy", flow(&servers.renamed(document), 4)),
        ("pull", pull(placement)),
        ("strategy", failing(placement).0.to_owned()),
        ("target", target.of_plugin()),
        ("token_env", quoted(&policy.store.token_env)),
        ("url", quoted(&placement.module.source.url())),
    ];
    let mut yaml = fill(include_str!("wasm_plugin.yaml"), &values);
    yaml.push_str(&fill(include_str!("envoy_filter.yaml"), &values));
    yaml.push_str(&servers.objects());
    Ok(Rendered { yaml, warnings })
}

fn failing(placement: &Placement) -> (&'static str, &'static str) {
    if placement.version.reloads() {
        ("FAIL_RELOAD", "A request whose filter dies is refused; the next one finds a new VM.")
    } else {
        ("FAIL_CLOSE", "If the filter dies, every request is refused until the gateway is restarted.")
    }
}

/// What is said about the pulled file, each on a line of its own.
fn pull(placement: &Placement) -> String {
    let line = |name: &str, value: &Option<String>| {
        value.as_ref().map(|value| format!("\n  {name}: {}", quoted(value))).unwrap_or_default()
    };
    let secret = match placement.module.source {
        Source::Image(_) => line("imagePullSecret", &placement.pull_secret),
        Source::File(_) | Source::Http(_) => String::new(),
    };
    format!("{}{secret}", line("sha256", &placement.module.sha256))
}

impl Target {
    fn of_plugin(&self) -> String {
        match self {
            Self::Gateway(name) => {
                let name = quoted(name);
                format!("targetRefs:\n  - {{group: gateway.networking.k8s.io, kind: Gateway, name: {name}}}")
            }
            Self::Labels(_) => format!("selector:\n    matchLabels: {}", self.labels()),
        }
    }

    /// The labels of the gateway's pods; Istio labels those that it makes for a Gateway with its name.
    fn labels(&self) -> String {
        let written = |key: &str, value: &str| format!("{}: {}", quoted(key), quoted(value));
        let labels = match self {
            Self::Gateway(name) => written("gateway.networking.k8s.io/gateway-name", name),
            Self::Labels(labels) => {
                labels.iter().map(|(key, value)| written(key, value)).collect::<Vec<_>>().join(", ")
            }
        };
        format!("{{{labels}}}")
    }
}
