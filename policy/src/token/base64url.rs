//! Base64url as JOSE writes it (RFC 7515, 2): no padding, no white space, one spelling for every value.

use jwt_simple::reexports::ct_codecs::{Base64UrlSafeNoPadding, Decoder};

/// The bytes that `text` stands for; `None` where it has a byte outside the alphabet, padding, or trailing bits that are not zero.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    Base64UrlSafeNoPadding::decode_to_vec(text, None).ok()
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn a_value_has_one_spelling() {
        for (text, bytes) in
            [("", &b""[..]), ("AA", b"\0"), ("AAA", b"\0\0"), ("AQAB", b"\x01\0\x01"), ("-_8", b"\xfb\xff")]
        {
            assert_eq!(decode(text.as_bytes()).as_deref(), Some(bytes), "{text}");
        }
        for text in [
            "A", "AAAAA", "AB", "AAB", "AA=", "AA==", "AAA=", "AA A", "AA\n", " AA", "+/8", "A.A", "Aé", "AA\0A",
            "====",
        ] {
            assert_eq!(decode(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(decode(b"AA\xff\xff"), None);
    }
}
