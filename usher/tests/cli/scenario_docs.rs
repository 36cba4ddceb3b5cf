//! The examples of `docs/scenarios.md` hold.

use std::fmt::Write as _;
use std::path::Path;

use crate::support::{Folder, usher};

/// The fenced blocks of YAML in a page.
fn examples(page: &str) -> Vec<&str> {
    let begins = page.split("\n```yaml\n").skip(1);
    begins.map(|rest| rest.split("\n```").next().unwrap()).collect()
}

#[test]
fn every_example_of_the_scenario_format_holds() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/scenarios.md")).unwrap();
    let folder = Folder::new();
    let examples = examples(&page);
    let (mut policies, mut files) = (0, 0);
    for (index, example) in examples.iter().enumerate() {
        if example.starts_with("version: 1") {
            policies += 1;
            folder.file("usher.yaml", example);
        } else if example.starts_with("about: ") {
            files += 1;
            folder.file(&format!("{index}.yaml"), example);
        } else {
            // Steps alone are one scenario.
            files += 1;
            let mut text = String::from("scenarios:\n- name: steps\n  steps:\n");
            for line in example.lines() {
                writeln!(text, "  {line}").unwrap();
            }
            folder.file(&format!("{index}.yaml"), &text);
        }
    }
    assert_eq!((policies, files), (1, 8), "{examples:#?}");
    let outcome = usher(&["test", folder.path().to_str().unwrap()]);
    assert_eq!(outcome.code, 0, "{}\n{}", outcome.stdout, outcome.stderr);
}

#[test]
fn the_example_of_the_readme_holds_under_the_example_policy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = std::fs::read_to_string(root.join("README.md")).unwrap();
    let folder = Folder::new();
    let example = examples(&page).into_iter().find(|example| example.starts_with("scenarios:")).unwrap();
    folder.file("readme.yaml", example);
    let policy = root.join("envoy-config/envoy/usher.yaml");
    let outcome = usher(&["test", folder.path().to_str().unwrap(), "--policy", policy.to_str().unwrap()]);
    assert_eq!(outcome.code, 0, "{}\n{}", outcome.stdout, outcome.stderr);
}

#[test]
fn every_word_that_the_format_knows_is_in_the_page() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/scenarios.md")).unwrap();
    let names = usher_scenario::token::Forgery::NAMES.map(|(name, _)| name);
    let keys = usher_scenario::token::KeyRing::NAMES.map(|(name, _)| name);
    let verbs = usher_scenario::step::Deed::VERBS.into_iter().chain(usher_scenario::step::DirectoryWord::VERBS);
    for word in names.into_iter().chain(keys).chain(verbs) {
        assert!(page.contains(&format!("`{word}`")), "{word}");
    }
}
