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
    /// Dot segments (encoded too), `%2f`, `%5c`, `%00`, `\`, `//`, `;`, `#`, non-ASCII and control bytes, a bad `%`,
    /// and whatever does not begin with `/`.
    pub fn parse(raw: &[u8]) -> Result<Self, AmbiguousPathError> {
        let end = raw.iter().position(|byte| *byte == b'?').unwrap_or(raw.len());
        let raw = raw.get(..end).unwrap_or(raw);
        if raw.first() != Some(&b'/') || raw.contains(&b'#') {
            return Err(AmbiguousPathError);
        }
        let mut path = String::with_capacity(raw.len());
        let mut bytes = raw.iter().copied();
        while let Some(byte) = bytes.next() {
            match byte {
                b'\\' | b';' | 0..=0x20 | 0x7f.. => return Err(AmbiguousPathError),
                b'%' => push_decoded(&mut path, bytes.next(), bytes.next())?,
                b'/' => path.push('/'),
                _ => push(&mut path, byte),
            }
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

/// Takes up an encoded byte, and refuses separators and NUL.
fn push_decoded(path: &mut String, high: Option<u8>, low: Option<u8>) -> Result<(), AmbiguousPathError> {
    let (Some(high), Some(low)) = (hex(high), hex(low)) else {
        return Err(AmbiguousPathError);
    };
    match high * 16 + low {
        b'/' | b'\\' | 0 => Err(AmbiguousPathError),
        byte => {
            push(path, byte);
            Ok(())
        }
    }
}

/// Writes a byte in its one spelling: as it is where a segment may have it (`pchar`, RFC 3986, 3.3), else encoded. Clients and
/// upstreams take both for the same. `;` alone, which may begin a parameter, is never written as it is.
fn push(path: &mut String, byte: u8) {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => path.push(char::from(byte)),
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
    fn a_prefix_ends_at_a_segment_boundary() {
        let path = |text: &str| NormalPath::parse(text.as_bytes()).unwrap();
        assert!(path("/eu").is_under("/eu"));
        assert!(path("/eu/").is_under("/eu"));
        assert!(path("/eu/x").is_under("/eu"));
        assert!(!path("/europe").is_under("/eu"));
        assert!(!path("/e").is_under("/eu"));
    }
}
