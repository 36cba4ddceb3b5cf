//! Running an image without a container engine: its user, its entry point, its root for reading only.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::read::Image;
use crate::paths;

/// How long is waited for readiness before it counts as none …
const PATIENCE: Duration = Duration::from_secs(60);

/// … and of a program for another processor, each of whose instructions is many.
const PATIENCE_EMULATED: Duration = Duration::from_secs(180);

/// Where an emulator is mounted.
const EMULATOR: &str = "emulator";

/// Makes the root read-only but for what is mounted into it (`FROM=TO` …), says so by a line, then runs what is behind `--`.
const MOUNT: &str = r#"set -eu
root=$1; shift
mount --bind "$root" "$root"
while [ "$1" != -- ]; do mount --rbind "${1%%=*}" "$root/${1#*=}"; shift; done
shift
mount -o remount,bind,ro "$root"
echo
exec "$@" >/dev/null
"#;

/// What an image is lent by this machine.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lent<'m> {
    /// Folders that a program needs that is not static.
    pub(crate) libraries: &'m [&'m Path],
    /// What runs programs for another processor: a static program itself.
    pub(crate) emulator: Option<&'m Path>,
}

/// How long the image's store took from its start to `/readyz`, with SQLite. What it waited for a processor that others had is
/// not its own time.
pub(crate) fn ready_after(image: &Image, lent: &Lent<'_>) -> Result<Duration> {
    // Not in /tmp: what is mounted without devices there could not be mounted anew.
    let folder = tempfile::tempdir_in(paths::output()?)?;
    let (root, data) = (folder.path().join("root"), folder.path().join("data"));
    image.unpack(&root)?;
    // A container engine makes the places of mounts too.
    let policy = paths::root()?.join("envoy-config").join("envoy");
    let mut mounts = vec![format!("{}=data", data.display()), format!("{}=policy", policy.display())];
    for place in [&data, &root.join("data"), &root.join("policy")] {
        std::fs::create_dir_all(place)?;
    }
    for library in lent.libraries.iter().filter(|library| library.is_dir()) {
        let place = library.strip_prefix("/")?;
        std::fs::create_dir_all(root.join(place))?;
        mounts.push(format!("{}={}", library.display(), place.display()));
    }
    if let Some(emulator) = lent.emulator {
        std::fs::write(root.join(EMULATOR), "")?;
        mounts.push(format!("{}={EMULATOR}", emulator.display()));
    }
    let user = image.config.pointer("/config/User").and_then(Value::as_str).context("a user")?;
    let (id, group) = user.split_once(':').context("a user and a group")?;
    ensure!(id != "0" && group != "0", "the image runs as root");
    let entry = image.config.pointer("/config/Entrypoint").and_then(Value::as_array).context("an entry point")?;

    let is_root = folder.path().metadata()?.uid() == 0;
    let mut command = Command::new("unshare");
    command.args(if is_root { &["--mount"][..] } else { &["--user", "--map-root-user", "--mount"] });
    command.args(["sh", "-c", MOUNT, "sh"]).arg(&root).args(mounts).arg("--");
    if is_root {
        chown(&data, Some(id.parse()?), Some(group.parse()?))?;
        command.args(["chroot", &format!("--userspec={user}"), &format!("--groups={group}")]).arg(&root);
    } else {
        command.args(["unshare", "--user", &format!("--map-user={id}"), &format!("--map-group={group}"), "--root"]);
        command.arg(&root);
    }
    let address = free_address()?;
    command
        .args(lent.emulator.map(|_| format!("/{EMULATOR}")))
        .args(entry.iter().filter_map(Value::as_str))
        .arg("store");
    command.args(["--policy", "/policy/usher.yaml", "--database", "sqlite:///data/usher.db", "--listen"]);
    command.arg(address.to_string()).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("USHER_STORE_TOKEN", "a-token-of-the-filter-for-a-trial");
    command.env("USHER_ADMIN_TOKEN", "a-token-of-administrators-for-a-trial");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut running = Running(command.spawn().context("`unshare` is not there: `apt install util-linux`")?);
    let said = running.0.stdout.take().context("what it says")?;
    BufReader::new(said).read_line(&mut String::new())?;
    running.until_ready(address, &root, lent.emulator.is_some())
}

/// A program that ends with what it was started for.
struct Running(Child);

impl Running {
    fn until_ready(mut self, address: SocketAddr, root: &Path, is_emulated: bool) -> Result<Duration> {
        let (name, patience) = if is_emulated { (EMULATOR, PATIENCE_EMULATED) } else { ("usher", PATIENCE) };
        let (begin, waited) = (Instant::now(), self.waited());
        loop {
            if let Some(status) = self.0.try_wait()? {
                bail!("the image's store ended: {status}");
            }
            if is_ready(address) {
                let took = begin.elapsed().saturating_sub(self.waited().saturating_sub(waited));
                self.is_confined(root, name)?;
                return Ok(took);
            }
            ensure!(begin.elapsed() < patience, "the image's store is not ready after {patience:?}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// How long its threads, and this one, have waited for a processor so far; nothing where the system does not say.
    fn waited(&self) -> Duration {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.0.id())).into_iter().flatten().flatten();
        let all = threads.map(|thread| thread.path()).chain([PathBuf::from("/proc/thread-self")]);
        let waited = |thread: PathBuf| -> Option<u64> {
            let told = std::fs::read_to_string(thread.join("schedstat")).ok()?;
            told.split_whitespace().nth(1)?.parse().ok()
        };
        Duration::from_nanos(all.filter_map(waited).sum())
    }

    /// Whether it is who it should be, with a root that nobody can write to. Every program before it has become it (`exec`).
    fn is_confined(&self, root: &Path, name: &str) -> Result<()> {
        let told = |name: &str| std::fs::read_to_string(format!("/proc/{}/{name}", self.0.id()));
        let status = told("status")?;
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        ensure!(field("Name:") == Some(name), "not {name}: {status}");
        ensure!(field("CapEff:") == Some("0000000000000000"), "it may do more than others: {status}");
        let mounts = told("mountinfo")?;
        let root = root.canonicalize()?.display().to_string();
        let is_root = |line: &&str| matches!(line.split(' ').nth(4), Some(place) if place == "/" || place == root);
        let options = mounts.lines().filter(is_root).filter_map(|line| line.split(' ').nth(5)).next_back();
        let options = options.with_context(|| format!("no root in {mounts}"))?;
        ensure!(options.split(',').any(|option| option == "ro"), "its root can be written to: {mounts}");
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already, which is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

fn is_ready(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: store\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.starts_with("HTTP/1.1 200 "))
    };
    ask().unwrap_or(false)
}
