//! Links between the pages of this repository lead somewhere, and the book has every page.

use std::collections::HashSet;
use std::path::Path;

use usher_tests::pages;

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
    let pages = pages::all().unwrap();
    let anchors_of = |path: &Path| {
        let path = path.canonicalize().unwrap();
        let page = pages.iter().find(|page| page.path.canonicalize().unwrap() == path).unwrap();
        anchors(&page.prose())
    };
    for page in &pages {
        let text = page.prose();
        for link in links(&text) {
            if link.contains("://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
            let target = if file.is_empty() { page.path.clone() } else { page.path.parent().unwrap().join(file) };
            assert!(target.exists(), "{}: {link}", page.name);
            if let Some(anchor) = anchor {
                let there = anchors_of(&target);
                assert!(there.contains(anchor), "{}: {link}: {there:?}", page.name);
            }
            followed += 1;
        }
    }
    assert!(followed > 60, "{followed}");
}

#[test]
fn the_book_has_every_page() {
    let pages = pages::all().unwrap();
    let summary = pages.iter().find(|page| page.name == "docs/SUMMARY.md").unwrap();
    let listed: HashSet<_> = links(&summary.text).map(|link| format!("docs/{link}")).collect();
    for page in pages.iter().filter(|page| page.name.starts_with("docs/") && page.name != summary.name) {
        assert!(listed.contains(&page.name), "{} is not in SUMMARY.md", page.name);
    }
}
