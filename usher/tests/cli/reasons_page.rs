//! `docs/reasons.md` has every reason, in order, with its status and words, and commands that exist.

use std::path::Path;

use serde_json::json;
use usher_policy::Reason;

use crate::running_store::RunningStore;
use crate::support::usher;

fn page() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reasons.md")).unwrap()
}

/// Heading and text of each section.
fn sections(page: &str) -> Vec<(&str, &str)> {
    page.split("\n## ").skip(1).map(|section| section.split_once('\n').unwrap()).collect()
}

/// The lines of the blocks that are for a shell.
fn commands(text: &str) -> Vec<&str> {
    let blocks = text.split("\n```sh\n").skip(1).map(|rest| rest.split("\n```").next().unwrap());
    blocks.flat_map(str::lines).collect()
}

#[test]
fn every_reason_has_its_section_with_its_status_and_words() {
    let page = page();
    let mut sections = sections(&page);
    assert_eq!(sections.remove(0).0, "From a page to its cause");
    let codes: Vec<_> = sections.iter().map(|(heading, _)| *heading).collect();
    let expected: Vec<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
    assert_eq!(codes, expected);
    for (reason, (_, text)) in Reason::ALL.iter().zip(sections) {
        let quoted = format!("\n> **{}** ({})\n> {}\n\n", reason.title(), reason.status(), reason.detail());
        assert!(text.starts_with(&quoted), "{reason}: {quoted}");
        for part in ["\n**Means.** ", "\n**Find out.** ", "\n**Mend.** "] {
            assert_eq!(text.matches(part).count(), 1, "{reason}: {part}");
        }
        assert!(!commands(text).is_empty(), "{reason}: no command");
    }
}

#[test]
fn what_a_token_says_is_mended_at_each_provider() {
    let page = page();
    let sections = sections(&page);
    for reason in [
        Reason::UnknownIssuer,
        Reason::WrongAudience,
        Reason::MissingClaim,
        Reason::EmailNotVerified,
        Reason::DomainNotVerified,
        Reason::NotAssigned,
        Reason::NotProvisioned,
        Reason::NoMappedGroup,
    ] {
        let (_, text) = sections.iter().find(|(heading, _)| *heading == reason.code()).unwrap();
        let (_, list) = text.split_once("\n**At the provider.**\n\n").unwrap_or_else(|| panic!("{reason}"));
        for provider in ["Okta", "Entra", "Google", "Keycloak", "OneLogin"] {
            let begin = format!("- [{provider}](guides/{}.md", provider.to_lowercase());
            assert_eq!(list.lines().filter(|line| line.starts_with(&begin)).count(), 1, "{reason}: {provider}");
        }
    }
}

#[test]
fn every_field_of_the_denial_s_line_is_in_the_page() {
    let page = page();
    for field in [
        "event",
        "verdict",
        "reason",
        "organization",
        "request_id",
        "at",
        "shadow",
        "method",
        "host",
        "path",
        "issuer",
        "audience",
        "key_id",
        "algorithm",
        "issued_at",
        "expires_at",
        "subject",
        "email",
    ] {
        assert!(page.lines().any(|line| line.starts_with("| `") && line.contains(&format!("`{field}`"))), "{field}");
    }
}

/// Each is asked for its help, which comes only where every argument before it is known; what asks a store is run.
#[test]
fn every_command_of_the_page_exists() {
    let store = RunningStore::start(&json!({"default": "none"}));
    assert_eq!(store.usher(&["members", "add", "acme-chat", "ada@acme.example"]).code, 0);
    let page = page();
    let (mut asked, mut run) = (0, 0);
    for (heading, text) in sections(&page) {
        for command in commands(text) {
            let command = command.split('#').next().unwrap().trim();
            let command = command.strip_prefix("grep REQUEST envoy.log | ").unwrap_or(command);
            let filled = |word: &str| {
                match word {
                    "ORG" => "acme-chat",
                    "PARENT" => "acme",
                    "EMAIL" => "ada@acme.example",
                    "REQUEST" => "r-1",
                    "TIER" => "standard",
                    "ROLE" => "admin",
                    "CONNECTION=keys.json" => "okta=keys.json",
                    word => word,
                }
                .to_owned()
            };
            let words: Vec<String> = command.split(' ').map(filled).collect();
            let (usher_word, arguments) = words.split_first().unwrap();
            assert_eq!(usher_word, "usher", "{heading}: {command}");
            let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            // What changes the member for those that come after it is only asked for its help.
            let reads = ["list", "show", "--preview"].iter().any(|word| arguments.contains(word));
            if reads || ["seats", "audit"].contains(&arguments[0]) {
                let outcome = store.usher(&arguments);
                assert_eq!(outcome.code, 0, "{heading}: {command}: {outcome:?}");
                run += 1;
            }
            arguments.push("--help");
            let outcome = usher(&arguments);
            assert_eq!(outcome.code, 0, "{heading}: {command}: {outcome:?}");
            assert!(outcome.stdout.contains("Usage: usher "), "{heading}: {command}: {outcome:?}");
            asked += 1;
        }
    }
    assert!(asked >= Reason::ALL.len() && run >= 20, "{asked} {run}");
}
