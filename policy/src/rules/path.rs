//! A request's path in the one form that rules are matched against (design §3, "Paths").

/// A path without query, dot segments or anything that the upstream might read differently; unreserved `%xx` is decoded.
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
                _ => path.push(char::from(byte)),
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

/// Decodes an unreserved byte (RFC 3986, 2.3), keeps any other encoded byte as it is, and refuses separators and controls.
fn push_decoded(path: &mut String, high: Option<u8>, low: Option<u8>) -> Result<(), AmbiguousPathError> {
    let (Some(high), Some(low)) = (hex(high), hex(low)) else {
        return Err(AmbiguousPathError);
    };
    let byte = high * 16 + low;
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => path.push(char::from(byte)),
        b'/' | b'\\' | 0 => return Err(AmbiguousPathError),
        _ => path.push_str(&format!("%{byte:02X}")),
    }
    Ok(())
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
