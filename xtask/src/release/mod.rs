//! `cargo xtask release`: everything that is shipped, in one folder with checksums.

mod binary;
mod compiler;
mod licences;
mod platform;
mod sums;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::archive::{self, File};
use crate::oci::{self, Layout, Lent, Release};
use crate::{build, paths, shell, supply};
use platform::Platform;

/// The image must be ready before this, on this machine's own processor.
const READY: Duration = Duration::from_secs(1);

/// It is started so often before it counts as slow.
const TRIES: u32 = 5;

/// What is copied as it is: from, to.
const COPIED: [(&str, &str); 4] = [
    ("envoy-config/kubernetes", "kubernetes"),
    ("envoy-config/observability/dashboard.json", "dashboard.json"),
    ("envoy-config/observability/alerts.yaml", "alerts.yaml"),
    ("LICENSE", "LICENSE"),
];

/// Builds, tries and leaves all of it in `target/release-VERSION/`, for this machine's platform and those that arguments name.
pub(crate) fn make(arguments: &[String]) -> Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    let release = Release { version: version.to_owned(), revision: revision()?, time: time()? };
    // What may be missing on this machine is told before minutes of compiling.
    let mut ready = Vec::new();
    for platform in platform::chosen(arguments)? {
        ready.push((platform, platform.emulator()?, compiler::ready(platform)?));
    }
    let (mut built, mut emulators) = (Vec::new(), Vec::new());
    for (platform, emulator, compiler) in ready {
        built.push((platform, std::fs::read(binary::build(platform, compiler)?)?));
        emulators.push((platform, emulator));
    }
    ensure!(build::filter()?, "the filter that is shipped is one that wasm-opt made smaller, and it could not be had");
    let filter = std::fs::read(paths::output()?.join("usher.wasm"))?;
    supply::sbom()?;

    let root = paths::root()?;
    let folder = root.join("target").join(format!("release-{version}"));
    let half = folder.with_extension("new");
    for old in [&half, &folder] {
        if old.exists() {
            std::fs::remove_dir_all(old).with_context(|| format!("cannot clear {}", old.display()))?;
        }
    }
    std::fs::create_dir_all(&half).with_context(|| format!("cannot make {}", half.display()))?;
    let licence = std::fs::read_to_string(root.join("LICENSE"))?;
    let third_party = licences::all()?;

    let mut images = Vec::new();
    for (platform, usher) in built {
        let name = format!("usher-{version}-{}-linux", platform.processor);
        let files = [
            File::program(&format!("{name}/usher"), usher.clone()),
            File::new(&format!("{name}/LICENSE"), licence.clone()),
            File::new(&format!("{name}/THIRD-PARTY.txt"), third_party.clone()),
            File::new(&format!("{name}/README.md"), std::fs::read(root.join("README.md"))?),
        ];
        let packed = archive::gzip(&archive::tar(&files, release.time)?)?;
        std::fs::write(half.join(format!("{name}.tar.gz")), packed)?;
        images.push(oci::image(platform.architecture, usher, &licence, &third_party));
    }
    std::fs::write(half.join("usher.wasm"), &filter)?;
    std::fs::write(half.join("THIRD-PARTY.txt"), &third_party)?;
    oci::write_for_platforms(&half.join("usher-image"), &images, &release)?;
    oci::write(&half.join("usher-wasm-image"), &oci::wasm(filter), &release)?;
    for bill in ["usher.cdx.json", "usher-filter.cdx.json"] {
        std::fs::copy(paths::output()?.join(bill), half.join(bill))?;
    }
    for (from, to) in COPIED {
        copy(&root.join(from), &half.join(to))?;
    }
    tried(&half, &emulators)?;
    sums::write(&half)?;
    std::fs::rename(&half, &folder).with_context(|| format!("cannot make {}", folder.display()))?;
    shell::progress(&format!("{}: check it with `sha256sum -c SHA256SUMS`", folder.display()));
    Ok(())
}

/// Runs the image that is shipped on each of its platforms, and says by what both images are pinned.
fn tried(folder: &Path, platforms: &[(&Platform, Option<PathBuf>)]) -> Result<()> {
    let image = Layout::read(&folder.join("usher-image"))?;
    ensure!(image.images.len() == platforms.len(), "usher-image is not for {} platforms", platforms.len());
    for (platform, emulator) in platforms {
        let name = platform.name();
        let lent = Lent { emulator: emulator.as_deref(), ..Lent::default() };
        let start = || oci::ready_after(image.image(&name)?, &lent).with_context(|| format!("the image for {name}"));
        let mut took = start()?;
        // A busy machine may be slow a few times.
        for _ in 1..TRIES {
            if emulator.is_some() || took < READY {
                break;
            }
            took = start()?;
        }
        let how = if emulator.is_some() { ", emulated" } else { "" };
        shell::progress(&format!("the image for {name} is ready {} ms after its start{how}", took.as_millis()));
        if emulator.is_none() && took >= READY {
            bail!("the image is not ready in {READY:?}");
        }
    }
    for (name, layout) in
        [("usher-image", image), ("usher-wasm-image", Layout::read(&folder.join("usher-wasm-image"))?)]
    {
        for image in &layout.images {
            let told = image.manifest.pointer("/annotations/org.opencontainers.image.version").and_then(Value::as_str);
            ensure!(told == Some(env!("CARGO_PKG_VERSION")), "{name} is of version {told:?}");
        }
        shell::progress(&format!("{name}: {}", layout.digest));
    }
    Ok(())
}

/// The commit that is built, and whether there is more in the tree than it.
fn revision() -> Result<String> {
    let commit = git(&["rev-parse", "HEAD"])?;
    if git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty() {
        return Ok(commit);
    }
    shell::progress("there are changes that are not committed: the revision says so");
    Ok(format!("{commit}-modified"))
}

/// `SOURCE_DATE_EPOCH`, else the commit's time: whoever builds it again has the same.
fn time() -> Result<u64> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(time) => time.parse().context("SOURCE_DATE_EPOCH must be seconds since 1970"),
        Err(_) => Ok(git(&["log", "-1", "--format=%ct"])?.parse()?),
    }
}

fn git(arguments: &[&str]) -> Result<String> {
    let mut git = Command::new("git");
    let told = shell::capture(git.args(arguments).current_dir(paths::root()?), "install git")?;
    Ok(told.trim().to_owned())
}

/// Copies a file, or a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if !from.is_dir() {
        std::fs::copy(from, to).with_context(|| format!("cannot copy {}", from.display()))?;
        return Ok(());
    }
    std::fs::create_dir_all(to)?;
    let entries: Vec<PathBuf> = std::fs::read_dir(from)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    for entry in entries {
        copy(&entry, &to.join(entry.file_name().context("a name")?))?;
    }
    Ok(())
}
