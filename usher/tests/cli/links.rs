//! Links between the pages of this repository lead somewhere, and the book has every page.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// Every page: those at the root, and all under `docs` and `envoy-config`.
fn pages() -> Vec<PathBuf> {
    let root = root();
    let mut folders = vec![root.join("docs"), root.join("envoy-config")];
    let mut pages: Vec<PathBuf> = Vec::new();
    let is_page = |path: &Path| path.extension().is_some_and(|end| end == "md");
    pages.extend(std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| is_page(path)));
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if is_page(&path) {
                pages.push(path);
            }
        }
    }
    pages
}

/// The text without its fenced blocks, in which brackets mean something else.
fn prose(page: &str) -> String {
    let mut is_code = false;
    let lines = page.lines().filter(|line| {
        let is_fence = line.starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The targets of `[words](target)`, and of `src="target"`.
fn links(prose: &str) -> impl Iterator<Item = &str> {
    let words = prose.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let images = prose.split(" src=\"").skip(1).filter_map(|rest| rest.split_once('"'));
    words.chain(images).map(|(target, _)| target)
}

/// What a heading is called in an address.
fn anchors(prose: &str) -> HashSet<String> {
    let headings = prose.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let kept = |heading: &str| {
        let letters = heading.to_lowercase();
        let letters = letters.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
        letters.map(|letter| if letter == ' ' { '-' } else { letter }).collect::<String>()
    };
    headings.map(kept).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut followed = 0;
    for page in pages() {
        let text = prose(&std::fs::read_to_string(&page).unwrap());
        for link in links(&text) {
            if link.contains("://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
            let target = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(target.exists(), "{}: {link}", page.display());
            if let Some(anchor) = anchor {
                let there = anchors(&prose(&std::fs::read_to_string(&target).unwrap()));
                assert!(there.contains(anchor), "{}: {link}: {there:?}", page.display());
            }
            followed += 1;
        }
    }
    assert!(followed > 60, "{followed}");
}

#[test]
fn the_book_has_every_page() {
    let docs = root().join("docs");
    let summary = std::fs::read_to_string(docs.join("SUMMARY.md")).unwrap();
    let listed: HashSet<_> = links(&summary).map(|link| docs.join(link)).collect();
    for page in pages() {
        if page.starts_with(&docs) && !page.ends_with("SUMMARY.md") {
            assert!(listed.contains(&page), "{} is not in SUMMARY.md", page.display());
        }
    }
}
