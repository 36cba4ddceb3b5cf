//! The examples of `docs/scenarios.md` hold.

use std::fmt::Write as _;
use usher_tests::pages;

use crate::support::{Folder, usher};

#[test]
fn every_example_of_the_scenario_format_holds() {
    let page = pages::page("docs/scenarios.md").unwrap();
    let folder = Folder::new();
    let blocks = page.blocks();
    let examples: Vec<&str> = blocks.iter().filter(|block| block.info == "yaml").map(|block| block.text).collect();
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
fn every_word_that_the_format_knows_is_in_the_page() {
    let page = pages::page("docs/scenarios.md").unwrap().text;
    let names = usher_scenario::token::Forgery::NAMES.map(|(name, _)| name);
    let keys = usher_scenario::token::KeyRing::NAMES.map(|(name, _)| name);
    let verbs = usher_scenario::step::Deed::VERBS.into_iter().chain(usher_scenario::step::DirectoryWord::VERBS);
    for word in names.into_iter().chain(keys).chain(verbs) {
        assert!(page.contains(&format!("`{word}`")), "{word}");
    }
}
