//! A real store on a real socket, and those who call it.

use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tempfile::TempDir;
use usher_tests::http::{Connection, Request, local};
use usher_tests::process::Process;
use usher_tests::{binaries, port, wait};

use super::databases::Database;
use super::report::Cost;
use crate::cpu;

/// How long it is asked again, and the pause before that.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(250);

pub(super) const ADMIN: &str = "admin-token-of-the-benchmark";
pub(super) const FILTER: &str = "store-token-of-the-benchmark";
pub(super) const SCIM: &str = "scim-token-of-the-benchmark";

/// `staff` takes everyone of the directory, `mapped` those of some groups, `doors` who logs in.
const POLICY: &str = r"
version: 1
parents:
- id: acme
  plan: enterprise
  domains: [acme.example]
  connections:
  - {id: okta, issuer: https://acme.okta.example, audiences: [usher], jwks: {uri: https://acme.okta.example/keys, cluster: okta}}
  directory: {scim: true, token_env: ACME_SCIM_TOKEN}
  organizations:
  - {id: staff, product: claude, hosts: [staff.acme.example], provisioning: {mode: scim}, seats: {caps: {premium: 500, standard: 1000000}}}
  - id: mapped
    product: claude
    hosts: [mapped.acme.example]
    provisioning:
      mode: scim
      group_mappings: {roles: [{group: group-1, role: admin}, {group: group-2, role: user}, {group: group-3, role: user}]}
  - {id: doors, product: claude, hosts: [doors.acme.example], provisioning: {mode: jit}, seats: {caps: {premium: 500, standard: 1000000}}}
";

/// A running store.
pub(super) struct Server<'a> {
    database: &'a Database,
    process: Process,
    address: SocketAddr,
    _folder: TempDir,
}

impl<'a> Server<'a> {
    /// Starts one; returns when it is ready.
    pub(super) fn start(database: &'a Database) -> Result<Self> {
        let folder = TempDir::new()?;
        let policy = folder.path().join("usher.yaml");
        std::fs::write(&policy, POLICY)?;
        let address = local(port::free()?);
        let mut command = Command::new(binaries::usher()?);
        let listen = address.to_string();
        command.args(["store", "--database", &database.address(), "--listen", &listen, "--policy"]).arg(policy);
        command.env("USHER_STORE_TOKEN", FILTER).env("USHER_ADMIN_TOKEN", ADMIN).env("ACME_SCIM_TOKEN", SCIM);
        let mut process = Process::start("the store", command, folder.path().join("store.log"))?;
        wait::until("the store is ready", || {
            process.still_runs()?;
            let answer = Request::new("GET", "store", "/readyz").send(address);
            Ok(answer.is_ok_and(|response| response.status == 200).then_some(()))
        })?;
        Ok(Self { database, process, address, _folder: folder })
    }

    /// One who calls, on a connection of their own.
    pub(super) fn client(&self, token: &'static str) -> Result<Client> {
        Ok(Client { connection: Connection::open(self.address)?, token })
    }

    /// What something costs: by the clock, and by what the store and its database used of the processors.
    pub(super) fn cost<T>(&self, of: impl FnOnce() -> Result<T>) -> Result<(T, Cost)> {
        let (began, cpu) = (Instant::now(), self.used()?);
        let done = of()?;
        Ok((done, Cost { wall: began.elapsed(), cpu: self.used()?.saturating_sub(cpu) }))
    }

    /// The same of one of many.
    pub(super) fn cost_of_one<T>(&self, many: u32, of: impl FnOnce() -> Result<T>) -> Result<(T, Cost)> {
        let (done, Cost { wall, cpu }) = self.cost(of)?;
        Ok((done, Cost { wall: wall / many, cpu: cpu / many }))
    }

    fn used(&self) -> Result<Duration> {
        Ok(cpu::used(self.process.id())? + self.database.used())
    }
}

/// One who calls the store.
pub(super) struct Client {
    connection: Connection,
    token: &'static str,
}

impl Client {
    /// Sends a request and expects this status. As a provider does, it comes again where the database had no time.
    pub(super) fn call(&mut self, method: &str, path: &str, body: Option<&Value>, status: u16) -> Result<Value> {
        let mut request = Request::new(method, "store", path).bearer(self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let mut response = self.connection.send(&request)?;
        let began = Instant::now();
        while response.status == 503 && began.elapsed() < PATIENCE {
            std::thread::sleep(PAUSE);
            response = self.connection.send(&request)?;
        }
        if response.status != status {
            let body = String::from_utf8_lossy(&response.body);
            bail!("{method} {path}: {} instead of {status}: {body}", response.status);
        }
        if response.body.is_empty() { Ok(Value::Null) } else { response.body_json() }
    }

    pub(super) fn get(&mut self, path: &str) -> Result<Value> {
        self.call("GET", path, None, 200)
    }
}

/// A text of an answer.
pub(super) fn text(answer: &Value, field: &str) -> Result<String> {
    let found = answer.get(field).and_then(Value::as_str);
    Ok(found.with_context(|| format!("an answer without `{field}`: {answer}"))?.to_owned())
}

/// How many entries the list of an answer has.
pub(super) fn length(answer: &Value, field: &str) -> usize {
    answer.get(field).and_then(Value::as_array).map_or(0, Vec::len)
}
