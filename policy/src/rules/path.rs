//! A request's path in the one form that rules are matched against (design §3, "Paths").

/// A path without query, dot segments or anything that the upstream might read differently. Each byte has one spelling: what
/// may stand in a path is decoded, everything else is `%XX`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NormalPath(String);

/// The path can be read in more than one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ambiguous path")]
pub struct AmbiguousPathError;

impl NormalPath {
    /// Reads the `:path` pseudo-header of a request.
    ///
    /// # Errors
    /// Dot segments, `\`, `//`, `;`, `#`, non-ASCII and control bytes, a bad `%`, and whatever does not begin with `/`;
    /// written encoded: dot segments, `/`, `\`, control bytes, what is no UTF-8, and what is encoded twice.
    pub fn parse(raw: &[u8]) -> Result<Self, AmbiguousPathError> {
        let end = raw.iter().position(|byte| *byte == b'?').unwrap_or(raw.len());
        let raw = raw.get(..end).unwrap_or(raw);
        if raw.first() != Some(&b'/') || raw.contains(&b'#') {
            return Err(AmbiguousPathError);
        }
        let mut path = String::with_capacity(raw.len());
        // What it is when it has been decoded, from the first byte on that is encoded.
        let mut text = Vec::new();
        let mut bytes = raw.iter().copied();
        while let Some(first) = bytes.next() {
            let byte = match first {
                b'\\' | b';' | 0..=0x20 | 0x7f.. => return Err(AmbiguousPathError),
                b'%' => decoded(bytes.next(), bytes.next()).ok_or(AmbiguousPathError)?,
                _ => first,
            };
            if first == b'%' || !text.is_empty() {
                text.push(byte);
            }
            push(&mut path, byte);
        }
        // Some decoders take more bytes for a `/` or a `.` than the one that has it in UTF-8 (RFC 3629, 3 and 10), and who
        // decodes once more would read another path.
        if std::str::from_utf8(&text).is_err() || text.windows(3).any(is_encoded) {
            return Err(AmbiguousPathError);
        }
        let mut segments = path.split('/').skip(1).peekable();
        while let Some(segment) = segments.next() {
            let empty_inside = segment.is_empty() && segments.peek().is_some();
            if empty_inside || segment == "." || segment == ".." {
                return Err(AmbiguousPathError);
            }
        }
        Ok(Self(path))
    }

    /// The path as text; begins with `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the path is the prefix itself or lies below it, on a segment boundary.
    pub fn is_under(&self, prefix: &str) -> bool {
        match self.0.strip_prefix(prefix) {
            Some(rest) => rest.is_empty() || rest.starts_with('/'),
            None => false,
        }
    }

    /// Its first so many bytes, where it lies under them.
    pub fn prefix(&self, length: usize) -> Option<&str> {
        self.0.get(..length).filter(|prefix| self.is_under(prefix))
    }
}

/// An encoded byte that means the same to everybody: no separator, no control character.
fn decoded(high: Option<u8>, low: Option<u8>) -> Option<u8> {
    let byte = hex(high)? * 16 + hex(low)?;
    (!matches!(byte, b'/' | b'\\' | 0..0x20 | 0x7f)).then_some(byte)
}

fn is_encoded(bytes: &[u8]) -> bool {
    matches!(bytes, [b'%', digits @ ..] if digits.iter().all(u8::is_ascii_hexdigit))
}

/// Writes a byte in its one spelling: as it is where a segment may have it (`pchar`, RFC 3986, 3.3), else encoded. Clients and
/// upstreams take both for the same. `;` alone, which may begin a parameter, is never written as it is.
fn push(path: &mut String, byte: u8) {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => path.push(char::from(byte)),
        b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=' | b':' | b'@' => {
            path.push(char::from(byte))
        }
        _ => path.push_str(&format!("%{byte:02X}")),
    }
}

fn hex(digit: Option<u8>) -> Option<u8> {
    char::from(digit?).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::NormalPath;

    #[test]
    fn unreserved_bytes_are_decoded_and_the_query_is_ignored() {
        for (raw, path) in [
            ("/", "/"),
            ("/admin", "/admin"),
            ("/admin/", "/admin/"),
            ("/%61dmin", "/admin"),
            ("/a%2Db?x=/../;#", "/a-b"),
            ("/a%20b", "/a%20b"),
            ("/a%3bb", "/a%3Bb"),
            ("/caf%c3%a9", "/caf%C3%A9"),
            ("/...", "/..."),
            ("/.well-known/x", "/.well-known/x"),
            ("/100%25", "/100%25"),
            ("/100%25/a", "/100%25/a"),
            ("/5%25-off", "/5%25-off"),
            ("/%25%25a", "/%25%25a"),
            ("/%e6%97%a5%F0%9F%8E%9F", "/%E6%97%A5%F0%9F%8E%9F"),
        ] {
            assert_eq!(NormalPath::parse(raw.as_bytes()).map(|p| p.0), Ok(path.to_owned()), "{raw}");
        }
    }

    #[test]
    fn every_byte_has_one_spelling_whether_it_comes_encoded_or_not() {
        for byte in 0x21..0x7f_u8 {
            let raw = NormalPath::parse(&[b"/a", &[byte][..], b"b"].concat());
            let encoded = NormalPath::parse(format!("/a%{byte:02x}b").as_bytes());
            match byte {
                // A separator, the query's, the fragment's and the encoding's own mark mean something else as they are.
                b'/' | b'?' | b'#' | b'%' | b';' => assert_ne!(raw, encoded, "{byte}"),
                _ => assert_eq!(raw, encoded, "{byte}"),
            }
        }
        for (raw, path) in
            [("/%40admin/x", "/@admin/x"), ("/v1/users%3Aexport", "/v1/users:export"), ("/{id}", "/%7Bid%7D")]
        {
            assert_eq!(NormalPath::parse(raw.as_bytes()).map(|p| p.0), Ok(path.to_owned()), "{raw}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        for raw in [
            "",
            "*",
            "admin",
            "http://h/admin",
            "//",
            "//admin",
            "/a//b",
            "/a//",
            "/.",
            "/..",
            "/./a",
            "/a/..",
            "/a/../b",
            "/a/.",
            "/%2e",
            "/%2E%2e/a",
            "/a/%2e%2e",
            "/.%2e/a",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a%5Cb",
            "/a\\b",
            "/a%00",
            "/a;b",
            "/a;",
            "/a#b",
            "/a%",
            "/a%2",
            "/a%zz",
            "/a%+1",
            "/é",
            "/a b",
            "/a\tb",
            "/a\x7fb",
            "/a#?b",
        ] {
            assert!(NormalPath::parse(raw.as_bytes()).is_err(), "{raw:?}");
        }
        assert!(NormalPath::parse(b"/a\xff").is_err());
    }

    #[test]
    fn encoded_bytes_that_are_no_text_are_refused() {
        for raw in [
            "/%c0%ae%c0%ae/a",
            "/%C0%AE./a",
            "/..%c0%afa",
            "/a%c1%9cb",
            "/%e0%80%ae%e0%80%ae/a",
            "/%e0%80%afa",
            "/%f0%80%80%af",
            "/%f8%80%80%80%af",
            "/a%c0%80",
            "/a%80b",
            "/a%ae",
            "/a%c3",
            "/a%c3/%a9",
            "/a%c3b%a9",
            "/%ed%a0%80",
            "/%f4%90%80%80",
            "/a%fe",
            "/a%ff",
        ] {
            assert!(NormalPath::parse(raw.as_bytes()).is_err(), "{raw:?}");
        }
        for byte in (0..0x20_u8).chain([0x7f]) {
            for raw in [format!("/a%{byte:02x}"), format!("/a/..%{byte:02X}/b"), format!("/%{byte:02x}a")] {
                assert!(NormalPath::parse(raw.as_bytes()).is_err(), "{raw:?}");
            }
        }
    }

    #[test]
    fn what_is_encoded_twice_is_refused() {
        for raw in [
            "/%252e%252e/a",
            "/%252E./a",
            "/..%252fa",
            "/..%252Fa",
            "/a%255cb",
            "/a%255Cb",
            "/a%2500",
            "/a%25252e",
            "/a%2525",
            "/a%253bb",
            "/a%2509",
            "/%25c0%25ae/a",
            "/%2561dmin",
            "/a%2520b",
            "/a%25%32e",
            "/a%252%65",
            "/a%25%32%65",
            "/a%25%61%62",
        ] {
            assert!(NormalPath::parse(raw.as_bytes()).is_err(), "{raw:?}");
        }
    }

    /// As an upstream decodes that leaves alone what it cannot.
    fn decode(path: &[u8]) -> Vec<u8> {
        let (mut read, mut rest) = (Vec::new(), path);
        while let Some((first, more)) = rest.split_first() {
            let byte = match rest {
                [b'%', digits @ ..] => digits.get(..2).and_then(|digits| std::str::from_utf8(digits).ok()),
                _ => None,
            };
            match byte.filter(|digits| !digits.starts_with('+')).and_then(|digits| u8::from_str_radix(digits, 16).ok())
            {
                Some(byte) => {
                    read.push(byte);
                    rest = &rest[3..];
                }
                None => {
                    read.push(*first);
                    rest = more;
                }
            }
        }
        read
    }

    proptest! {
        #[test]
        fn whoever_decodes_it_once_or_more_often_reads_the_same(
            parts in proptest::collection::vec(prop_oneof![
                3 => "%(25|2[ef]|5c|00|0[9ad]|7f|3[b2]|6[15]|c0|c3|a[9ef]|e0|80|f0|ff)",
                1 => "%25(2[ef5]|[0-9a-f]{2}|%3[0-9]|[g-z%])",
                3 => "[/.a%25ef;]",
                1 => "%[0-9a-fA-F]{2}",
                1 => "[!-~]{0,3}",
            ], 0..12),
        ) {
            let raw = format!("/{}", parts.concat());
            if let Ok(path) = NormalPath::parse(raw.as_bytes()) {
                let asked = raw.split('?').next().unwrap();
                let once = decode(asked.as_bytes());
                prop_assert_eq!(&decode(path.as_str().as_bytes()), &once, "another path");
                prop_assert_eq!(&decode(&once), &once, "encoded twice");
                let text = std::str::from_utf8(&once).expect("text");
                prop_assert!(!text.contains(|c: char| c.is_ascii_control() || c == '\\'), "{:?}", text);
                prop_assert!(text.split('/').skip(1).all(|segment| segment != "." && segment != ".."), "{:?}", text);
                prop_assert_eq!(text.matches('/').count(), asked.matches('/').count());
                prop_assert_eq!(NormalPath::parse(path.as_str().as_bytes()), Ok(path));
            }
        }
    }

    #[test]
    fn a_prefix_ends_at_a_segment_boundary() {
        let path = |text: &str| NormalPath::parse(text.as_bytes()).unwrap();
        assert!(path("/eu").is_under("/eu"));
        assert!(path("/eu/").is_under("/eu"));
        assert!(path("/eu/x").is_under("/eu"));
        assert!(!path("/europe").is_under("/eu"));
        assert!(!path("/e").is_under("/eu"));
    }
}
