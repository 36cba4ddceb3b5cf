//! What to do about a reason, taken from its section of `docs/reasons.md`: page and command say the same.

use usher_policy::Reason;

use super::trace::Advice;

/// The page for operators.
const PAGE: &str = include_str!("../../../docs/reasons.md");

/// How a paragraph that is advice begins, and what it is about.
const PARTS: [(&str, &str); 3] = [("**Means.** ", "means"), ("**Find out.** ", "find_out"), ("**Fix.** ", "mend")];

/// What begins the list of what each provider calls it.
const AT_PROVIDER: &str = "**At the provider.**";

/// The advice of a reason's section, with its commands filled in.
pub(super) fn advice(reason: Reason, known: &[(&str, Option<String>)]) -> Vec<Advice> {
    let mut found: Vec<Advice> = Vec::new();
    let mut in_commands = false;
    let issuer = known.iter().find(|(name, _)| *name == "ISSUER").and_then(|(_, issuer)| issuer.as_deref());
    let provider = issuer.and_then(provider);
    for line in section(reason.code()).lines() {
        if line.starts_with("```") {
            in_commands = line == "```sh";
        } else if let Some((text, about)) =
            PARTS.iter().find_map(|(begin, about)| Some((line.strip_prefix(begin)?, *about)))
        {
            found.push(Advice { about, text: plain(text), commands: Vec::new() });
        } else if line == AT_PROVIDER {
            found.push(Advice { about: "at_provider", text: String::new(), commands: Vec::new() });
        } else if let Some(item) = line.strip_prefix("- ") {
            let is_meant = provider.is_none_or(|provider| item.starts_with(&format!("[{provider}]")));
            if let Some(advice) = found.last_mut().filter(|advice| is_meant && advice.about == "at_provider") {
                let between = if advice.text.is_empty() { "" } else { "\n" };
                // What the provider's pages call something stands in asterisks.
                advice.text.push_str(&format!("{between}{}", plain(item).replace('*', "\"")));
            }
        } else if let Some(advice) = found.last_mut().filter(|_| in_commands) {
            advice.commands.push(filled(line, known));
        }
    }
    found.retain(|advice| !advice.text.is_empty());
    found
}

/// Which provider of the guides has such issuers, by what its own addresses have; another's may have any name.
fn provider(issuer: &str) -> Option<&'static str> {
    let (host, path) = issuer.split_once("://")?.1.split_once('/').unwrap_or((issuer.split_once("://")?.1, ""));
    let has = |begin: &str| host.split('.').skip(1).any(|label| label.starts_with(begin));
    match host {
        "accounts.google.com" => Some("Google"),
        "login.microsoftonline.com" | "sts.windows.net" => Some("Entra"),
        _ if path.starts_with("realms/") || path.contains("/realms/") => Some("Keycloak"),
        _ if has("onelogin") => Some("OneLogin"),
        _ if has("okta") => Some("Okta"),
        _ => None,
    }
}

/// A paragraph with the page's links as a terminal shows them: the words, and where they lead.
fn plain(text: &str) -> String {
    let mut parts = text.split('[');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let link = part.split_once("](").and_then(|(words, rest)| Some((words, rest.split_once(')')?)));
        let Some((words, (target, rest))) = link else {
            plain.push('[');
            plain.push_str(part);
            continue;
        };
        plain.push_str(words);
        if !words.starts_with("docs/") {
            let target = target.strip_prefix("../").map_or_else(|| format!("docs/{target}"), str::to_owned);
            plain.push_str(&format!(" ({target})"));
        }
        plain.push_str(rest);
    }
    plain
}

/// The lines below a heading, up to the next one.
fn section(heading: &str) -> &'static str {
    let begins = PAGE.split("\n## ").skip(1);
    let mut with_heading = begins.filter_map(|section| section.split_once('\n'));
    with_heading.find(|(own, _)| *own == heading).map_or("", |(_, text)| text)
}

/// A command with what is known in the place of its words in capitals. What a client wrote means nothing to a shell.
fn filled(command: &str, known: &[(&str, Option<String>)]) -> String {
    let word = |word: &str| {
        let value = known.iter().find(|(name, _)| *name == word).and_then(|(_, value)| value.as_deref());
        value.and_then(shell_word).unwrap_or_else(|| word.to_owned())
    };
    command.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// A text as one word of a shell; `None` where it would do something to the terminal, or be taken for an option.
fn shell_word(text: &str) -> Option<String> {
    if text.is_empty() || text.starts_with('-') || text.chars().any(char::is_control) {
        return None;
    }
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "@%+=:,./_-".contains(letter);
    Some(match text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_told_with_its_meaning_a_way_to_find_out_and_a_remedy() {
        for reason in Reason::ALL {
            let advice = advice(*reason, &[]);
            let about: Vec<_> = advice.iter().map(|part| part.about).collect();
            assert_eq!(about.first_chunk(), Some(&["means", "find_out", "mend"]), "{reason}");
            assert!(matches!(about.get(3..), Some([] | ["at_provider"])), "{reason}");
            assert!(advice.iter().any(|part| !part.commands.is_empty()), "{reason}: no command");
        }
    }

    #[test]
    fn what_to_do_at_the_provider_is_told_of_all_or_of_the_one_that_has_the_issuer() {
        let told = |reason, issuer: Option<&str>| {
            let advice = advice(reason, &[("ISSUER", issuer.map(str::to_owned))]);
            advice.into_iter().find(|part| part.about == "at_provider").map(|part| part.text)
        };
        for issuer in [None, Some("https://login.acme.example"), Some("https://okta.acme.example/"), Some("okta")] {
            assert_eq!(told(Reason::MissingClaim, issuer).unwrap().lines().count(), 5, "{issuer:?}");
        }
        for (issuer, begins) in [
            ("https://acme.okta.example/oauth2/default", "Okta (docs/guides/okta.md#the-application): "),
            ("https://login.microsoftonline.com/TENANT/v2.0", "Entra (docs/guides/entra.md"),
            ("https://sts.windows.net/TENANT/", "Entra ("),
            ("https://accounts.google.com", "Google ("),
            ("https://sso.acme.example/auth/realms/acme", "Keycloak ("),
            ("https://acme.onelogin.example/oidc/2", "OneLogin ("),
        ] {
            let text = told(Reason::MissingClaim, Some(issuer)).unwrap();
            assert!(text.starts_with(begins) && text.lines().count() == 1 && !text.contains('*'), "{issuer}: {text}");
        }
        assert_eq!(told(Reason::GroupsOverage, Some("https://acme.okta.example")), None);
        assert_eq!(told(Reason::NoSeatAvailable, None), None);
    }

    #[test]
    fn a_terminal_shows_no_markdown_links() {
        for (text, shown) in [
            ("See [docs/store.md](store.md#sync), then wait.", "See docs/store.md, then wait."),
            ("[Okta](guides/okta.md) and [both](../README.md)", "Okta (docs/guides/okta.md) and both (README.md)"),
            ("a[0] and [b]", "a[0] and [b]"),
        ] {
            assert_eq!(plain(text), shown);
        }
        let mut all = Reason::ALL.iter().flat_map(|reason| advice(*reason, &[]));
        assert!(all.all(|part| !part.text.contains("](")));
    }

    #[test]
    fn what_a_client_wrote_does_nothing_in_a_shell() {
        let known = |path: &str| [("PATH", Some(path.to_owned())), ("ORG", None)];
        let with = |path| filled("usher explain ORG --path PATH PATHS", &known(path));
        assert_eq!(with("/a/b"), "usher explain ORG --path /a/b PATHS");
        assert_eq!(with("/;rm -rf $HOME `x`"), "usher explain ORG --path '/;rm -rf $HOME `x`' PATHS");
        assert_eq!(with("/'$(x)'"), r"usher explain ORG --path '/'\''$(x)'\''' PATHS");
        for left_out in ["", "--config=x", "/\u{1b}[2J", "/a\nb"] {
            assert_eq!(with(left_out), "usher explain ORG --path PATH PATHS", "{left_out:?}");
        }
    }
}
