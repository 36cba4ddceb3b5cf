//! What the commands that administer a store share: where it is, the token, and the form of answers.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser as _};
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

use super::Failure;
use crate::store_client::{StoreClient, TOKEN_ENV};

/// The variable with the authorities: the one that must not be empty.
pub(crate) const CA_ENV: &str = "USHER_STORE_CA";

const CA: &str = "--store-ca (or USHER_STORE_CA)";
const CERT: &str = "--store-cert (or USHER_STORE_CERT)";
const KEY: &str = "--store-key (or USHER_STORE_KEY)";

/// Which store, and how https is spoken with it.
#[derive(Debug, Args)]
pub(super) struct Place {
    /// The store; the token is read from the environment variable USHER_ADMIN_TOKEN where one is needed
    #[arg(long, value_name = "URL", env = "USHER_STORE_URL", default_value = "http://127.0.0.1:7070")]
    pub(super) store: String,
    /// Trust these certificate authorities for the store, PEM; default: those that browsers trust
    #[arg(long, value_name = "FILE", env = CA_ENV, value_parser = OsStringValueParser::new().try_map(authorities))]
    store_ca: Option<PathBuf>,
    /// The client certificate for the store, PEM
    #[arg(long, value_name = "FILE", env = "USHER_STORE_CERT", requires = "store_key")]
    store_cert: Option<PathBuf>,
    /// The key of that certificate, PEM
    #[arg(long, value_name = "FILE", env = "USHER_STORE_KEY", requires = "store_cert")]
    store_key: Option<PathBuf>,
}

/// Which store, and in which form answers are shown. The token comes from the environment alone.
#[derive(Debug, Args)]
pub(super) struct Administration {
    #[command(flatten)]
    place: Place,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

impl Administration {
    pub(super) fn client(&self) -> Result<StoreClient, Failure> {
        let token = std::env::var(TOKEN_ENV).ok();
        Ok(StoreClient::over(&self.place.store, token.as_deref(), self.place.tls()?)?)
    }
}

impl Place {
    /// Whom to trust there, and what to show.
    pub(super) fn tls(&self) -> Result<TlsConfig, Failure> {
        Ok(TlsConfig::builder()
            .root_certs(match &self.store_ca {
                Some(path) => RootCerts::new_with_certs(&certificates(CA, path)?),
                None => RootCerts::WebPki,
            })
            .client_cert(self.shown()?)
            .build())
    }

    /// What is shown to a store that asks who we are.
    fn shown(&self) -> Result<Option<ClientCert>, Failure> {
        let (Some(certificate), Some(key)) = (&self.store_cert, &self.store_key) else { return Ok(None) };
        let pem = read(KEY, key)?;
        let key = PrivateKey::from_pem(&pem).map_err(|source| unusable(KEY, key, source))?;
        Ok(Some(ClientCert::new_with_certs(&certificates(CERT, certificate)?, key)))
    }
}

/// A file of authorities. An empty variable would trust those that browsers trust, where somebody meant others.
fn authorities(path: OsString) -> Result<PathBuf, &'static str> {
    match path.is_empty() {
        true => Err("name a file; if USHER_STORE_CA is set and empty, unset it"),
        false => Ok(path.into()),
    }
}

fn certificates(flag: &'static str, path: &Path) -> Result<Vec<Certificate<'static>>, Failure> {
    let mut found = Vec::new();
    for item in parse_pem(&read(flag, path)?) {
        if let PemItem::Certificate(certificate) = item.map_err(|source| unusable(flag, path, source))? {
            found.push(certificate);
        }
    }
    match found.is_empty() {
        true => Err(Failure::file(flag, path, io::Error::other("it contains no PEM certificate"))),
        false => Ok(found),
    }
}

fn read(flag: &'static str, path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|source| Failure::file(flag, path, source))
}

fn unusable(flag: &'static str, path: &Path, source: ureq::Error) -> Failure {
    Failure::file(flag, path, io::Error::other(source))
}
