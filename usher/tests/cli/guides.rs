//! The pages hold: every policy in them is good, every claim set comes to what is said of it, every story can be played.

use serde_json::Value;
use usher_tests::binaries::workspace;
use usher_tests::pages::{self, Block};

use crate::support::{Folder, usher};

/// The time of the claims in the guides.
const NOW: &str = "1800000010";

#[test]
fn every_policy_in_a_page_is_good_and_its_claims_come_to_what_is_said() {
    let (mut policies, mut claims) = (0, 0);
    for page in pages::all().unwrap() {
        let (name, folder) = (&page.name, Folder::new());
        let mut policy = None;
        for (number, Block { info, text }) in page.blocks().into_iter().enumerate() {
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
    assert!(policies >= 8 && claims >= 12, "{policies} policies, {claims} sets of claims");
}

#[test]
fn every_story_in_a_page_can_be_played() {
    let policy = workspace().join("envoy-config/envoy/usher.yaml");
    let folder = Folder::new();
    let mut stories = 0;
    for page in pages::all().unwrap() {
        for block in page.blocks().iter().filter(|block| block.text.starts_with("scenarios:")) {
            folder.file(&format!("{stories}.yaml"), block.text);
            stories += 1;
        }
    }
    assert!(stories >= 4, "{stories}");
    let played = usher(&["test", folder.path().to_str().unwrap(), "--policy", policy.to_str().unwrap()]);
    assert_eq!(played.code, 0, "{}\n{}", played.stdout, played.stderr);
}

#[test]
fn the_words_of_ones_own_are_taken_as_the_page_has_them() {
    let page = pages::page("docs/denial-pages.md").unwrap();
    let own = page.blocks().into_iter().find(|block| block.text.starts_with("denial_pages:")).unwrap().text;
    let policy = std::fs::read_to_string(workspace().join("envoy-config/envoy/usher.yaml")).unwrap();
    let folder = Folder::new();
    let checked = usher(&["check", &folder.file("usher.yaml", &format!("{policy}\n{own}"))]);
    assert_eq!((checked.code, checked.stderr.as_str()), (0, ""), "{checked:?}");
    let wrong = usher(&["check", &folder.file("wrong.yaml", &format!("{policy}\n{}", own.replace("de:", "nl:")))]);
    assert!(wrong.code == 1 && wrong.stderr.contains("denial_pages.texts.nl"), "{wrong:?}");
}

#[test]
fn every_alert_is_in_the_guide() {
    let rules = std::fs::read_to_string(workspace().join("envoy-config/observability/alerts.yaml")).unwrap();
    let rules: Value = usher_policy_file::yaml_to_json(&rules).unwrap();
    let page = pages::page("docs/guides/seeing.md").unwrap().text;
    let rules = rules["groups"][0]["rules"].as_array().unwrap();
    for rule in rules {
        let name = rule["alert"].as_str().unwrap();
        assert!(page.contains(&format!("`{name}`")), "{name}");
    }
    assert_eq!(page.matches("`Usher").count(), rules.len(), "the guide names an alert that is none");
}
