//! The published schemas of the Kubernetes kinds that usher renders, and of its dashboard: npm packages, checked with Node.js.

use std::path::Path;

use anyhow::{Context, Result};

use crate::node::{self, Node};
use crate::{paths, shell};

/// What names the packages, and what checks by them.
const FILES: [&str; 7] = [
    "package.json",
    "package-lock.json",
    "types.mjs",
    "check.mjs",
    "envoy-gateway.d.ts",
    "dashboard.mjs",
    "dashboard.d.ts",
];

/// Installs them as `target/kinds`, where the tests look for them.
pub(crate) fn ready() -> Result<()> {
    let (from, to) = (paths::root()?.join("tests").join("kinds"), paths::root()?.join("target").join("kinds"));
    let locked = |folder: &Path| std::fs::read(folder.join("package-lock.json")).ok();
    let installed = to.join("node_modules").join(".package-lock.json").is_file();
    let current = installed && locked(&to) == locked(&from);
    std::fs::create_dir_all(&to).with_context(|| format!("cannot make {}", to.display()))?;
    for name in FILES {
        std::fs::copy(from.join(name), to.join(name)).with_context(|| format!("cannot copy {name}"))?;
    }
    if current {
        return Ok(());
    }
    let mut npm = Node::ready()?.npm();
    shell::progress("getting the schemas of Istio, the Gateway API and Grafana");
    let arguments = ["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"];
    shell::run(npm.args(arguments).current_dir(&to), node::INSTALL)
        .context("npm could not install what tests/kinds/package-lock.json names")
}
