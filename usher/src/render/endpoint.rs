//! A `host:port` as the command line takes it and Envoy needs it: an address, or a name to be looked up.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// Where something listens or is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// The address or name.
    pub(crate) host: Host,
    /// The TCP port.
    pub(crate) port: u16,
}

/// An address, or a name that the DNS knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// An IP address literal.
    Address(IpAddr),
    /// A host name, lowercased.
    Name(String),
}

/// The text is no `host:port`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EndpointError {
    /// The host is empty or has characters that no host name has.
    #[error("`{0}` is neither an IP address (IPv6 in brackets) nor a host name")]
    Host(String),
    /// There is no port, or it is none.
    #[error("must be host:port with a port from 1 to 65535, such as 127.0.0.1:8080")]
    Port,
}

impl Host {
    /// Reads an address literal (without brackets) or a host name.
    ///
    /// # Errors
    /// It is neither.
    pub(crate) fn parse(text: &str) -> Result<Self, EndpointError> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        // A name of digits alone would be an address to some resolvers and a name to others.
        let numeric = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        if text.len() <= 253 && !numeric && text.split('.').all(label) {
            return Ok(Self::Name(text.to_ascii_lowercase()));
        }
        Err(EndpointError::Host(text.to_owned()))
    }

    /// Whether it is this machine itself.
    pub(crate) fn is_loopback(&self) -> bool {
        match self {
            Self::Address(address) => address.is_loopback(),
            Self::Name(name) => name == "localhost",
        }
    }
}

impl Endpoint {
    /// The socket address, where the host is an address or `localhost`.
    pub(crate) fn socket_address(&self) -> Option<SocketAddr> {
        match &self.host {
            Host::Address(address) => Some(SocketAddr::new(*address, self.port)),
            Host::Name(name) if name == "localhost" => Some(SocketAddr::from(([127, 0, 0, 1], self.port))),
            Host::Name(_) => None,
        }
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, port) = text.rsplit_once(':').ok_or(EndpointError::Port)?;
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port.parse().ok().filter(|port| digits && *port != 0).ok_or(EndpointError::Port)?;
        let host = match host.strip_prefix('[') {
            Some(literal) => match literal.strip_suffix(']').and_then(|address| address.parse().ok()) {
                Some(address) => Host::Address(IpAddr::V6(address)),
                None => return Err(EndpointError::Host(host.to_owned())),
            },
            None if host.contains(':') => return Err(EndpointError::Host(host.to_owned())),
            None => Host::parse(host)?,
        };
        Ok(Self { host, port })
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self { host: Host::Address(address.ip()), port: address.port() }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host {
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]:{}", self.port),
            _ => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Endpoint;

    #[test]
    fn an_endpoint_is_an_address_or_a_name_with_a_port() {
        for (text, shown) in [
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("[::1]:80", "[::1]:80"),
            ("Store.Internal:7070", "store.internal:7070"),
            ("my_service:1", "my_service:1"),
        ] {
            assert_eq!(text.parse::<Endpoint>().map(|endpoint| endpoint.to_string()), Ok(shown.to_owned()), "{text}");
        }
        for text in [
            "",
            ":80",
            "store",
            "store:",
            "store:0",
            "store:+1",
            "store:65536",
            "::1:80",
            "[::1]",
            "[x]:80",
            "a b:1",
            "a..b:1",
            "1.2.3:4",
            "a/b:1",
        ] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for (text, loopback) in [
            ("127.0.0.9:1", true),
            ("[::1]:1", true),
            ("localhost:1", true),
            ("10.0.0.1:1", false),
            ("localhost.example:1", false),
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().host.is_loopback(), loopback, "{text}");
        }
    }
}
