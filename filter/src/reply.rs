//! How a denial is told: RFC 9457 problem details, or a small page where the client prefers HTML (design §4).

mod accept;
mod page;

use usher_policy::Reason;
use usher_policy::model::DenialPages;
use usher_policy::reason::Language;

use crate::header_map::HeaderMap;
use crate::json_object::JsonObject;

pub(crate) use accept::Media;

/// The longest request id that is passed on or shown.
const MAX_REQUEST_ID: usize = 128;

/// A local reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// The status.
    pub(crate) status: u16,
    /// The headers.
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    /// The body.
    pub(crate) body: String,
}

/// How and in which language the client likes to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Preference {
    /// A page or problem details.
    pub(crate) media: Media,
    /// The language of both.
    pub(crate) language: Language,
}

impl Preference {
    /// For whoever said nothing.
    pub(crate) const NONE: Self = Self { media: Media::Problem, language: Language::English };

    /// What a request's headers say.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        Self { media: accept::media(headers), language: accept::language(headers) }
    }
}

impl Reply {
    /// The reply to a request that is turned away for this reason.
    pub(crate) fn denial(reason: Reason, request_id: Option<&str>, wanted: Preference, pages: &DenialPages) -> Self {
        let Preference { media, language } = wanted;
        let (content_type, body) = match media {
            Media::Html => ("text/html; charset=utf-8", page::page(reason, request_id, language, pages)),
            Media::Problem => ("application/problem+json", problem(reason, request_id, language, pages)),
        };
        let mut headers = vec![
            ("content-type", content_type),
            ("content-language", language.tag()),
            ("cache-control", "no-store"),
            ("x-usher-reason", reason.code()),
            ("vary", "accept, accept-language"),
        ];
        if media == Media::Html {
            headers.push(("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"));
        }
        headers.extend(reason.challenge().map(|challenge| ("www-authenticate", challenge)));
        headers.extend(reason.retry_after().map(|seconds| ("retry-after", seconds)));
        Self { status: reason.status(), headers, body }
    }
}

/// The `x-request-id` as it may be shown and passed on: short, and of characters that mean nothing anywhere.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<&str> {
    let value = headers.first(b"x-request-id")?;
    let harmless = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    let fine = (1..=MAX_REQUEST_ID).contains(&value.len()) && value.iter().all(harmless);
    if fine { std::str::from_utf8(value).ok() } else { None }
}

fn problem(reason: Reason, request_id: Option<&str>, language: Language, pages: &DenialPages) -> String {
    JsonObject::new()
        .text("type", Some(&format!("urn:usher:reason:{reason}")))
        .text("title", Some(reason.words(language).title))
        .number("status", Some(reason.status().into()))
        .text("detail", Some(pages.detail(reason, language)))
        .text("reason", Some(reason.code()))
        .text("request_id", request_id)
        .end()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str, value: &[u8]) -> HeaderMap {
        HeaderMap::decode(HeaderMap::encode(&[(name, value)])).unwrap()
    }

    fn denial(reason: Reason, request_id: Option<&str>, wanted: Preference) -> Reply {
        Reply::denial(reason, request_id, wanted, &DenialPages::default())
    }

    #[test]
    fn a_request_id_is_shown_only_when_it_is_short_and_harmless() {
        for fine in ["a", "b3c1-45_6.7:8", &"x".repeat(128)] {
            assert_eq!(request_id(&header("x-request-id", fine.as_bytes())), Some(fine));
        }
        for bad in [&b""[..], b"a b", b"<b>", b"a\"", b"a\r\n", b"\xff", "x".repeat(129).as_bytes()] {
            assert_eq!(request_id(&header("x-request-id", bad)), None, "{bad:?}");
        }
        assert_eq!(request_id(&HeaderMap::default()), None);
    }

    #[test]
    fn problem_details_say_everything_of_the_table_for_every_reason() {
        for language in Language::ALL {
            for reason in Reason::ALL {
                let reply = denial(*reason, Some("r-1"), Preference { language, ..Preference::NONE });
                let body: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
                assert_eq!(reply.status, reason.status());
                assert_eq!(body["type"], format!("urn:usher:reason:{reason}"));
                assert_eq!(body["title"], reason.words(language).title);
                assert_eq!(body["status"], reason.status());
                assert_eq!(body["detail"], reason.words(language).detail);
                assert_eq!(body["reason"], reason.code());
                assert_eq!(body["request_id"], "r-1");
                assert!(reply.headers.contains(&("content-type", "application/problem+json")));
                assert!(reply.headers.contains(&("content-language", language.tag())));
            }
        }
    }

    #[test]
    fn every_denial_has_the_headers_that_go_with_it() {
        for reason in Reason::ALL {
            for media in [Media::Html, Media::Problem] {
                let reply = denial(*reason, None, Preference { media, language: Language::French });
                let value = |name| reply.headers.iter().find(|header| header.0 == name).map(|header| header.1);
                assert_eq!(value("cache-control"), Some("no-store"));
                assert_eq!(value("content-language"), Some("fr"));
                assert_eq!(value("vary"), Some("accept, accept-language"));
                assert_eq!(value("x-usher-reason"), Some(reason.code()));
                assert_eq!(value("www-authenticate"), reason.challenge(), "{reason}");
                assert_eq!(value("retry-after"), reason.retry_after(), "{reason}");
                assert_eq!(value("content-security-policy").is_some(), media == Media::Html);
            }
        }
    }

    #[test]
    fn the_operators_text_is_told_to_programs_too() {
        let own = (Language::English, Reason::NotAMember, "Ask \"IT\".".to_owned());
        let pages = DenialPages { texts: vec![own], ..DenialPages::default() };
        let reply = Reply::denial(Reason::NotAMember, None, Preference::NONE, &pages);
        let body: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
        assert_eq!(body["detail"], "Ask \"IT\".");
    }
}
