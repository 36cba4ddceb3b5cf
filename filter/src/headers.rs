//! Headers that no client may send on: what is taken off every request at the door, and how an identity's value is written.

use std::borrow::Cow;

use usher_policy::model::HeaderNames;
use usher_policy::scan::{self, Sought};

/// What the names of all identity headers of ours begin with, once folded.
const PREFIX: &[u8] = b"x-usher-";

/// Names by which a framework takes another path (IIS, Symfony, Laminas, Yii) or method (Rack, Express, Laravel, ASP.NET) for
/// the one that was asked for: access rules would have been asked about a request that it never sees.
const OVERRIDES: [&str; 6] = [
    "x-original-url",
    "x-original-uri",
    "x-rewrite-url",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
];

/// Which names a client must not be able to set: whatever folds to `x-usher-…`, to a configured name, or to one that makes
/// another request of it behind us.
#[derive(Debug)]
pub(crate) struct Reserved {
    /// Names that the prefix does not cover, folded.
    others: Vec<Vec<u8>>,
    /// A bit for each of their lengths: most headers have another, and are not compared with any.
    lengths: u64,
}

impl Reserved {
    /// Those of a policy.
    pub(crate) fn new(configured: &HeaderNames) -> Self {
        let names = configured.all().into_iter().chain(OVERRIDES);
        let folded = names.map(|name| name.bytes().map(fold).collect::<Vec<u8>>());
        let others: Vec<_> = folded.filter(|name| !name.starts_with(PREFIX)).collect();
        let lengths = others.iter().fold(0, |lengths, name| lengths | length_bit(name));
        Self { others, lengths }
    }

    /// The reserved ones among these names, as often as they are there.
    pub(crate) fn among<'a>(&self, names: impl Iterator<Item = &'a [u8]>) -> impl Iterator<Item = &'a [u8]> {
        names.filter(|name| self.has(name))
    }

    /// Whether a `connection` header asks the next hop to take one of them away (RFC 9110, 7.6.1). Envoy lets it through with an
    /// upgrade, and there it would be our own.
    pub(crate) fn are_nominated_by(&self, connection: &[u8]) -> bool {
        connection.split(|byte| *byte == b',').any(|option| self.has(option.trim_ascii()))
    }

    /// Whether this is one.
    pub(crate) fn has(&self, name: &[u8]) -> bool {
        name.get(..PREFIX.len()).is_some_and(|start| folds_to(start, PREFIX))
            || (self.lengths & length_bit(name) != 0 && self.others.iter().any(|other| folds_to(name, other)))
    }
}

/// All lengths from 63 bytes on share the last bit.
fn length_bit(name: &[u8]) -> u64 {
    1 << name.len().min(63)
}

/// Upstreams that build environment variables from headers see no difference between `-` and `_`, nor between cases.
fn fold(byte: u8) -> u8 {
    match byte {
        b'_' => b'-',
        _ => byte.to_ascii_lowercase(),
    }
}

fn folds_to(name: &[u8], folded: &[u8]) -> bool {
    name.len() == folded.len() && name.iter().zip(folded).all(|(own, other)| fold(*own) == *other)
}

/// A value as visible ASCII: `%` and every other byte is percent-encoded (design §4).
pub(crate) fn encode(value: &str) -> Cow<'_, str> {
    if scan::position(value.as_bytes(), Sought::ENCODED).is_none() {
        return Cow::Borrowed(value);
    }
    let stays = |byte: u8| byte.is_ascii_graphic() && byte != b'%';
    let mut encoded = String::with_capacity(value.len().saturating_mul(2));
    for byte in value.bytes() {
        if stays(byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push(hex_digit(byte >> 4));
            encoded.push(hex_digit(byte & 0x0f));
        }
    }
    Cow::Owned(encoded)
}

fn hex_digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0').to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn whatever_folds_to_our_prefix_or_a_configured_name_is_reserved() {
        let configured = HeaderNames { role: "X-Acme_Role".to_lowercase(), ..HeaderNames::default() };
        let reserved = Reserved::new(&configured);
        for name in [
            "x-usher-role",
            "X-Usher-Role",
            "x_usher_role",
            "x-usher_anything",
            "x-usher-",
            "X_USHER-reason",
            "x-acme-role",
            "x_acme_role",
            "X-ACME-ROLE",
        ] {
            assert!(reserved.among([name.as_bytes()].into_iter()).eq([name.as_bytes()]), "{name}");
        }
        for name in
            ["", "x-usher", "x-ushers-role", "usher-role", "x-acme-roles", "authorization", ":path", "xx-usher-role"]
        {
            assert_eq!(reserved.among([name.as_bytes()].into_iter()).count(), 0, "{name}");
        }
    }

    #[test]
    fn what_says_another_path_or_method_to_a_framework_is_reserved_in_every_fold() {
        let reserved = Reserved::new(&HeaderNames::default());
        let has = |name: &str| reserved.among([name.as_bytes()].into_iter()).count() == 1;
        for name in [
            "x-original-url",
            "x-original-uri",
            "x-rewrite-url",
            "x-http-method",
            "x-http-method-override",
            "x-method-override",
        ] {
            assert!(has(name) && has(&name.to_uppercase()) && has(&name.replace('-', "_")), "{name}");
        }
        for name in
            ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-prefix", "x-original-urls"]
        {
            assert!(!has(name), "{name}");
        }
    }

    #[test]
    fn a_connection_header_that_nominates_a_tag_is_known() {
        let reserved = Reserved::new(&HeaderNames { role: "x-acme-role".to_owned(), ..HeaderNames::default() });
        for connection in [
            "x-usher-role",
            "Upgrade, X-Usher-Seat-Tier",
            "upgrade,\tx_acme_role ,keep-alive",
            ",, x-usher-email",
            "x-usher-",
        ] {
            assert!(reserved.are_nominated_by(connection.as_bytes()), "{connection}");
        }
        for connection in
            ["", "upgrade", "Upgrade, http2-settings", "keep-alive, x-usher", "x-acme-roles", "x usher-role"]
        {
            assert!(!reserved.are_nominated_by(connection.as_bytes()), "{connection}");
        }
    }

    #[test]
    fn a_name_of_any_length_is_reserved() {
        for length in [1, 2, 62, 63, 64, 65, 127, 128, 200] {
            let name = "n".repeat(length);
            let reserved = Reserved::new(&HeaderNames { role: name.clone(), ..HeaderNames::default() });
            let has = |name: &str| reserved.among([name.as_bytes()].into_iter()).count() == 1;
            assert!(has(&name) && has(&name.to_uppercase()), "{length}");
            assert!(!has(&format!("{name}n")) && !has(&"n".repeat(length - 1)), "{length}");
        }
    }

    #[test]
    fn every_spelling_is_listed_as_it_is_spelled() {
        let names = [&b"x-usher-role"[..], b"accept", b"x_usher_role", b"x-usher-\xff"];
        let reserved = Reserved::new(&HeaderNames::default());
        assert!(reserved.among(names.into_iter()).eq([&b"x-usher-role"[..], b"x_usher_role", b"x-usher-\xff"]));
    }

    #[test]
    fn visible_ascii_stays_and_everything_else_is_encoded() {
        for (value, encoded) in [
            ("ada@acme.example", "ada@acme.example"),
            ("auth0|5f7", "auth0|5f7"),
            ("100%", "100%25"),
            ("a b", "a%20b"),
            ("a\r\nx: y", "a%0D%0Ax:%20y"),
            ("ü", "%C3%BC"),
            ("\0\x7f", "%00%7F"),
        ] {
            assert_eq!(encode(value), encoded, "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn an_encoded_value_is_visible_ascii_and_two_values_never_collide(a in ".*", b in ".*") {
            prop_assert!(encode(&a).bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert_eq!(a == b, encode(&a) == encode(&b));
        }
    }
}
