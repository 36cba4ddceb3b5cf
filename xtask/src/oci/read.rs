//! Reading a layout: every blob is what its digest says, and there is none that nobody names.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;
use serde_json::Value;

use super::layout::digest;
use super::{CONFIG, INDEX, LAYER, MANIFEST};

/// What a layout holds.
#[derive(Debug)]
pub(crate) struct Layout {
    /// What it is pinned by: the digest of its one manifest, or of the index of those for several platforms.
    pub(crate) digest: String,
    /// Its image, for each platform.
    pub(crate) images: Vec<Image>,
}

/// An image for one platform.
#[derive(Debug)]
pub(crate) struct Image {
    /// Its platform, as container engines name it: `linux/arm64`.
    pub(crate) platform: String,
    /// The manifest.
    pub(crate) manifest: Value,
    /// The configuration.
    pub(crate) config: Value,
    /// The layers, as tar archives, the lowest first.
    pub(crate) layers: Vec<Vec<u8>>,
}

impl Layout {
    /// Reads the layout in a folder.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let version: Value = read_json(&std::fs::read(folder.join("oci-layout"))?)?;
        ensure!(text(&version, "imageLayoutVersion")? == "1.0.0", "another version: {version}");
        let index = read_json(&std::fs::read(folder.join("index.json"))?)?;
        let [described] = list(&index, "manifests")? else { anyhow::bail!("not one image: {index}") };
        let mut blobs = Blobs { folder: folder.join("blobs").join("sha256"), known: BTreeSet::new() };
        let images = if text(described, "mediaType")? == INDEX {
            let index = read_json(&blobs.read(described, INDEX)?)?;
            list(&index, "manifests")?
                .iter()
                .map(|described| Image::read(described, &mut blobs))
                .collect::<Result<_>>()?
        } else {
            vec![Image::read(described, &mut blobs)?]
        };
        let platforms: BTreeSet<_> = images.iter().map(|image| &image.platform).collect();
        ensure!(
            !images.is_empty() && platforms.len() == images.len(),
            "not one image for each platform: {platforms:?}"
        );
        for blob in std::fs::read_dir(&blobs.folder)? {
            let name = blob?.file_name().to_string_lossy().into_owned();
            ensure!(blobs.known.contains(&name), "nobody names the blob {name}");
        }
        Ok(Self { digest: text(described, "digest")?.to_owned(), images })
    }

    /// What whoever runs it on a platform takes of it.
    pub(crate) fn image(&self, platform: &str) -> Result<&Image> {
        let found = self.images.iter().find(|image| image.platform == platform);
        found.with_context(|| format!("there is no image for {platform}"))
    }
}

impl Image {
    fn read(described: &Value, blobs: &mut Blobs) -> Result<Self> {
        let manifest = read_json(&blobs.read(described, MANIFEST)?)?;
        let config = read_json(&blobs.read(manifest.get("config").context("config")?, CONFIG)?)?;
        let (platform, told) = (platform(&config)?, platform(described.get("platform").context("platform")?)?);
        ensure!(told == platform, "an image for {platform} that is said to be for {told}");
        let mut layers = Vec::new();
        for layer in list(&manifest, "layers")? {
            let mut tar = Vec::new();
            GzDecoder::new(blobs.read(layer, LAYER)?.as_slice()).read_to_end(&mut tar)?;
            layers.push(tar);
        }
        let digests: Vec<_> = layers.iter().map(|tar| Value::String(digest(tar))).collect();
        ensure!(config.pointer("/rootfs/diff_ids") == Some(&Value::Array(digests)), "the layers are others: {config}");
        Ok(Self { platform, manifest, config, layers })
    }

    /// Unpacks all layers into a new folder, and tells which files there are then.
    pub(crate) fn unpack(&self, root: &Path) -> Result<Vec<String>> {
        std::fs::create_dir_all(root)?;
        let mut files = BTreeSet::new();
        for layer in &self.layers {
            let mut archive = tar::Archive::new(layer.as_slice());
            archive.set_preserve_permissions(true);
            archive.unpack(root)?;
            for entry in tar::Archive::new(layer.as_slice()).entries()? {
                let entry = entry?;
                if !entry.header().entry_type().is_dir() {
                    files.insert(entry.path()?.display().to_string());
                }
            }
        }
        Ok(files.into_iter().collect())
    }
}

/// The blobs of a layout, and which of them somebody named.
struct Blobs {
    folder: PathBuf,
    known: BTreeSet<String>,
}

impl Blobs {
    fn read(&mut self, described: &Value, kind: &str) -> Result<Vec<u8>> {
        let (named, told) = (text(described, "digest")?, text(described, "mediaType")?);
        ensure!(told == kind, "{named} is of type {told}, not {kind}");
        let name = named.strip_prefix("sha256:").context("not a SHA-256")?;
        let bytes = std::fs::read(self.folder.join(name)).with_context(|| named.to_owned())?;
        ensure!(digest(&bytes) == named, "{named} is another: {}", digest(&bytes));
        let size = described.get("size").and_then(Value::as_u64);
        ensure!(size == u64::try_from(bytes.len()).ok(), "{named} has another size");
        self.known.insert(name.to_owned());
        Ok(bytes)
    }
}

/// The platform that a configuration, or what describes a manifest, names.
fn platform(named: &Value) -> Result<String> {
    Ok(format!("{}/{}", text(named, "os")?, text(named, "architecture")?))
}

fn read_json(bytes: &[u8]) -> Result<Value> {
    Ok(serde_json::from_slice(bytes)?)
}

fn list<'v>(value: &'v Value, name: &str) -> Result<&'v [Value]> {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).with_context(|| name.to_owned())
}

fn text<'v>(value: &'v Value, name: &str) -> Result<&'v str> {
    value.get(name).and_then(Value::as_str).with_context(|| name.to_owned())
}
