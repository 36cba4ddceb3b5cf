//! The guides hold: every policy in them is good, every claim set comes to what is said of it, every story can be played.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Folder, usher};

/// The time of the claims in the guides.
const NOW: &str = "1800000010";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Name and text of every guide.
fn guides() -> Vec<(String, String)> {
    let entries = std::fs::read_dir(root().join("docs/guides")).unwrap().map(|entry| entry.unwrap().path());
    let mut guides: Vec<_> = entries
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(&path).unwrap()))
        .collect();
    guides.sort();
    guides
}

/// Info string and text of every fenced block.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    let mut blocks = Vec::new();
    let mut rest = page;
    while let Some((_, after)) = rest.split_once("\n```") {
        let (info, after) = after.split_once('\n').unwrap();
        let (text, after) = after.split_once("```").unwrap();
        blocks.push((info, text));
        rest = after;
    }
    blocks
}

#[test]
fn every_policy_in_a_guide_is_good_and_its_claims_come_to_what_is_said() {
    let (mut policies, mut claims) = (0, 0);
    for (name, page) in guides() {
        let folder = Folder::new();
        let mut policy = None;
        for (number, (info, text)) in blocks(&page).into_iter().enumerate() {
            if info == "yaml" && text.starts_with("version: 1") {
                let file = folder.file("usher.yaml", text);
                let checked = usher(&["check", &file, "--deny-warnings"]);
                assert_eq!((checked.code, checked.stderr.as_str()), (0, ""), "{name}: {checked:?}");
                assert_eq!(usher(&["render", "envoy", &file]).code, 0, "{name}");
                policy = Some(file);
                policies += 1;
            } else if let Some(expected) = info.strip_prefix("json ") {
                let file = folder.file(&format!("{number}.json"), text);
                let policy = policy.as_deref().unwrap_or_else(|| panic!("{name}: claims before a policy"));
                let at = ["--host", "chat.acme.example", "--path", "/", "--now", NOW];
                let outcome = usher(&[&["explain", policy, "--json", "--claims", &file], &at[..]].concat());
                let told = outcome.json();
                let verdict = told["reason"].as_str().or(told["verdict"].as_str()).unwrap();
                assert_eq!(verdict, expected, "{name}: {told}");
                claims += 1;
            }
        }
    }
    assert!(policies >= 6 && claims >= 12, "{policies} policies, {claims} sets of claims");
}

#[test]
fn every_story_in_a_guide_can_be_played() {
    let policy = root().join("envoy-config/envoy/usher.yaml");
    let folder = Folder::new();
    let mut stories = 0;
    for (name, page) in guides() {
        for (number, (_, text)) in blocks(&page).iter().filter(|(_, text)| text.starts_with("scenarios:")).enumerate() {
            folder.file(&format!("{name}-{number}.yaml"), text);
            stories += 1;
        }
    }
    assert!(stories >= 3, "{stories}");
    let played = usher(&["test", folder.path().to_str().unwrap(), "--policy", policy.to_str().unwrap()]);
    assert_eq!(played.code, 0, "{}\n{}", played.stdout, played.stderr);
}

/// Each is asked for its help, which comes only where every argument before it is known. The guide of ten minutes is run as a whole.
#[test]
fn every_command_in_a_guide_exists() {
    let mut asked = 0;
    for (name, page) in guides() {
        let blocks = blocks(&page);
        let lines = blocks.iter().filter(|(info, _)| *info == "sh").flat_map(|(_, text)| text.lines());
        for command in lines.filter_map(|line| line.strip_prefix("usher ")).filter(|_| name != "ten-minutes") {
            let command = command.split('#').next().unwrap().trim();
            let mut arguments: Vec<&str> = command.split(' ').collect();
            arguments.push("--help");
            let outcome = usher(&arguments);
            assert!(outcome.code == 0 && outcome.stdout.contains("Usage: usher "), "{name}: {command}: {outcome:?}");
            asked += 1;
        }
    }
    assert!(asked >= 3, "{asked}");
}

#[test]
fn the_words_of_ones_own_are_taken_as_the_page_has_them() {
    let page = std::fs::read_to_string(root().join("docs/denial-pages.md")).unwrap();
    let (_, own) = blocks(&page).into_iter().find(|(_, text)| text.starts_with("denial_pages:")).unwrap();
    let policy = std::fs::read_to_string(root().join("envoy-config/envoy/usher.yaml")).unwrap();
    let folder = Folder::new();
    let checked = usher(&["check", &folder.file("usher.yaml", &format!("{policy}\n{own}"))]);
    assert_eq!((checked.code, checked.stderr.as_str()), (0, ""), "{checked:?}");
    let wrong = usher(&["check", &folder.file("wrong.yaml", &format!("{policy}\n{}", own.replace("de:", "nl:")))]);
    assert!(wrong.code == 1 && wrong.stderr.contains("denial_pages.texts.nl"), "{wrong:?}");
}

#[test]
fn every_alert_is_in_the_guide() {
    let rules = std::fs::read_to_string(root().join("envoy-config/observability/alerts.yaml")).unwrap();
    let rules: Value = usher_policy_file::yaml_to_json(&rules).unwrap();
    let page = std::fs::read_to_string(root().join("docs/guides/seeing.md")).unwrap();
    let rules = rules["groups"][0]["rules"].as_array().unwrap();
    for rule in rules {
        let name = rule["alert"].as_str().unwrap();
        assert!(page.contains(&format!("`{name}`")), "{name}");
    }
    assert_eq!(page.matches("`Usher").count(), rules.len(), "the guide names an alert that is none");
}
