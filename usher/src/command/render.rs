//! `usher render`: a gateway's configuration on stdout, from the policy file.

use std::net::SocketAddr;
use std::path::{PathBuf, absolute};
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::Failure;
use crate::output::{print, tell};
use crate::policy_file::PolicyFile;
use crate::render::envoy::{self, Settings, StoreTls};
use crate::render::{Endpoint, EndpointError};

/// Where systems keep their bundle of trusted authorities.
const SYSTEM_AUTHORITIES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The arguments of `usher render`.
#[derive(Debug, Args)]
pub(crate) struct Render {
    #[command(subcommand)]
    gateway: Gateway,
}

#[derive(Debug, Subcommand)]
enum Gateway {
    /// A whole Envoy bootstrap: listener, filter, clusters with verified TLS to key servers
    Envoy(Envoy),
}

#[derive(Debug, Args)]
struct Envoy {
    /// The policy file, YAML or JSON
    #[arg(value_name = "FILE")]
    policy: PathBuf,
    /// Where Envoy listens; an IP address and a port
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:10000", value_parser = listening)]
    listen: SocketAddr,
    /// Where Envoy's admin interface listens; it asks nobody for a password
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9901", value_parser = listening)]
    admin: SocketAddr,
    /// The product behind the filter
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    upstream: Endpoint,
    /// The membership store
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:7070")]
    store: Endpoint,
    /// Speak TLS to the store, and trust these certificate authorities, PEM, for it
    #[arg(long, value_name = "FILE")]
    store_ca: Option<PathBuf>,
    /// The certificate that Envoy shows the store, PEM
    #[arg(long, value_name = "FILE", requires_all = ["store_key", "store_ca"])]
    store_cert: Option<PathBuf>,
    /// The key of that certificate, PEM
    #[arg(long, value_name = "FILE", requires = "store_cert")]
    store_key: Option<PathBuf>,
    /// The filter
    #[arg(long, value_name = "FILE", default_value = "usher.wasm")]
    wasm: PathBuf,
    /// Trusted certificate authorities of key servers, PEM; default: the system's
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

impl Render {
    /// Prints the configuration; warnings go to stderr.
    ///
    /// # Errors
    /// The policy file or another file that is needed is missing or wrong.
    pub(crate) fn run(&self) -> Result<ExitCode, Failure> {
        match &self.gateway {
            Gateway::Envoy(envoy) => envoy.run(),
        }
    }
}

impl Envoy {
    fn run(&self) -> Result<ExitCode, Failure> {
        let file = PolicyFile::load(&self.policy)?;
        let settings = Settings {
            listen: self.listen,
            admin: self.admin,
            upstream: self.upstream.clone(),
            store: self.store.clone(),
            wasm: absolute(&self.wasm).map_err(|source| Failure::file("--wasm", &self.wasm, source))?,
            ca: self.authorities()?,
            store_tls: self.store_tls()?,
        };
        let bootstrap = envoy::bootstrap(&file.policy, &file.to_json()?, &settings)?;
        for warning in &bootstrap.warnings {
            tell(&format!("warning: {warning}"));
        }
        if !settings.wasm.exists() {
            let wasm = settings.wasm.display();
            tell(&format!("warning: there is no {wasm} on this machine: Envoy needs it when it starts"));
        }
        print(&bootstrap.yaml)?;
        Ok(ExitCode::SUCCESS)
    }

    fn store_tls(&self) -> Result<Option<StoreTls>, Failure> {
        let found = |flag: &'static str, path: &Option<PathBuf>| match path {
            Some(path) => path.canonicalize().map(Some).map_err(|source| Failure::file(flag, path, source)),
            None => Ok(None),
        };
        let Some(authorities) = found("--store-ca", &self.store_ca)? else { return Ok(None) };
        let certificate = found("--store-cert", &self.store_cert)?.zip(found("--store-key", &self.store_key)?);
        Ok(Some(StoreTls { authorities, certificate }))
    }

    /// The bundle that was named, which must be there, or else the system's, if it has one.
    fn authorities(&self) -> Result<Option<PathBuf>, Failure> {
        match &self.ca {
            Some(named) => match named.canonicalize() {
                Ok(path) => Ok(Some(path)),
                Err(source) => Err(Failure::file("--ca", named, source)),
            },
            None => Ok(SYSTEM_AUTHORITIES.iter().map(PathBuf::from).find(|path| path.is_file())),
        }
    }
}

fn listening(text: &str) -> Result<SocketAddr, String> {
    // Port 0 lets Envoy take a free one.
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let endpoint: Endpoint = text.parse().map_err(|error: EndpointError| error.to_string())?;
    endpoint
        .socket_address()
        .ok_or_else(|| format!("`{}` must be an IP address: one cannot listen on a name", endpoint.host))
}
