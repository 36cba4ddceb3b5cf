//! `cargo xtask alerts`: the alert rules, checked and tried by Prometheus' own promtool.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{paths, shell};

const INSTALL: &str = "`apt install prometheus`, or name a promtool in $PROMTOOL";

/// Checks the rules and plays their tests; whatever promtool finds is an error.
pub(crate) fn check() -> Result<()> {
    let promtool = promtool()?;
    let folder = paths::root()?.join("envoy-config").join("observability");
    for (verb, file) in [("check", "alerts.yaml"), ("test", "alerts.test.yaml")] {
        let mut command = Command::new(&promtool);
        shell::run(command.args([verb, "rules", file]).current_dir(&folder), INSTALL)?;
    }
    Ok(())
}

/// `$PROMTOOL`, that of `PATH`, else the one in Debian's package, taken out of it without installing anything.
fn promtool() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("PROMTOOL").filter(|named| !named.is_empty()) {
        return Ok(named.into());
    }
    let runs = |promtool: &Path| Command::new(promtool).arg("--version").output().is_ok_and(|out| out.status.success());
    let unpacked = paths::cargo_target()?.join("promtool");
    let place = unpacked.join("usr").join("bin").join("promtool");
    if let Some(found) = [PathBuf::from("promtool"), place.clone()].into_iter().find(|promtool| runs(promtool)) {
        return Ok(found);
    }
    shell::progress("fetching promtool: Debian's package `prometheus`, about 19 MB");
    std::fs::create_dir_all(&unpacked).with_context(|| format!("cannot make {}", unpacked.display()))?;
    let apt = |arguments: &[&str]| {
        shell::run(Command::new("apt-get").args(arguments).current_dir(&unpacked), INSTALL)
            .with_context(|| format!("promtool could not be fetched: {INSTALL}"))
    };
    // A new machine knows of no packages yet.
    apt(&["download", "--quiet", "prometheus"])
        .or_else(|_| apt(&["update", "--quiet"]).and_then(|()| apt(&["download", "--quiet", "prometheus"])))?;
    let packages = std::fs::read_dir(&unpacked)?.collect::<Result<Vec<_>, _>>()?;
    let package =
        packages.iter().map(std::fs::DirEntry::path).find(|path| path.extension().is_some_and(|end| end == "deb"));
    let package = package.context("apt-get downloaded nothing")?;
    shell::run(Command::new("dpkg").arg("--extract").arg(package).arg(&unpacked), INSTALL)?;
    if !runs(&place) {
        bail!("the fetched promtool does not run here: {INSTALL}");
    }
    Ok(place)
}
