//! Envoy as a child process: found, started, waited for, and never left behind.

use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use tokio::time::{Instant, sleep};

/// Longest wait for Envoy to be ready: a busy machine compiles the filter slowly.
const START_LIMIT: Duration = Duration::from_secs(60);
/// Time between two looks.
const POLL: Duration = Duration::from_millis(50);
/// How much of its log is shown when it fails, in lines.
const TAIL: usize = 20;

/// A running Envoy; killed when dropped.
pub(super) struct Envoy {
    child: Child,
    log: PathBuf,
}

impl Envoy {
    /// Starts it; its log and its access log go to files in `folder`. `secret` is an environment variable for the filter.
    pub(super) fn start(binary: &Path, bootstrap: &Path, folder: &Path, secret: (&str, &str)) -> anyhow::Result<Self> {
        let log = folder.join("envoy.log");
        let access_log = folder.join("access.log");
        let child = Command::new(binary)
            .arg("-c")
            .arg(bootstrap)
            // Several demos may run beside each other.
            .args(["--disable-hot-restart", "--concurrency", "2", "--log-level", "warning"])
            .args(["--component-log-level", "wasm:info", "--file-flush-interval-msec", "200"])
            .env(secret.0, secret.1)
            .stdin(Stdio::null())
            // A Ctrl-C in the terminal is for the demo, which ends Envoy itself.
            .process_group(0)
            .stdout(File::create(&access_log).with_context(|| format!("cannot write {}", access_log.display()))?)
            .stderr(File::create(&log).with_context(|| format!("cannot write {}", log.display()))?)
            .spawn()
            .with_context(|| format!("cannot start Envoy ({})", binary.display()))?;
        Ok(Self { child, log })
    }

    /// Waits until it has its configuration and listens.
    pub(super) async fn ready(&mut self, admin: SocketAddr) -> anyhow::Result<()> {
        let deadline = Instant::now() + START_LIMIT;
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("Envoy ended with {status} while it started; the end of its log:\n{}", self.tail());
            }
            if answers(admin).await {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("Envoy was not ready within {} s; the end of its log:\n{}", START_LIMIT.as_secs(), self.tail());
            }
            sleep(POLL).await;
        }
    }

    /// Waits until it ends by itself, which it should not.
    pub(super) async fn end(&mut self) -> anyhow::Error {
        loop {
            match self.child.try_wait() {
                Ok(None) => sleep(POLL).await,
                Ok(Some(status)) => return anyhow!("Envoy ended with {status}; the end of its log:\n{}", self.tail()),
                Err(error) => return anyhow::Error::new(error).context("Envoy cannot be watched"),
            }
        }
    }

    /// The last lines of its log.
    fn tail(&self) -> String {
        let text = std::fs::read(&self.log).map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines.get(lines.len().saturating_sub(TAIL)..).unwrap_or_default().join("\n")
    }
}

impl Drop for Envoy {
    /// Whatever ends the demo ends Envoy, and waits until it is gone.
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Finds the binary: the one that was named, else in `PATH`, else next to this command.
pub(super) fn find(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(named) = named {
        return named.canonicalize().with_context(|| format!("{}: there is no Envoy", named.display()));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(next_to_this());
    folders.map(|folder| folder.join("envoy")).find(|file| file.is_file()).context(
        "Envoy was not found in PATH or next to usher: name it with `--envoy FILE` or ENVOY, or run `cargo xtask demo`, which fetches it",
    )
}

/// The folder of this command.
pub(super) fn next_to_this() -> Option<PathBuf> {
    std::env::current_exe().ok()?.parent().map(Path::to_owned)
}

async fn answers(admin: SocketAddr) -> bool {
    let ask = move || {
        let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(2))).proxy(None).build();
        config.new_agent().get(format!("http://{admin}/ready")).call().is_ok_and(|answer| answer.status() == 200)
    };
    tokio::task::spawn_blocking(ask).await.unwrap_or(false)
}
