//! A real Envoy as a child process.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::http::{Connection, Request, Response, local};
use crate::process::Process;
use crate::{binaries, wait};

/// A running Envoy.
pub struct Envoy {
    process: Process,
    listen: u16,
    admin: u16,
}

impl Envoy {
    /// Starts Envoy with two workers; returns when it is ready.
    ///
    /// # Errors
    /// It ends, or never gets ready.
    pub fn start(folder: &Path, bootstrap: &Path, listen: u16, admin: u16) -> Result<Self> {
        Self::start_with(folder, bootstrap, listen, admin, &[ALONE])
    }

    /// Starts Envoy with two workers, or as many as these arguments say; returns when it is ready.
    ///
    /// # Errors
    /// It ends, or never gets ready.
    pub fn start_with(folder: &Path, bootstrap: &Path, listen: u16, admin: u16, more: &[&str]) -> Result<Self> {
        let mut envoy = Self { process: spawn(folder, bootstrap, more)?, listen, admin };
        wait::until("Envoy is ready", || {
            envoy.process.still_runs()?;
            let answer = Request::new("GET", "admin", "/ready").send(local(admin));
            Ok(answer.is_ok_and(|response| response.status == 200).then_some(()))
        })?;
        Ok(envoy)
    }

    /// Starts an Envoy that shall refuse its configuration, and gives what it says.
    ///
    /// # Errors
    /// It does not end.
    pub fn refusal(folder: &Path, bootstrap: &Path) -> Result<String> {
        let mut process = spawn(folder, bootstrap, &[ALONE])?;
        if process.ends_well()? {
            bail!("Envoy ended as if all was well: {}", process.log());
        }
        Ok(process.log())
    }

    /// Sends a request on a connection of its own: any worker may get it.
    ///
    /// # Errors
    /// No whole response came back.
    pub fn send(&self, request: &Request) -> Result<Response> {
        request.send(self.address())
    }

    /// Opens a connection: one worker serves all its requests.
    ///
    /// # Errors
    /// Envoy does not listen.
    pub fn connect(&self) -> Result<Connection> {
        Connection::open(self.address())
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        local(self.listen)
    }

    /// The port for clients.
    pub fn listen(&self) -> u16 {
        self.listen
    }

    /// The port of the admin interface.
    pub fn admin(&self) -> u16 {
        self.admin
    }

    /// Everything that it said so far: its log and its access log.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// All counters and gauges, as text.
    ///
    /// # Errors
    /// The admin interface does not answer.
    pub fn stats(&self) -> Result<String> {
        let response = Request::new("GET", "admin", "/stats").send(local(self.admin))?;
        Ok(String::from_utf8_lossy(&response.body).into_owned())
    }

    /// One counter or gauge of the filter's; 0 while there is none.
    ///
    /// # Errors
    /// The admin interface does not answer.
    pub fn stat(&self, name: &str) -> Result<u64> {
        let stats = self.stats()?;
        let line = |line: &str| line.strip_prefix("wasmcustom.")?.strip_prefix(name)?.strip_prefix(": ")?.parse().ok();
        Ok(stats.lines().find_map(line).unwrap_or(0))
    }

    /// The sum of Envoy's own counters and gauges whose names end like this; 0 while there are none.
    ///
    /// # Errors
    /// The admin interface does not answer.
    pub fn own_stat(&self, ending: &str) -> Result<u64> {
        let stats = self.stats()?;
        let lines = stats.lines().filter_map(|line| line.split_once(": "));
        Ok(lines.filter(|(name, _)| name.ends_with(ending)).filter_map(|(_, value)| value.parse::<u64>().ok()).sum())
    }

    /// How often its threads have waited for something to do so far.
    ///
    /// # Errors
    /// The system does not say.
    pub fn rests(&self) -> Result<u64> {
        self.process.rests()
    }

    /// How much memory it holds, in KiB.
    ///
    /// # Errors
    /// The system does not say.
    pub fn memory(&self) -> Result<u64> {
        self.process.memory()
    }

    /// Asks the admin interface to do something.
    ///
    /// # Errors
    /// It does not.
    pub fn admin_post(&self, path: &str) -> Result<()> {
        let response = Request::new("POST", "admin", path).send(local(self.admin))?;
        match response.status {
            200 => Ok(()),
            status => bail!("POST {path}: {status}: {}", String::from_utf8_lossy(&response.body)),
        }
    }

    /// Waits for its end and tells whether it was a success.
    ///
    /// # Errors
    /// It does not end.
    pub fn ends_well(&mut self) -> Result<bool> {
        self.process.ends_well()
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        self.process.kill();
    }
}

/// The argument of an Envoy that takes over from nobody.
pub(super) const ALONE: &str = "--disable-hot-restart";

/// The argument that says how many workers there are.
pub(super) const WORKERS: &str = "--concurrency";

/// The argument that says what the log shows of each part …
pub(super) const LOG_LEVELS: &str = "--component-log-level";

/// … which are the filter's own words, and of Envoy only what is wrong.
pub(super) const ALL_OF_THE_FILTER: &str = "wasm:info";

fn spawn(folder: &Path, bootstrap: &Path, more: &[&str]) -> Result<Process> {
    let mut command = Command::new(binaries::envoy()?);
    command.arg("--config-path").arg(bootstrap).args(more);
    if !more.contains(&WORKERS) {
        command.args([WORKERS, "2"]);
    }
    if !more.contains(&LOG_LEVELS) {
        command.args([LOG_LEVELS, ALL_OF_THE_FILTER]);
    }
    command.args(["--log-level", "warning"]).env("USHER_STORE_TOKEN", super::store::STORE_TOKEN);
    Process::start("Envoy", command, folder.join("envoy.log"))
}
