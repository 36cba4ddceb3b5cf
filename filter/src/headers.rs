//! Identity headers: what is taken off every request at the door, and how a value is written.

use usher_policy::model::HeaderNames;

/// What the names of all identity headers of ours begin with, once folded.
const PREFIX: &str = "x-usher-";

/// The names among these that a client must not be able to set: whatever folds to `x-usher-…` or to a configured name.
pub(crate) fn reserved<'a>(names: impl Iterator<Item = &'a str>, configured: &HeaderNames) -> Vec<&'a str> {
    let mut found: Vec<&str> = names.filter(|name| is_reserved(name, configured)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn is_reserved(name: &str, configured: &HeaderNames) -> bool {
    let name = fold(name);
    name.starts_with(PREFIX) || configured.all().into_iter().any(|identity| fold(identity) == name)
}

/// Upstreams that build environment variables from headers see no difference between `-` and `_`, nor between cases.
fn fold(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

/// Writes a value as visible ASCII: `%` and every other byte is percent-encoded (design §4).
pub(crate) fn encode(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'%' | 0..=0x20 | 0x7f.. => {
                encoded.push('%');
                encoded.push(hex_digit(byte >> 4));
                encoded.push(hex_digit(byte & 0x0f));
            }
            _ => encoded.push(char::from(byte)),
        }
    }
    encoded
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
            assert_eq!(reserved([name].into_iter(), &configured), [name], "{name}");
        }
        for name in
            ["x-usher", "x-ushers-role", "usher-role", "x-acme-roles", "authorization", ":path", "xx-usher-role"]
        {
            assert!(reserved([name].into_iter(), &configured).is_empty(), "{name}");
        }
    }

    #[test]
    fn a_repeated_name_is_listed_once() {
        let names = ["x-usher-role", "accept", "x-usher-role", "x_usher_role"];
        assert_eq!(reserved(names.into_iter(), &HeaderNames::default()), ["x-usher-role", "x_usher_role"]);
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
