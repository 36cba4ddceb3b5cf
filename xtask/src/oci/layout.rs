//! Writing a layout: blobs under their digests, and the index that names them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{CONFIG, INDEX, LAYER, MANIFEST, TAG};
use crate::archive::{self, File};

/// What is said of everything that is made together.
#[derive(Clone, Debug)]
pub(crate) struct Release {
    /// The version, which is the tag too.
    pub(crate) version: String,
    /// The commit that it is made of.
    pub(crate) revision: String,
    /// Its time, Unix, seconds.
    pub(crate) time: u64,
}

/// An image of one layer.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    /// What is in it.
    pub(crate) files: Vec<File>,
    /// Processor and system.
    pub(crate) platform: (&'static str, &'static str),
    /// The configuration's `config`: how it is run.
    pub(crate) config: Value,
    /// What is said of it, beside what is said of the release.
    pub(crate) annotations: Vec<(&'static str, &'static str)>,
}

/// Writes a layout with one image into a folder that is made anew.
pub(crate) fn write(folder: &Path, image: &Image, release: &Release) -> Result<()> {
    let blobs = emptied(folder)?;
    let described = manifest(&blobs, image, release)?;
    finish(folder, described, release)
}

/// Writes a layout with one image for several platforms, of which whoever runs it takes its own.
pub(crate) fn write_for_platforms(folder: &Path, images: &[Image], release: &Release) -> Result<()> {
    let first = images.first().context("an image for no platform")?;
    let platforms: BTreeSet<_> = images.iter().map(|image| image.platform).collect();
    ensure!(platforms.len() == images.len(), "two images for one platform: {platforms:?}");
    let blobs = emptied(folder)?;
    let manifests = images.iter().map(|image| manifest(&blobs, image, release)).collect::<Result<Vec<_>>>()?;
    let index = json!({
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": manifests,
        "annotations": annotations(first, release),
    });
    let described = blob(&blobs, INDEX, &serde_json::to_vec(&index)?)?;
    finish(folder, described, release)
}

/// The folder of the blobs, in a folder that is made anew.
fn emptied(folder: &Path) -> Result<PathBuf> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).with_context(|| format!("cannot clear {}", folder.display()))?;
    }
    let blobs = folder.join("blobs").join("sha256");
    std::fs::create_dir_all(&blobs).with_context(|| format!("cannot make {}", blobs.display()))?;
    Ok(blobs)
}

/// Writes an image's layer, configuration and manifest, and describes the manifest.
fn manifest(blobs: &Path, image: &Image, release: &Release) -> Result<Value> {
    let created = rfc3339(release.time);
    let (architecture, os) = image.platform;
    let tar = archive::tar(&image.files, release.time)?;
    let layer = blob(blobs, LAYER, &archive::gzip(&tar)?)?;
    let config = json!({
        "created": created,
        "architecture": architecture,
        "os": os,
        "config": image.config,
        "rootfs": {"type": "layers", "diff_ids": [digest(&tar)]},
        "history": [{"created": created, "created_by": "cargo xtask release"}],
    });
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": blob(blobs, CONFIG, &serde_json::to_vec(&config)?)?,
        "layers": [layer],
        "annotations": annotations(image, release),
    });
    let mut described = blob(blobs, MANIFEST, &serde_json::to_vec(&manifest)?)?;
    add(&mut described, "platform", json!({"architecture": architecture, "os": os}));
    Ok(described)
}

/// What is said of an image and of the release.
fn annotations(image: &Image, release: &Release) -> Map<String, Value> {
    let own = image.annotations.iter().map(|(name, value)| ((*name).to_owned(), json!(value)));
    let (version, revision) = (release.version.clone(), release.revision.clone());
    let all = [("created", rfc3339(release.time)), ("version", version), ("revision", revision)];
    own.chain(all.map(|(name, value)| (format!("org.opencontainers.image.{name}"), json!(value)))).collect()
}

/// Writes what names the layout's one image by its tag.
fn finish(folder: &Path, mut described: Value, release: &Release) -> Result<()> {
    add(&mut described, "annotations", json!({TAG: release.version}));
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [described]});
    std::fs::write(folder.join("index.json"), serde_json::to_vec(&index)?)?;
    std::fs::write(folder.join("oci-layout"), serde_json::to_vec(&json!({"imageLayoutVersion": "1.0.0"}))?)?;
    Ok(())
}

fn add(described: &mut Value, name: &str, value: Value) {
    if let Some(described) = described.as_object_mut() {
        described.insert(name.to_owned(), value);
    }
}

/// Writes a blob under its digest, and describes it.
fn blob(folder: &Path, kind: &str, bytes: &[u8]) -> Result<Value> {
    let digest = digest(bytes);
    let name = digest.strip_prefix("sha256:").context("a digest")?;
    std::fs::write(folder.join(name), bytes).with_context(|| format!("cannot write {name}"))?;
    Ok(json!({"mediaType": kind, "digest": digest, "size": bytes.len()}))
}

/// A digest as OCI writes it.
pub(crate) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(bytes))
}

/// SHA-256, as `sha256sum` writes it.
pub(crate) fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A time (Unix, seconds) as RFC 3339 writes it, in UTC.
fn rfc3339(time: u64) -> String {
    let (days, second) = (time / 86_400, time % 86_400);
    // Howard Hinnant's `civil_from_days`, for days after 1970: years begin in March, so that a leap day ends one.
    let day = days + 719_468;
    let (era, of_era) = (day / 146_097, day % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3_600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn times_are_written_as_others_write_them() {
        for (time, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_798_761_599, "2026-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(time), text);
        }
    }
}
