//! What a client prefers: `accept` and `accept-language` (RFC 9110, 12.5).

use usher_policy::reason::Language;

use crate::header_map::HeaderMap;

/// The most ranges of one header that are looked at.
const MAX_RANGES: usize = 64;

/// How the client likes to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    /// A page for a person.
    Html,
    /// Problem details for a program.
    Problem,
}

/// What the `accept` header prefers (RFC 9110, 12.5.1); a client that does not care gets problem details.
pub(super) fn media(headers: &HeaderMap) -> Media {
    let types: Vec<(&str, &str, u16)> = ranges(headers, b"accept")
        .filter_map(|(range, weight)| range.split_once('/').map(|(kind, subtype)| (kind, subtype, weight)))
        .collect();
    let html = quality(&types, "text", "html");
    let problem = quality(&types, "application", "problem+json").max(quality(&types, "application", "json"));
    if html > problem { Media::Html } else { Media::Problem }
}

/// What the `accept-language` header prefers of what there is (RFC 9110, 12.5.4; RFC 4647, 3.4): the first of those with
/// the greatest weight; regions are passed over. English, where there is nothing of it.
pub(super) fn language(headers: &HeaderMap) -> Language {
    let mut best = (Language::English, 0);
    for (range, weight) in ranges(headers, b"accept-language") {
        let primary = range.split('-').next().unwrap_or_default();
        let wanted = if primary == "*" { Some(Language::English) } else { Language::tagged(primary) };
        if let Some(language) = wanted.filter(|_| weight > best.1) {
            best = (language, weight);
        }
    }
    best.0
}

/// The ranges of a list header, each with its weight in thousandths.
fn ranges<'a>(headers: &'a HeaderMap, name: &'a [u8]) -> impl Iterator<Item = (&'a str, u16)> {
    let values = headers.all(name).filter_map(|value| std::str::from_utf8(value).ok());
    values.flat_map(|value| value.split(',')).take(MAX_RANGES).map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|parameter| parameter.strip_prefix("q=").or(parameter.strip_prefix("Q=")));
        (name, weight.map_or(1000, |weight| thousandths(weight).unwrap_or(0)))
    })
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
    fn a_client_is_told_in_the_language_that_it_prefers_of_those_there_are() {
        for (accept, expected) in [
            ("de", Language::German),
            ("DE-at", Language::German),
            ("fr-CA,fr;q=0.9,en;q=0.8", Language::French),
            ("nl, ja;q=0.5, es;q=0.7", Language::Spanish),
            ("en;q=0.4, de;q=0.5", Language::German),
            ("es, de", Language::Spanish),
            ("de;q=0, fr;q=0.1", Language::French),
            ("de;q=0", Language::English),
            ("*, de;q=0.9", Language::English),
            ("de, *", Language::German),
            ("nl, *;q=0.1", Language::English),
            ("ja;q=x, de;q=2", Language::English),
            ("japanese", Language::English),
            ("", Language::English),
        ] {
            assert_eq!(language(&header("accept-language", accept.as_bytes())), expected, "{accept}");
        }
        let many = format!("{}de", "nl,".repeat(MAX_RANGES));
        assert_eq!(language(&header("accept-language", many.as_bytes())), Language::English, "too far away");
        assert_eq!(language(&header("accept-language", b"de\xff")), Language::English);
        let two = HeaderMap::decode(HeaderMap::encode(&[("accept-language", "nl"), ("accept-language", "de;q=0.1")]));
        assert_eq!(language(&two.unwrap()), Language::German);
        assert_eq!(language(&HeaderMap::default()), Language::English);
    }
}
