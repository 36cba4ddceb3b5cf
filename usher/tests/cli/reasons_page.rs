//! `docs/reasons.md` has every reason, in order, with its status and words, and a command.

use usher_policy::Reason;
use usher_tests::pages;

fn page() -> String {
    pages::page("docs/reasons.md").unwrap().text
}

/// Heading and text of each section.
fn sections(page: &str) -> Vec<(&str, &str)> {
    page.split("\n## ").skip(1).map(|section| section.split_once('\n').unwrap()).collect()
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
        for part in ["\n**Means.** ", "\n**Find out.** ", "\n**Fix.** "] {
            assert_eq!(text.matches(part).count(), 1, "{reason}: {part}");
        }
        assert!(text.contains("\n```sh\nusher "), "{reason}: no command");
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
