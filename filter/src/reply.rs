//! How a denial is told: RFC 9457 problem details, or a small page where the client prefers HTML (design §4).

use serde_json::json;
use usher_policy::Reason;

use crate::header_map::HeaderMap;

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

/// How the client likes to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    /// A page for a person.
    Html,
    /// Problem details for a program.
    Problem,
}

impl Reply {
    /// The reply to a request that is turned away for this reason.
    pub(crate) fn denial(reason: Reason, request_id: Option<&str>, media: Media) -> Self {
        let (content_type, body) = match media {
            Media::Html => ("text/html; charset=utf-8", page(reason, request_id)),
            Media::Problem => ("application/problem+json", problem(reason, request_id)),
        };
        let mut headers = vec![
            ("content-type", content_type),
            ("cache-control", "no-store"),
            ("x-usher-reason", reason.code()),
            ("vary", "accept"),
        ];
        if media == Media::Html {
            headers.push(("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'"));
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

/// What the `accept` header prefers (RFC 9110, 12.5.1); a client that does not care gets problem details.
pub(crate) fn media(headers: &HeaderMap) -> Media {
    let accepts = headers.all(b"accept").filter_map(|value| std::str::from_utf8(value).ok());
    let ranges: Vec<(&str, &str, u16)> =
        accepts.flat_map(|value| value.split(',').take(64)).filter_map(media_range).collect();
    let html = quality(&ranges, "text", "html");
    let problem = quality(&ranges, "application", "problem+json").max(quality(&ranges, "application", "json"));
    if html > problem { Media::Html } else { Media::Problem }
}

/// Type, subtype and quality in thousandths of one media range.
fn media_range(range: &str) -> Option<(&str, &str, u16)> {
    let mut parts = range.split(';').map(str::trim);
    let (kind, subtype) = parts.next()?.split_once('/')?;
    let weight = parts.find_map(|parameter| parameter.strip_prefix("q=").or(parameter.strip_prefix("Q=")));
    Some((kind, subtype, weight.map_or(1000, |weight| thousandths(weight).unwrap_or(0))))
}

/// A weight (RFC 9110, 12.4.2): `0` or `1` with up to three decimals, no more than 1.
fn thousandths(weight: &str) -> Option<u16> {
    let (whole, decimals) = weight.split_once('.').unwrap_or((weight, ""));
    if !matches!(whole, "0" | "1") || decimals.len() > 3 || !decimals.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    format!("{whole}{decimals:0<3}").parse().ok().filter(|weight| *weight <= 1000)
}

/// The quality of a type: of the ranges that match it the most specific decides.
fn quality(ranges: &[(&str, &str, u16)], kind: &str, subtype: &str) -> u16 {
    let specificity = |range: &(&str, &str, u16)| match (range.0, range.1) {
        ("*", "*") => Some(0),
        (k, "*") if k.eq_ignore_ascii_case(kind) => Some(1),
        (k, s) if k.eq_ignore_ascii_case(kind) && s.eq_ignore_ascii_case(subtype) => Some(2),
        _ => None,
    };
    let best = ranges.iter().filter_map(|range| Some((specificity(range)?, range.2))).max();
    best.map_or(0, |(_, weight)| weight)
}

fn problem(reason: Reason, request_id: Option<&str>) -> String {
    let mut members = json!({
        "type": format!("urn:usher:reason:{reason}"),
        "title": reason.title(),
        "status": reason.status(),
        "detail": reason.detail(),
        "reason": reason.code(),
    });
    if let (Some(members), Some(request_id)) = (members.as_object_mut(), request_id) {
        members.insert("request_id".to_owned(), request_id.into());
    }
    members.to_string()
}

fn page(reason: Reason, request_id: Option<&str>) -> String {
    let title = escape(reason.title());
    let detail = escape(reason.detail());
    let reference = request_id.map_or(String::new(), |id| format!(" &middot; <code>{}</code>", escape(id)));
    format!(
        "<!doctype html>\n\
         <html lang=\"en\">\n\
         <head>\n\
         <meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"robots\" content=\"noindex\">\n\
         <title>{title}</title>\n\
         <style>\n\
         :root {{ color-scheme: light dark; font: 1.125rem/1.5 system-ui, sans-serif; }}\n\
         main {{ max-width: 34rem; margin: 15vh auto 0; padding: 0 1.5rem; }}\n\
         footer {{ margin-top: 2rem; font-size: .875rem; overflow-wrap: anywhere; }}\n\
         </style>\n\
         </head>\n\
         <body>\n\
         <main>\n\
         <h1>{title}</h1>\n\
         <p>{detail}</p>\n\
         <footer><p>For your administrator: <code>{code}</code>{reference}</p></footer>\n\
         </main>\n\
         </body>\n\
         </html>\n",
        code = reason.code(),
    )
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str, value: &[u8]) -> HeaderMap {
        HeaderMap::decode(HeaderMap::encode(&[(name, value)])).unwrap()
    }

    #[test]
    fn a_client_gets_html_only_where_it_prefers_it() {
        for (accept, expected) in [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", Media::Html),
            ("text/html", Media::Html),
            ("TEXT/HTML", Media::Html),
            ("text/*, application/json;q=0.5", Media::Html),
            ("application/json;q=0.4, text/html;q=0.5", Media::Html),
            ("*/*", Media::Problem),
            ("", Media::Problem),
            ("application/json", Media::Problem),
            ("application/json, text/html", Media::Problem),
            ("application/problem+json, text/html;q=0.9", Media::Problem),
            ("text/html;q=0, */*", Media::Problem),
            ("text/html;q=x", Media::Problem),
            ("text/html;q=2", Media::Problem),
            ("text/html;q=1.001", Media::Problem),
            ("text/html;q=0.001", Media::Html),
            ("text/html;q=0.51, */*;q=0.509", Media::Html),
            ("text/html;q=0.0001", Media::Problem),
            ("garbage", Media::Problem),
        ] {
            assert_eq!(media(&header("accept", accept.as_bytes())), expected, "{accept}");
        }
        assert_eq!(media(&header("accept", b"text/html\xff")), Media::Problem);
        assert_eq!(media(&HeaderMap::default()), Media::Problem);
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
        for reason in Reason::ALL {
            let reply = Reply::denial(*reason, Some("r-1"), Media::Problem);
            let body: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
            assert_eq!(reply.status, reason.status());
            assert_eq!(body["type"], format!("urn:usher:reason:{reason}"));
            assert_eq!(body["title"], reason.title());
            assert_eq!(body["status"], reason.status());
            assert_eq!(body["detail"], reason.detail());
            assert_eq!(body["reason"], reason.code());
            assert_eq!(body["request_id"], "r-1");
            assert!(reply.headers.contains(&("content-type", "application/problem+json")));
        }
    }

    #[test]
    fn every_denial_has_the_headers_that_go_with_it() {
        for reason in Reason::ALL {
            for media in [Media::Html, Media::Problem] {
                let reply = Reply::denial(*reason, None, media);
                let value = |name| reply.headers.iter().find(|header| header.0 == name).map(|header| header.1);
                assert_eq!(value("cache-control"), Some("no-store"));
                assert_eq!(value("x-usher-reason"), Some(reason.code()));
                assert_eq!(value("www-authenticate"), reason.challenge(), "{reason}");
                assert_eq!(value("retry-after"), reason.retry_after(), "{reason}");
            }
        }
    }

    #[test]
    fn the_page_names_its_language_title_and_reason_and_loads_nothing() {
        let reply = Reply::denial(Reason::NoSeatAvailable, Some("r-1"), Media::Html);
        for part in
            ["<html lang=\"en\">", "<title>No seat available</title>", "<h1>No seat available</h1>", "<main>", "r-1"]
        {
            assert!(reply.body.contains(part), "{part}");
        }
        for foreign in ["src=", "href=", "http", "<script", "url("] {
            assert!(!reply.body.contains(foreign), "{foreign}");
        }
    }

    #[test]
    fn what_is_put_into_the_page_is_escaped() {
        assert_eq!(escape("<a href=\"x\" b='&'>"), "&lt;a href=&quot;x&quot; b=&#39;&amp;&#39;&gt;");
    }
}
