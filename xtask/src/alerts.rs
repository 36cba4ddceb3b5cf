//! `cargo xtask alerts`: the alert rules, and the configuration that the guide shows for them, checked and tried by Prometheus' own promtool.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{paths, shell};

const INSTALL: &str = "`apt install prometheus`, or name a promtool in $PROMTOOL";

/// Checks the rules, plays their tests, and checks the guide's configuration with them; whatever promtool finds is an error.
pub(crate) fn check() -> Result<()> {
    let promtool = promtool()?;
    let root = paths::root()?;
    let folder = root.join("envoy-config").join("observability");
    for (verb, file) in [("check", "alerts.yaml"), ("test", "alerts.test.yaml")] {
        let mut command = Command::new(&promtool);
        shell::run(command.args([verb, "rules", file]).current_dir(&folder), INSTALL)?;
    }
    let guide = std::fs::read_to_string(root.join("docs").join("guides").join("seeing.md"))?;
    let shown = guide.split_once("```yaml\n").and_then(|(_, rest)| rest.split_once("\n```"));
    let (configuration, _) = shown.context("docs/guides/seeing.md shows no configuration")?;
    let machine = tempfile::tempdir()?;
    std::fs::write(machine.path().join("prometheus.yml"), configuration)?;
    std::fs::copy(folder.join("alerts.yaml"), machine.path().join("alerts.yaml"))?;
    let mut command = Command::new(&promtool);
    shell::run(command.args(["check", "config", "prometheus.yml"]).current_dir(&machine), INSTALL)
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
