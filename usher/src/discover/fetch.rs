//! One bounded GET at a time: no redirects, no credentials, a deadline.
//! Other machines are asked by way of the proxy that the environment names.

use std::io::Read as _;
use std::time::Duration;

use ureq::http::{Uri, header};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Proxy, ProxyProtocol};

use super::DiscoverError;
use super::issuer::Address;

/// Whose certificates are believed.
#[derive(Debug)]
pub(crate) enum Trust {
    /// The public authorities (Mozilla's list).
    Public,
    /// These, and no others.
    These(Vec<Certificate<'static>>),
}

impl Trust {
    /// The authorities of a PEM file.
    ///
    /// # Errors
    /// There is none in it.
    pub(crate) fn pem(pem: &[u8]) -> Result<Self, DiscoverError> {
        let mut certificates = Vec::new();
        for item in parse_pem(pem) {
            match item {
                Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
                Ok(_) => {}
                Err(_) => return Err(DiscoverError::Authorities),
            }
        }
        if certificates.is_empty() { Err(DiscoverError::Authorities) } else { Ok(Self::These(certificates)) }
    }
}

/// Asks a provider.
pub(super) struct Client {
    agent: ureq::Agent,
    proxy: Option<Proxy>,
}

impl Client {
    /// A client that waits this long for an answer.
    pub(super) fn new(trust: Trust, timeout: Duration) -> Self {
        let roots = match trust {
            Trust::Public => RootCerts::WebPki,
            Trust::These(certificates) => RootCerts::from(certificates),
        };
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .timeout_global(Some(timeout))
            .build()
            .new_agent();
        Self { agent, proxy: Proxy::try_from_env() }
    }

    /// The body of an answer with status 200, at most `limit` bytes.
    pub(super) fn get(&self, url: &str, address: &Address, limit: usize) -> Result<Vec<u8>, DiscoverError> {
        let proxy = self.proxy_to(url, address)?;
        let unreachable = |source| DiscoverError::Unreachable {
            url: url.to_owned(),
            proxy: proxy.map(|proxy| format!("{}:{}", proxy.host(), proxy.port())),
            source: Box::new(source),
        };
        let request = self.agent.get(url).header(header::ACCEPT, "application/json");
        let mut response = request.config().proxy(proxy.cloned()).build().call().map_err(unreachable)?;
        let status = response.status();
        if status.is_redirection() {
            let location = response.headers().get(header::LOCATION).map(header::HeaderValue::as_bytes);
            let location = location.unwrap_or_default().escape_ascii().to_string();
            return Err(DiscoverError::Redirect { url: url.to_owned(), location });
        }
        if status != 200 {
            return Err(DiscoverError::Status { url: url.to_owned(), status: status.as_u16() });
        }
        let mut body = Vec::new();
        let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        // One byte more than is allowed, to tell a full answer from one that is too long.
        response
            .body_mut()
            .as_reader()
            .take(most)
            .read_to_end(&mut body)
            .map_err(|error| unreachable(ureq::Error::Io(error)))?;
        if body.len() > limit {
            return Err(DiscoverError::TooLong { url: url.to_owned(), limit });
        }
        Ok(body)
    }

    /// By which proxy this is asked. None for this machine: plain http is believed there because it goes over no network.
    fn proxy_to(&self, url: &str, address: &Address) -> Result<Option<&Proxy>, DiscoverError> {
        let is_meant = |proxy: &&Proxy| !url.parse().is_ok_and(|uri: Uri| proxy.is_no_proxy(&uri));
        let proxy = self.proxy.as_ref().filter(|_| !address.is_loopback).filter(is_meant);
        match proxy.map(Proxy::protocol) {
            None | Some(ProxyProtocol::Http | ProxyProtocol::Https) => Ok(proxy),
            // The library would ask the provider directly instead.
            Some(_) => Err(DiscoverError::Proxy { url: url.to_owned() }),
        }
    }
}
