//! From a policy to a gateway's configuration: text in, text out; the file system is the caller's.

mod endpoint;
pub(crate) mod envoy;
mod template;

use endpoint::Host;
pub(crate) use endpoint::{Endpoint, EndpointError};
pub(crate) use template::fill;
