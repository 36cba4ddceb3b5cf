//! The page for a person: readable on a phone, by keyboard and by a screen reader, in the dark, and without anything that is fetched.

use usher_policy::Reason;
use usher_policy::id::Email;
use usher_policy::model::DenialPages;
use usher_policy::reason::Language;

/// Contrast is at least 7 to 1 for text, in both schemes.
const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#4a525b;--page:#fff;--line:#c9d0d7;--link:#0b4a9e;font:1.125rem/1.6 system-ui,sans-serif}\n\
@media(prefers-color-scheme:dark){:root{--ink:#e8edf2;--soft:#b4bec9;--page:#11151a;--line:#39424c;--link:#9cc3ff}}\n\
body{margin:0;background:var(--page);color:var(--ink)}\n\
main{max-width:34rem;margin:auto;padding:12vh 1.5rem 2rem;overflow-wrap:anywhere}\n\
h1{font-size:1.75rem;line-height:1.3}\n\
a{color:var(--link)}\n\
a:focus-visible{outline:3px solid;outline-offset:3px}\n\
footer{margin-top:2.5rem;border-top:1px solid var(--line);color:var(--soft);font-size:.9rem}\n\
code{user-select:all}\n";

/// The whole page.
pub(super) fn page(reason: Reason, request_id: Option<&str>, language: Language, pages: &DenialPages) -> String {
    let (words, frame) = (reason.words(language), language.frame());
    let mut page = String::with_capacity(2_560);
    page.push_str("<!doctype html>\n<html lang=\"");
    page.push_str(language.tag());
    page.push_str(
        "\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"robots\" content=\"noindex\">\n<title>",
    );
    escape(words.title, &mut page);
    page.push_str("</title>\n<style>\n");
    page.push_str(STYLE);
    page.push_str("</style>\n</head>\n<body>\n<main>\n<h1>");
    escape(words.title, &mut page);
    page.push_str("</h1>\n<p>");
    escape(pages.detail(reason, language), &mut page);
    page.push_str("</p>\n");
    if let Some(contact) = &pages.contact {
        page.push_str("<p>");
        escape(frame.contact, &mut page);
        page.push(' ');
        push_contact(contact, &mut page);
        page.push_str("</p>\n");
    }
    page.push_str("<footer><p>");
    escape(frame.administrator, &mut page);
    for reference in [Some(reason.code()), request_id].into_iter().flatten() {
        page.push_str(" <code>");
        escape(reference, &mut page);
        page.push_str("</code>");
    }
    page.push_str("</p></footer>\n</main>\n</body>\n</html>\n");
    page
}

/// A link, where it is an address of the web or of somebody's mail; else the text.
fn push_contact(contact: &str, page: &mut String) {
    let is_one_word = contact.bytes().all(|byte| byte.is_ascii_graphic());
    let scheme = match is_one_word {
        true if contact.starts_with("https://") => Some(""),
        true if Email::parse(contact).is_some() => Some("mailto:"),
        _ => None,
    };
    let Some(scheme) = scheme else { return escape(contact, page) };
    page.push_str("<a href=\"");
    page.push_str(scheme);
    escape(contact, page);
    page.push_str("\">");
    escape(contact, page);
    page.push_str("</a>");
}

fn escape(text: &str, page: &mut String) {
    for character in text.chars() {
        match character {
            '&' => page.push_str("&amp;"),
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            '"' => page.push_str("&quot;"),
            '\'' => page.push_str("&#39;"),
            _ => page.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(contact: &str) -> DenialPages {
        DenialPages { contact: Some(contact.to_owned()), ..DenialPages::default() }
    }

    #[test]
    fn the_page_names_its_language_title_and_reason_and_loads_nothing() {
        for language in Language::ALL {
            for reason in Reason::ALL {
                let page = page(*reason, Some("r-1"), language, &DenialPages::default());
                let (tag, title) = (language.tag(), reason.words(language).title);
                let mut detail = String::new();
                escape(reason.words(language).detail, &mut detail);
                let code = format!("<code>{reason}</code> <code>r-1</code>");
                for part in [
                    &format!("<html lang=\"{tag}\">"),
                    &format!("<title>{title}</title>"),
                    &format!("<h1>{title}</h1>"),
                    &detail,
                    "<main>",
                    "prefers-color-scheme:dark",
                    &code,
                ] {
                    assert!(page.contains(part), "{tag} {reason}: {part}");
                }
                for foreign in ["src=", "href=", "http", "<script", "url(", "@import"] {
                    assert!(!page.contains(foreign), "{tag} {reason}: {foreign}");
                }
            }
        }
    }

    /// `USHER_WRITE_PAGES=FOLDER` leaves them there for a browser (`cargo xtask pages`).
    #[test]
    fn pages_on_disk_are_every_reason_in_every_language_with_and_without_a_contact() {
        let folder = std::env::var_os("USHER_WRITE_PAGES").map(std::path::PathBuf::from);
        for language in Language::ALL {
            for (number, reason) in Reason::ALL.iter().enumerate() {
                let pages = match number % 3 {
                    0 => DenialPages::default(),
                    1 => contact("it-help@acme.example"),
                    _ => contact(&format!("https://it.acme.example/{}", "a-long-word".repeat(16))),
                };
                let page = page(*reason, Some("0f6d4c52-6f7e-9b1c-8a55-d1f0b2a4c3e7"), language, &pages);
                assert!(page.len() < 4_096, "{reason}: {} bytes", page.len());
                if let Some(folder) = &folder {
                    std::fs::write(folder.join(format!("{}-{reason}.html", language.tag())), page).unwrap();
                }
            }
        }
    }

    #[test]
    fn the_operators_words_stand_in_the_place_of_ours_in_their_language_alone() {
        let own = (Language::German, Reason::NoSeatAvailable, "Bitte im Kanal <#sitze> melden.".to_owned());
        let pages = DenialPages { texts: vec![own], ..DenialPages::default() };
        let german = page(Reason::NoSeatAvailable, None, Language::German, &pages);
        assert!(german.contains("<p>Bitte im Kanal &lt;#sitze&gt; melden.</p>"), "{german}");
        assert!(!german.contains(Reason::NoSeatAvailable.words(Language::German).detail));
        let english = page(Reason::NoSeatAvailable, None, Language::English, &pages);
        assert!(english.contains(Reason::NoSeatAvailable.detail()));
        let other = page(Reason::Expired, None, Language::German, &pages);
        assert!(other.contains(Reason::Expired.words(Language::German).detail));
    }

    #[test]
    fn a_contact_is_a_link_only_where_it_is_an_address() {
        for (given, shown) in [
            ("it@acme.example", "<a href=\"mailto:it@acme.example\">it@acme.example</a>"),
            ("https://it.acme.example/a?b=c&d", "<a href=\"https://it.acme.example/a?b=c&amp;d\">"),
            ("https://x\"onclick=\"y", "<a href=\"https://x&quot;onclick=&quot;y\">"),
            ("javascript:alert(1)", " javascript:alert(1)</p>"),
            ("http://it.acme.example", " http://it.acme.example</p>"),
            ("ask <Ada> & Bob", " ask &lt;Ada&gt; &amp; Bob</p>"),
            ("https://a b", " https://a b</p>"),
        ] {
            let page = page(Reason::Expired, None, Language::English, &contact(given));
            assert!(page.contains(shown), "{given}: {page}");
        }
    }

    #[test]
    fn what_is_put_into_the_page_is_escaped() {
        let mut escaped = String::new();
        escape("<a href=\"x\" b='&'>", &mut escaped);
        assert_eq!(escaped, "&lt;a href=&quot;x&quot; b=&#39;&amp;&#39;&gt;");
    }
}
