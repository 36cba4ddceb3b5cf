//! The whole system on this machine: real Envoy, real store, an upstream that tells what it saw, a key server.

mod beginning;
pub(crate) mod directory;
pub mod envoy;
pub mod reload;
pub mod store;
pub mod upstream;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

use self::envoy::Envoy;
use self::store::Store;
use crate::http::{Request, Response, local};
use crate::server::{Fault, Server};
use crate::{binaries, port};
use usher_policy::Policy;
use usher_scenario::cast::Memberships;
use usher_scenario::token::KeyRing;
use usher_scenario::{policy, read};

/// Everything that runs, and the folder in which it leaves its files; all gone when dropped.
pub struct System {
    /// Envoy with the filter.
    pub envoy: Envoy,
    /// The membership store.
    pub store: Store,
    /// What stands between Envoy and the store, and can misbehave.
    pub store_gate: Server,
    /// The key server of connections with `jwks: {remote: {…}}`.
    pub key_server: Server,
    /// What the key server serves when it is well.
    pub keys: Arc<Mutex<KeyRing>>,
    /// The product behind Envoy.
    pub upstream: Server,
    /// The policy, with its keys.
    pub policy: Value,
    /// The same, finished.
    pub finished: Policy,
    store_address: Arc<Mutex<std::net::SocketAddr>>,
    flags: Vec<(&'static str, String)>,
    folder: TempDir,
    stores: u32,
}

/// What is other than usual in a system.
#[derive(Debug, Default)]
pub struct Setup {
    /// Another filter.
    pub filter: Option<PathBuf>,
    /// Another product behind Envoy than the one that tells what it saw.
    pub product: Option<std::net::SocketAddr>,
    /// Trusted authorities of key servers, PEM.
    pub authorities: Option<PathBuf>,
    /// How the key server misbehaves from the beginning, if it does.
    pub key_fault: Option<Fault>,
    /// What `--with` adds to the bootstrap: the text of such a file.
    pub with: Option<String>,
    /// Whether filter and clusters are in a folder that Envoy watches.
    pub watched: bool,
    /// Where the store sends its traces.
    pub collector: Option<std::net::SocketAddr>,
    /// How many workers Envoy has; two, where nothing is said.
    pub workers: Option<u8>,
    /// What Envoy's log shows from the beginning, by its parts; of the filter everything, where nothing is said.
    pub log_levels: Option<&'static str>,
    /// Changes the bootstrap before Envoy reads it.
    pub edit_bootstrap: Option<fn(&str) -> Result<String>>,
}

impl System {
    /// Starts everything under a policy; returns when requests are served.
    ///
    /// # Errors
    /// Something does not start.
    pub fn start(policy: &Value) -> Result<Self> {
        Self::start_with(policy, &Setup::default())
    }

    /// Starts everything, some of it other than usual.
    ///
    /// # Errors
    /// Something does not start.
    pub fn start_with(policy: &Value, setup: &Setup) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let upstream = upstream::start()?;
        let keys = Arc::new(Mutex::new(KeyRing::Main));
        let key_server = key_server(&keys)?;
        key_server.fault(setup.key_fault.clone());
        let policy = patient(policy::fill_in_keys(policy, Some(key_server.address()))?)?;
        let finished = usher_policy_file::from_json(policy.to_string().as_bytes())
            .map_err(|faults| anyhow!("the policy has faults: {faults:#?}"))?;
        let policy_file = folder.path().join("usher.yaml");
        std::fs::write(&policy_file, serde_json::to_vec_pretty(&policy)?)?;

        let store = match setup.collector {
            Some(collector) => Store::start_traced(folder.path(), &policy_file, 0, collector)?,
            None => Store::start(folder.path(), &policy_file, 0)?,
        };
        let store_address = Arc::new(Mutex::new(store.address()));
        let store_gate = gate(&store_address)?;
        let filter = setup.filter.clone().map_or_else(binaries::filter, Ok)?;
        let (listen, admin) = (port::free()?, port::free()?);
        let mut flags = vec![
            ("--listen", local(listen).to_string()),
            ("--admin", local(admin).to_string()),
            ("--upstream", setup.product.unwrap_or(upstream.address()).to_string()),
            ("--store", store_gate.address().to_string()),
            ("--wasm", filter.display().to_string()),
        ];
        flags.extend(setup.authorities.iter().map(|file| ("--ca", file.display().to_string())));
        if let Some(additions) = &setup.with {
            let file = folder.path().join("with.yaml");
            std::fs::write(&file, additions)?;
            flags.push(("--with", file.display().to_string()));
        }
        if setup.watched {
            flags.push(("--ecds", folder.path().join("watched").display().to_string()));
        }
        let bootstrap = render(&policy_file, &flags)?;
        let bootstrap = setup.edit_bootstrap.map_or(Ok(bootstrap.clone()), |edit| edit(&bootstrap))?;
        let bootstrap_file = folder.path().join("envoy.yaml");
        std::fs::write(&bootstrap_file, bootstrap)?;
        let workers = setup.workers.unwrap_or(2).to_string();
        let levels = setup.log_levels.unwrap_or(envoy::ALL_OF_THE_FILTER);
        let arguments = [envoy::ALONE, envoy::WORKERS, &workers, envoy::LOG_LEVELS, levels];
        let envoy = Envoy::start_with(folder.path(), &bootstrap_file, listen, admin, &arguments)?;
        Ok(Self {
            envoy,
            store,
            store_gate,
            key_server,
            keys,
            upstream,
            policy,
            finished,
            store_address,
            flags,
            folder,
            stores: 1,
        })
    }

    /// Puts another policy in force: the file is written and rendered again, and store and Envoy see to it themselves.
    ///
    /// # Errors
    /// The policy has faults.
    pub fn change_policy(&mut self, policy: &Value) -> Result<String> {
        let policy = patient(policy::fill_in_keys(policy, Some(self.key_server.address()))?)?;
        let file = self.folder.path().join("usher.yaml");
        std::fs::write(&file, serde_json::to_vec_pretty(&policy)?)?;
        self.policy = policy;
        render(&file, &self.flags)
    }

    /// Puts a new store, in which nobody is a member, in the place of the old one. Envoy goes on as it is.
    ///
    /// # Errors
    /// It does not start.
    pub(crate) fn new_store(&mut self) -> Result<()> {
        let store = Store::start(self.folder.path(), &self.folder.path().join("usher.yaml"), self.stores)?;
        self.stores += 1;
        self.put_in_place(store);
        Ok(())
    }

    /// Puts people in their places, in a store in which nobody is a member yet.
    ///
    /// # Errors
    /// They do not fit.
    pub(crate) fn fill_store(&self, memberships: &Memberships) -> Result<()> {
        let database = self.folder.path().join(format!("usher-{}.db", self.stores - 1));
        beginning::fill(&database, memberships, &self.finished)
    }

    /// Kills the store and starts it again on the same database.
    ///
    /// # Errors
    /// It does not start.
    pub fn restart_store(&mut self) -> Result<()> {
        self.store.kill();
        let store = Store::start(self.folder.path(), &self.folder.path().join("usher.yaml"), self.stores - 1)?;
        self.put_in_place(store);
        Ok(())
    }

    /// Kills Envoy and starts it again with the same bootstrap.
    ///
    /// # Errors
    /// It does not start.
    pub fn restart_envoy(&mut self) -> Result<()> {
        self.envoy.kill();
        self.succeed_envoy(&[envoy::ALONE]).map(drop)
    }

    /// Starts another Envoy in the place of the one that was, with the same bootstrap and these arguments; gives that one.
    ///
    /// # Errors
    /// It does not start.
    pub fn succeed_envoy(&mut self, arguments: &[&str]) -> Result<Envoy> {
        let bootstrap = self.folder.path().join("envoy.yaml");
        let (listen, admin) = (self.envoy.listen(), self.envoy.admin());
        let next = Envoy::start_with(self.folder.path(), &bootstrap, listen, admin, arguments)?;
        Ok(std::mem::replace(&mut self.envoy, next))
    }

    /// How often the filter has asked the store about a login, or about a session.
    pub fn logins(&self) -> usize {
        self.store_gate.requests().iter().filter(|request| request.target.ends_with(b"/logins")).count()
    }

    /// How often the filter has asked the store what changed.
    pub fn polls(&self) -> usize {
        self.store_gate.requests().iter().filter(|request| request.target.starts_with(b"/v1/changes")).count()
    }

    /// Stops the store where it is.
    pub fn stop_store(&mut self) {
        self.store.kill();
    }

    /// The files of the store's database: all of it, while the store is stopped.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn database_files(&self) -> Result<Vec<PathBuf>> {
        let name = format!("usher-{}.db", self.stores - 1);
        let entries = std::fs::read_dir(self.folder.path())?;
        let files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
        let is_ours = |file: &PathBuf| file.file_name().is_some_and(|own| own.to_string_lossy().starts_with(&name));
        Ok(files.into_iter().filter(is_ours).collect())
    }

    /// Starts a second Envoy with the same bootstrap, on other ports and in a folder of its own.
    ///
    /// # Errors
    /// It does not start.
    pub fn another_envoy(&self) -> Result<Envoy> {
        let folder = self.folder.path().join("another");
        std::fs::create_dir_all(&folder)?;
        let (listen, admin) = (port::free()?, port::free()?);
        let mut bootstrap = std::fs::read_to_string(self.folder.path().join("envoy.yaml"))?;
        for (old, new) in [(self.envoy.listen(), listen), (self.envoy.admin(), admin)] {
            bootstrap = bootstrap.replace(&old.to_string(), &new.to_string());
        }
        let file = folder.join("envoy.yaml");
        std::fs::write(&file, bootstrap)?;
        Envoy::start(&folder, &file, listen, admin)
    }

    /// The folder in which everything leaves its files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn put_in_place(&mut self, store: Store) {
        *self.store_address.lock().unwrap_or_else(PoisonError::into_inner) = store.address();
        self.store = store;
    }
}

/// `usher render envoy` of a policy file: a bootstrap.
///
/// # Errors
/// It refuses.
pub fn render(policy: &Path, flags: &[(&str, String)]) -> Result<String> {
    let mut command = Command::new(binaries::usher()?);
    command.args(["render", "envoy"]).arg(policy);
    for (flag, value) in flags {
        command.args([*flag, value.as_str()]);
    }
    let output = command.output()?;
    if !output.status.success() {
        bail!("usher render envoy: {}", String::from_utf8_lossy(&output.stderr));
    }
    String::from_utf8(output.stdout).context("a bootstrap is UTF-8")
}

/// The same policy, whose store may take longer than the usual half second where it does not say how long: on a busy machine
/// it does.
fn patient(mut policy: Value) -> Result<Value> {
    if policy.pointer("/store/timeout").is_none() {
        read::changes("options: {store: {timeout: 10s}}")?.apply(&mut policy)?;
    }
    Ok(policy)
}

fn key_server(keys: &Arc<Mutex<KeyRing>>) -> Result<Server> {
    let keys = Arc::clone(keys);
    Server::start(move |_| {
        let ring = *keys.lock().unwrap_or_else(PoisonError::into_inner);
        match ring.jwks() {
            Ok(jwks) => Response::json(200, &jwks),
            Err(_) => Response::json(500, &json!({})),
        }
    })
}

/// Hands every request on to wherever the store is now.
fn gate(store: &Arc<Mutex<std::net::SocketAddr>>) -> Result<Server> {
    let store = Arc::clone(store);
    Server::start(move |request: &Request| {
        let address = *store.lock().unwrap_or_else(PoisonError::into_inner);
        let mut request = request.clone();
        // The client frames the body anew.
        let framing: [&[u8]; 2] = [b"content-length", b"transfer-encoding"];
        request.headers.retain(|(name, _)| !framing.iter().any(|known| name.eq_ignore_ascii_case(known)));
        match request.send(address) {
            Ok(mut response) => {
                response.headers.retain(|(name, _)| !framing.contains(&name.as_bytes()));
                response
            }
            Err(_) => Response::json(502, &json!({})),
        }
    })
}
