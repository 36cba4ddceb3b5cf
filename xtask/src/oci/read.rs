//! Reading a layout: every blob is what its digest says, and there is none that nobody names.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;
use serde_json::Value;

use super::layout::digest;
use super::{CONFIG, LAYER, MANIFEST};

/// A layout's one image.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The manifest's digest: what an image is pinned by.
    pub(crate) manifest_digest: String,
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
        let [described] = list(&index, "manifests")? else { anyhow::bail!("not one manifest: {index}") };
        let mut known = BTreeSet::new();
        let mut blob = |described: &Value, kind: &str| blob(folder, described, kind, &mut known);
        let manifest = read_json(&blob(described, MANIFEST)?)?;
        let config = read_json(&blob(manifest.get("config").context("config")?, CONFIG)?)?;
        let mut layers = Vec::new();
        for layer in list(&manifest, "layers")? {
            let mut tar = Vec::new();
            GzDecoder::new(blob(layer, LAYER)?.as_slice()).read_to_end(&mut tar)?;
            layers.push(tar);
        }
        let digests: Vec<_> = layers.iter().map(|tar| Value::String(digest(tar))).collect();
        ensure!(config.pointer("/rootfs/diff_ids") == Some(&Value::Array(digests)), "the layers are others: {config}");
        for blob in std::fs::read_dir(folder.join("blobs").join("sha256"))? {
            let name = blob?.file_name().to_string_lossy().into_owned();
            ensure!(known.contains(&name), "nobody names the blob {name}");
        }
        Ok(Self { manifest_digest: text(described, "digest")?.to_owned(), manifest, config, layers })
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

fn blob(folder: &Path, described: &Value, kind: &str, known: &mut BTreeSet<String>) -> Result<Vec<u8>> {
    let (named, told) = (text(described, "digest")?, text(described, "mediaType")?);
    ensure!(told == kind, "{named} is of type {told}, not {kind}");
    let name = named.strip_prefix("sha256:").context("not a SHA-256")?;
    let bytes = std::fs::read(folder.join("blobs").join("sha256").join(name)).with_context(|| named.to_owned())?;
    ensure!(digest(&bytes) == named, "{named} is another: {}", digest(&bytes));
    let size = described.get("size").and_then(Value::as_u64);
    ensure!(size == u64::try_from(bytes.len()).ok(), "{named} has another size");
    known.insert(name.to_owned());
    Ok(bytes)
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
