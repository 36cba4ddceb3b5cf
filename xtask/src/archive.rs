//! Archives that are the same bytes whenever they are made of the same files: sorted, one time, one owner.

use std::collections::BTreeSet;
use std::io::Write as _;

use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder};
use tar::{EntryType, Header};

/// A file of an archive.
#[derive(Clone, Debug)]
pub(crate) struct File {
    /// Where it is, without a slash before it.
    pub(crate) path: String,
    /// Its permissions.
    pub(crate) mode: u32,
    /// What is in it.
    pub(crate) content: Vec<u8>,
}

impl File {
    /// A file that everybody may read.
    pub(crate) fn new(path: &str, content: impl Into<Vec<u8>>) -> Self {
        Self { path: path.to_owned(), mode: 0o444, content: content.into() }
    }

    /// A file that everybody may run.
    pub(crate) fn program(path: &str, content: impl Into<Vec<u8>>) -> Self {
        Self { mode: 0o555, ..Self::new(path, content) }
    }
}

/// A tar archive of files and the folders that they are in, all of root's and of one time (Unix, seconds).
pub(crate) fn tar(files: &[File], time: u64) -> Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut folders = BTreeSet::new();
    for file in files {
        folders.extend(file.path.match_indices('/').filter_map(|(end, _)| file.path.get(..=end)));
    }
    for folder in folders {
        let mut header = header(EntryType::Directory, 0o755, 0, time);
        archive.append_data(&mut header, folder, std::io::empty())?;
    }
    let mut sorted: Vec<_> = files.iter().collect();
    sorted.sort_by(|one, other| one.path.cmp(&other.path));
    for file in sorted {
        let size = u64::try_from(file.content.len())?;
        let mut header = header(EntryType::Regular, file.mode, size, time);
        archive.append_data(&mut header, &file.path, file.content.as_slice()).with_context(|| file.path.clone())?;
    }
    Ok(archive.into_inner()?)
}

fn header(kind: EntryType, mode: u32, size: u64, time: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(time);
    header.set_uid(0);
    header.set_gid(0);
    header
}

/// The same, smaller; no name and no time in its head.
pub(crate) fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut writer = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    writer.write_all(bytes)?;
    Ok(writer.finish()?)
}

#[cfg(test)]
mod tests {
    use super::{File, gzip, tar};

    #[test]
    fn the_same_files_in_any_order_are_the_same_bytes() {
        let (one, other) = (File::new("a/b/c", "text"), File::program("a/d", "program"));
        let made = |files: &[File]| gzip(&tar(files, 7).unwrap()).unwrap();
        assert_eq!(made(&[one.clone(), other.clone()]), made(&[other.clone(), one.clone()]));
        let archive = tar(&[one, other], 7).unwrap();
        let mut found = Vec::new();
        for entry in tar::Archive::new(archive.as_slice()).entries().unwrap() {
            let entry = entry.unwrap();
            let header = entry.header();
            assert_eq!((header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap()), (0, 0, 7));
            found.push((entry.path().unwrap().display().to_string(), header.mode().unwrap()));
        }
        let expected = [("a/", 0o755), ("a/b/", 0o755), ("a/b/c", 0o444), ("a/d", 0o555)];
        assert_eq!(found, expected.map(|(path, mode)| (path.to_owned(), mode)));
    }
}
