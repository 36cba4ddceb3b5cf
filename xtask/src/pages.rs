//! `cargo xtask pages` and `pictures`: every denial page looked at with Chromium and axe-core, and what the README shows of it.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::node::{self, Node};
use crate::{build, envoy, paths, shell};

/// What is installed from npm; no package of them runs anything when it is installed.
const PACKAGES: [&str; 2] = ["axe-core@4.14.1", "chrome-remote-interface@0.34.0"];

/// What a Chromium may be called.
const BROWSERS: [&str; 4] = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"];

const INSTALL_RUST: &str = "install Rust with rustup";
const INSTALL_CHROMIUM: &str = "`apt install chromium-headless-shell`, or name a Chromium in $CHROMIUM";

/// Writes the pages and looks at each; anything that is found is an error.
pub(crate) fn look() -> Result<()> {
    // What may be missing on this machine is told before minutes of compiling.
    let browser = browser()?;
    let modules = modules()?;
    let folder = paths::cargo_target()?.join("pages");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    shell::progress("writing the pages");
    let mut write = shell::cargo()?;
    write.args(["test", "--quiet", "--package", "usher-filter", "--lib", "pages_on_disk"]);
    shell::run(write.env("USHER_WRITE_PAGES", &folder), INSTALL_RUST)?;
    shell::progress(&format!("looking at them with {}", browser.display()));
    shell::run(script("pages.mjs")?.arg(browser).arg(modules).arg(folder), node::INSTALL)
}

/// Runs the demo and takes the pictures of the README, into `docs/images/`.
pub(crate) fn take_pictures() -> Result<()> {
    let browser = browser()?;
    let modules = modules()?;
    let envoy = envoy::ready()?;
    build::all()?;
    let (built, images) = (paths::output()?, paths::root()?.join("docs").join("images"));
    shell::progress(&format!("taking pictures into {}", images.display()));
    let mut node = script("pictures.mjs")?;
    node.arg(browser).arg(modules).arg(built.join("usher")).arg(envoy).arg(built.join("usher.wasm")).arg(images);
    shell::run(&mut node, node::INSTALL)
}

fn script(script: &str) -> Result<Command> {
    let mut node = Node::ready()?.command();
    node.arg(paths::root()?.join("xtask").join("src").join(script));
    Ok(node)
}

/// The folder in which npm has put the packages.
fn modules() -> Result<PathBuf> {
    shell::progress("getting axe-core and chrome-remote-interface");
    let modules = paths::cargo_target()?.join("pages-npm");
    let mut npm = Node::ready()?.npm();
    npm.args(["install", "--silent", "--no-fund", "--no-audit", "--ignore-scripts", "--prefix"]).arg(&modules);
    shell::run(npm.args(PACKAGES), node::INSTALL)?;
    Ok(modules)
}

fn browser() -> Result<PathBuf> {
    if let Some(named) = env::var_os("CHROMIUM").filter(|named| !named.is_empty()) {
        return Ok(named.into());
    }
    let folders = env::var_os("PATH").unwrap_or_default();
    let candidates = BROWSERS.iter().flat_map(|name| env::split_paths(&folders).map(move |folder| folder.join(name)));
    match candidates.into_iter().find(|candidate| candidate.is_file()) {
        Some(found) => Ok(found),
        None => bail!("there is no Chromium: {INSTALL_CHROMIUM}"),
    }
}
