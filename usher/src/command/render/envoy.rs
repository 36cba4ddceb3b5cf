//! `usher render envoy`: a bootstrap, and the files that it watches.

use std::fs::{self, File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf, absolute};

use clap::Args;
use tempfile::NamedTempFile;

use super::{text, warn};
use crate::command::Failure;
use crate::output::{print, tell};
use crate::policy_file::PolicyFile;
use crate::render::envoy::{Additions, Settings, bootstrap};
use crate::render::{Authorities, Endpoint, EndpointError, EnvoyVersion, StoreTls};

/// The longest file of additions, in bytes.
const MAX_ADDITIONS: usize = 1024 * 1024;

/// Where systems keep their bundle of trusted authorities.
const SYSTEM_AUTHORITIES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The arguments of `usher render envoy`.
#[derive(Debug, Args)]
pub(super) struct Envoy {
    /// The policy file, YAML or JSON
    #[arg(value_name = "FILE")]
    policy: PathBuf,
    /// Where Envoy listens; an IP address and a port
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:10000", value_parser = listening)]
    listen: SocketAddr,
    /// Where Envoy's admin interface listens; it has no authentication
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9901", value_parser = listening)]
    admin: SocketAddr,
    /// The product behind the filter
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    upstream: Endpoint,
    /// The membership store
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:7070")]
    store: Endpoint,
    /// Use TLS to the store, and trust these certificate authorities for it, PEM
    #[arg(long, value_name = "FILE")]
    store_ca: Option<PathBuf>,
    /// Envoy's client certificate for the store, PEM
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
    /// Write the filter and the policy's servers into this folder, which Envoy watches: rendering again changes the policy
    /// without a restart
    #[arg(long, value_name = "FOLDER")]
    ecds: Option<PathBuf>,
    /// Add Envoy's own filters before and after usher, routes, clusters and tracing: a YAML file with `before`, `after`, `routes`, `clusters`, `tracing`
    #[arg(long, value_name = "FILE")]
    with: Option<PathBuf>,
    /// The Envoy version that will run it
    #[arg(long, value_name = "VERSION", default_value_t = EnvoyVersion::LATEST)]
    envoy_version: EnvoyVersion,
}

impl Envoy {
    /// Prints the bootstrap, and writes the files that it watches.
    ///
    /// # Errors
    /// A file is missing or wrong, or the folder cannot be written to.
    pub(super) fn run(&self) -> Result<(), Failure> {
        let file = PolicyFile::load(&self.policy)?;
        let settings = Settings {
            listen: self.listen,
            admin: self.admin,
            upstream: self.upstream.clone(),
            store: self.store.clone(),
            wasm: self.module().map_err(|source| Failure::file("--wasm", &self.wasm, source))?,
            ca: self.authorities()?.map(Authorities::File),
            store_tls: self.store_tls()?,
            watched: self.watched()?,
            additions: self.additions()?,
            version: self.envoy_version,
        };
        let bootstrap = bootstrap(&file.policy, &file.to_json()?, &settings)?;
        warn(&bootstrap.warnings);
        if !settings.wasm.exists() {
            let wasm = settings.wasm.display();
            tell(&format!("warning: there is no {wasm} on this machine: Envoy needs it at start"));
        }
        for (path, text) in &bootstrap.watched {
            replace(path, text).map_err(|source| Failure::Write { path: path.clone(), source })?;
        }
        print(&bootstrap.yaml)?;
        Ok(())
    }

    /// Where the filter is. It may not be there yet; what is there and no module, Envoy would refuse without a reason.
    fn module(&self) -> io::Result<PathBuf> {
        let path = absolute(&self.wasm)?;
        let mut begin = [0; 4];
        match File::open(&path) {
            Ok(mut file) => match file.read_exact(&mut begin) {
                Ok(()) if begin == *b"\0asm" => Ok(path),
                Ok(()) | Err(_) => Err(io::Error::other(
                    "it is not a WebAssembly module; `cargo xtask build` leaves the filter in target/usher/usher.wasm",
                )),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path),
            Err(error) => Err(error),
        }
    }

    fn additions(&self) -> Result<Additions, Failure> {
        let Some(path) = &self.with else { return Ok(Additions::default()) };
        Additions::read(&text("--with", path, MAX_ADDITIONS)?)
            .map_err(|source| Failure::Additions { path: path.clone(), source })
    }

    fn watched(&self) -> Result<Option<PathBuf>, Failure> {
        let Some(folder) = &self.ecds else { return Ok(None) };
        let made = fs::create_dir_all(folder).and_then(|()| folder.canonicalize());
        made.map(Some).map_err(|source| Failure::Write { path: folder.clone(), source })
    }

    fn store_tls(&self) -> Result<Option<StoreTls>, Failure> {
        let found = |flag: &'static str, path: &Option<PathBuf>| match path {
            Some(path) => path.canonicalize().map(Some).map_err(|source| Failure::file(flag, path, source)),
            None => Ok(None),
        };
        let Some(authorities) = found("--store-ca", &self.store_ca)? else { return Ok(None) };
        let certificate = found("--store-cert", &self.store_cert)?.zip(found("--store-key", &self.store_key)?);
        Ok(Some(StoreTls { authorities: Authorities::File(authorities), certificate }))
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

/// Puts a file in the place of another in one step, as Envoy wants it of what it watches; one that is the same stays.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    if fs::read(path).is_ok_and(|there| there == text.as_bytes()) {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(path);
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    // Envoy may be another user; there is no secret in it.
    file.as_file().set_permissions(Permissions::from_mode(0o644))?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

fn listening(text: &str) -> Result<SocketAddr, String> {
    // Port 0 lets Envoy take a free one.
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let endpoint: Endpoint = text.parse().map_err(|error: EndpointError| error.to_string())?;
    endpoint
        .socket_address()
        .ok_or_else(|| format!("`{}` must be an IP address: Envoy cannot listen on a name", endpoint.host))
}
