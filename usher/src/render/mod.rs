//! From a policy to a gateway's configuration: text in, text out; the file system is the caller's.

mod clusters;
mod endpoint;
pub(crate) mod envoy;
pub(crate) mod envoy_gateway;
mod error;
pub(crate) mod istio;
mod kubernetes;
mod template;
mod version;

pub(crate) use clusters::{Authorities, StoreTls};
use endpoint::Host;
pub(crate) use endpoint::{Endpoint, EndpointError};
pub(crate) use error::RenderError;
pub(crate) use kubernetes::{Module, Placement, Source, label, name};
pub(crate) use template::fill;
pub(crate) use version::EnvoyVersion;

/// A gateway's configuration, and what the operator should know about it.
#[derive(Debug)]
pub(crate) struct Rendered {
    /// The configuration; the same for the same input.
    pub(crate) yaml: String,
    /// Sentences for the operator.
    pub(crate) warnings: Vec<String>,
}
