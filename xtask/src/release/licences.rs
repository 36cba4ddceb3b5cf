//! The licences of what the command and the filter are made of, which go wherever they go.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::supply::{self, Part};

/// How the files begin in which packages keep their licences and notices.
const NAMES: [&str; 5] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE"];

/// What is built in beside packages: the C library, and Rust's own.
const BUILT_IN: &str = include_str!("built_in.txt");

/// One text: each licence once, with whose it is.
pub(crate) fn all() -> Result<String> {
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut lines = Vec::new();
    for part in supply::parts()? {
        let named = format!("{} {}", part.name, part.version);
        lines.push(format!("{named}: {}", part.licence));
        for file in files(&part)? {
            let bytes = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
            let text = String::from_utf8_lossy(&bytes).replace("\r\n", "\n");
            texts.entry(text.trim_end().to_owned()).or_default().push(named.clone());
        }
    }
    let mut out = format!("usher is made of these, under these licences.\n\n{}\n\n{BUILT_IN}", lines.join("\n"));
    for (text, whose) in texts {
        out.push_str(&format!("\n{}\n{}\n\n{text}\n", "=".repeat(80), whose.join(", ")));
    }
    Ok(out)
}

fn files(part: &Part) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let folder: &Path = &part.folder;
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().to_uppercase()).unwrap_or_default();
        if path.is_file() && NAMES.iter().any(|begin| name.starts_with(begin)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::all;

    #[test]
    fn every_part_is_named_and_the_licences_that_ask_for_it_are_there() {
        let text = all().unwrap();
        for named in ["\ntokio 1.", "\nrustls 0.", "\nlibsqlite3-sys 0.", "\nhashbrown 0.", "\nring 0.", "musl"] {
            assert!(text.contains(named), "{named}");
        }
        assert!(text.contains("Tokio Contributors"), "tokio's own notice");
        assert!(!text.contains("usher-policy "), "our own packages are under our own licence");
    }
}
