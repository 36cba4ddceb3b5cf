//! What Istio and Envoy Gateway have in common: names, where the filter is pulled from, and what a cluster cannot reach.

use std::str::FromStr;

use serde_json::Value;
use usher_policy::Policy;

use super::{Endpoint, EnvoyVersion, RenderError, clusters};

/// Objects above this many bytes are refused by etcd.
const MAX_OBJECT: usize = 1_400_000;
/// Above this many bytes `kubectl apply` cannot keep its copy of an object in an annotation.
const MAX_APPLY: usize = 200_000;

/// Where a gateway in Kubernetes is, and what it needs besides the policy.
#[derive(Clone, Debug)]
pub(crate) struct Placement {
    /// The namespace of the gateway and of all that is rendered.
    pub(crate) namespace: String,
    /// The filter.
    pub(crate) module: Module,
    /// The Secret with which the filter's image is pulled.
    pub(crate) pull_secret: Option<String>,
    /// The membership store.
    pub(crate) store: Endpoint,
    /// Authorities of key servers, PEM; the system's of the gateway without.
    pub(crate) ca: Option<String>,
    /// Authorities of the store, PEM, which is then spoken to over TLS.
    pub(crate) store_ca: Option<String>,
    /// The Envoy in the gateway.
    pub(crate) version: EnvoyVersion,
}

/// The filter, and how what is pulled is known to be it.
#[derive(Clone, Debug)]
pub(crate) struct Module {
    /// Where it is pulled from.
    pub(crate) source: Source,
    /// The SHA-256 of the file, or of the image, as hexadecimal digits.
    pub(crate) sha256: Option<String>,
}

/// Where a gateway pulls the filter from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A file in the gateway's own container.
    File(String),
    /// A web server.
    Http(String),
    /// An OCI image, without `oci://`.
    Image(String),
}

impl Module {
    /// Whether what is pulled can be anything else.
    fn is_pinned(&self) -> bool {
        let by_digest = matches!(&self.source, Source::Image(image) if image.contains("@sha256:"));
        by_digest || self.sha256.is_some() || matches!(self.source, Source::File(_))
    }
}

impl Source {
    /// As Istio writes it.
    pub(super) fn url(&self) -> String {
        match self {
            Self::File(path) => format!("file://{path}"),
            Self::Http(url) => url.clone(),
            Self::Image(image) => format!("oci://{image}"),
        }
    }
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let whole = |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic());
        match text.split_once("://") {
            Some(("oci", image)) if whole(image) && image.contains('/') => Ok(Self::Image(image.to_owned())),
            Some(("http" | "https", rest)) if whole(rest) => Ok(Self::Http(text.to_owned())),
            Some(("file", path)) if whole(path) && path.starts_with('/') => Ok(Self::File(path.to_owned())),
            _ => Err("must be where the gateway pulls the filter from, such as oci://registry.example/usher:1.0 or \
                      https://files.example/usher.wasm"
                .to_owned()),
        }
    }
}

/// A name of Kubernetes: a DNS label (RFC 1123).
pub(crate) fn name(text: &str) -> Result<String, String> {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let ends = !text.starts_with('-') && !text.ends_with('-');
    if (1..=63).contains(&text.len()) && ends && text.bytes().all(inner) {
        Ok(text.to_owned())
    } else {
        Err("must be a Kubernetes name: at most 63 of a-z, 0-9 and -, not beginning or ending with -".to_owned())
    }
}

/// A label of pods: `key=value`.
pub(crate) fn label(text: &str) -> Result<(String, String), String> {
    let letters = |text: &str, more: &[u8]| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
    };
    match text.split_once('=') {
        Some((key, value)) if letters(key, b"-_./") && letters(value, b"-_.") && value.len() <= 63 => {
            Ok((key.to_owned(), value.to_owned()))
        }
        _ => Err("must be a label of the gateway's pods, such as istio=ingressgateway".to_owned()),
    }
}

/// What holds for every gateway in a cluster: what the operator should know.
///
/// # Errors
/// The policy, or the store, is for this machine alone, the policy is too long, or Envoy too old.
pub(super) fn warnings(policy: &Policy, document: &Value, placement: &Placement) -> Result<Vec<String>, RenderError> {
    let mut warnings = placement.version.warnings()?;
    warnings.extend(clusters::insecure_key_servers(policy));
    if placement.store.host.is_loopback() {
        return Err(RenderError::StoreOnThisMachine(placement.store.to_string()));
    }
    if let Some((connection, jwks)) = clusters::remote(policy).find(|(_, jwks)| jwks.uri.is_loopback()) {
        let uri = format!("{}://{}{}", jwks.uri.scheme(), jwks.uri.authority(), jwks.uri.path);
        return Err(RenderError::KeysOnThisMachine { connection: connection.id.to_string(), uri });
    }
    let length = document.to_string().len();
    if length > MAX_OBJECT {
        return Err(RenderError::TooLong(length));
    }
    if length > MAX_APPLY {
        warnings.push(format!(
            "the policy has {length} bytes: `kubectl apply` needs `--server-side` for an object of that size"
        ));
    }
    if !placement.module.is_pinned() {
        let source = placement.module.source.url();
        warnings.push(format!("{source} is not pinned: whoever can replace it decides who may enter; add `--sha256`"));
    }
    Ok(warnings)
}

#[cfg(test)]
mod tests {
    use super::{Source, label, name};

    #[test]
    fn a_filter_is_an_image_a_page_or_a_file() {
        for (text, source) in [
            ("oci://registry.example/usher:1.0", Source::Image("registry.example/usher:1.0".to_owned())),
            ("https://files.example/usher.wasm", Source::Http("https://files.example/usher.wasm".to_owned())),
            ("file:///opt/usher.wasm", Source::File("/opt/usher.wasm".to_owned())),
        ] {
            assert_eq!(text.parse(), Ok(source.clone()));
            assert_eq!(source.url(), text);
        }
        for text in ["usher.wasm", "oci://", "oci://usher", "ftp://x/y", "file://usher.wasm", "https://a b"] {
            assert!(text.parse::<Source>().is_err(), "{text}");
        }
    }

    #[test]
    fn names_and_labels_are_those_of_kubernetes() {
        assert!(["istio-ingress", "a", "1"].iter().all(|text| name(text).is_ok()));
        assert!(["", "-a", "a-", "A", "a.b", "a_b", &"a".repeat(64)].iter().all(|text| name(text).is_err()));
        assert_eq!(label("app.kubernetes.io/name=edge"), Ok(("app.kubernetes.io/name".to_owned(), "edge".to_owned())));
        assert!(["", "a", "=b", "a=", "a=b c", "a=\"b\""].iter().all(|text| label(text).is_err()));
    }
}
