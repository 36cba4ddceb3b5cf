//! From an issuer to a connection: its discovery document, its keys, and what to write into the policy.
//!
//! Nothing here is trusted further than TLS goes: the operator reads the stanza before it is pasted.

mod connection;
mod document;
mod fetch;
mod issuer;
mod stanza;

use std::time::Duration;

use serde_json::Value;
use usher_policy::token::keys::{KeySet, KeySetError};

pub(crate) use self::connection::Connection;
use self::document::Document;
use self::fetch::Client;
pub(crate) use self::fetch::Trust;
use self::issuer::{Address, Issuer};

/// The longest discovery document that is read, in bytes.
const MAX_DOCUMENT: usize = 256 * 1024;

/// What the operator asked for.
#[derive(Debug)]
pub(crate) struct Wish<'a> {
    /// The provider, as its assertions name it in `iss`.
    pub(crate) issuer: &'a str,
    /// The connection's id; made of the issuer's host without one.
    pub(crate) id: Option<&'a str>,
    /// The Envoy cluster; like the id without one.
    pub(crate) cluster: Option<&'a str>,
    /// Accepted audiences, as far as they are known.
    pub(crate) audiences: &'a [String],
    /// Whether plain http is spoken to other machines.
    pub(crate) insecure: bool,
    /// Longest wait for each of the two answers.
    pub(crate) timeout: Duration,
}

/// Why there is no connection to print.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DiscoverError {
    /// Authorities that are to be trusted cannot be read.
    #[error("--ca: no certificate in PEM form can be read from it")]
    Authorities,
    /// The document is not what it should be.
    #[error("{url}: {message}")]
    Document {
        /// Where it was read.
        url: String,
        /// What is wrong and what to do.
        message: String,
    },
    /// What was given is no issuer.
    #[error("issuer {issuer}: {message}")]
    Issuer {
        /// As it was given.
        issuer: String,
        /// What is wrong and what to write instead.
        message: &'static str,
    },
    /// The keys cannot be used.
    #[error("{url}: the provider's keys cannot be used")]
    Keys {
        /// Where they were read.
        url: String,
        /// What is wrong.
        source: KeySetError,
    },
    /// The proxy that the environment names is of a kind that is not spoken.
    #[error(
        "{url}: the proxy in the environment speaks SOCKS, which `discover` does not: set ALL_PROXY to an HTTP proxy, \
         or add this host to NO_PROXY"
    )]
    Proxy {
        /// What was to be asked.
        url: String,
    },
    /// The answer points elsewhere.
    #[error(
        "{url}: answers with a redirect to {location}, which is not followed: a provider's metadata is where its issuer says"
    )]
    Redirect {
        /// What was asked.
        url: String,
        /// Where it points.
        location: String,
    },
    /// What was found is no connection that a policy may have.
    #[error("a policy would not accept this connection: {0}")]
    Refused(String),
    /// The answer is an error.
    #[error("{url}: answers with status {status}{}", if *.status == 404 { ": is this the issuer, as in `iss`?" } else { "" })]
    Status {
        /// What was asked.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The answer does not end.
    #[error("{url}: longer than {limit} bytes")]
    TooLong {
        /// What was asked.
        url: String,
        /// The most that is read.
        limit: usize,
    },
    /// Nothing answers, or nobody who can prove the name.
    #[error("{url}: cannot be read{}", by_way_of(.proxy.as_deref()))]
    Unreachable {
        /// What was asked.
        url: String,
        /// By way of which proxy, without its user and password.
        proxy: Option<String>,
        /// What went wrong.
        #[source]
        source: Box<ureq::Error>,
    },
}

fn by_way_of(proxy: Option<&str>) -> String {
    proxy.map_or_else(String::new, |proxy| format!(" through the proxy {proxy}, which the environment names"))
}

/// Reads a provider's metadata and keys, and makes a connection of them.
///
/// # Errors
/// See [`DiscoverError`].
pub(crate) fn discover(wish: &Wish<'_>, trust: Trust) -> Result<Connection, DiscoverError> {
    let issuer = Issuer::parse(wish.issuer, wish.insecure)?;
    let client = Client::new(trust, wish.timeout);
    let url = issuer.metadata();
    let document = Document::read(&client.get(&url, issuer.address(), MAX_DOCUMENT)?, &issuer, &url)?;
    let keys_at = Address::parse(&document.jwks_uri, wish.insecure)
        .map_err(|message| DiscoverError::Document { url: url.clone(), message: format!("`jwks_uri`: {message}") })?;
    let keys = KeySet::parse(&client.get(&document.jwks_uri, &keys_at, KeySet::MAX_LEN)?)
        .map_err(|source| DiscoverError::Keys { url: document.jwks_uri.clone(), source })?;
    let connection = Connection::new(wish, &issuer, &url, document, &keys, &keys_at)?;
    match stanza::faults(&stanza::yaml(&connection)) {
        Some(message) => Err(DiscoverError::Refused(message)),
        None => Ok(connection),
    }
}

/// The stanza for people to paste.
pub(crate) fn yaml(connection: &Connection) -> String {
    stanza::yaml(connection)
}

/// The same for tools.
pub(crate) fn json(connection: &Connection) -> Value {
    stanza::json(connection)
}
