//! Base64url as JOSE writes it (RFC 7515, 2): no padding, no white space, one spelling for every value.

/// Marks what is no character of the alphabet.
const NONE: u8 = 0x80;

/// What each byte stands for.
#[expect(clippy::indexing_slicing, reason = "a byte is an index of an array of 256, and this runs at compile time")]
const VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut rest: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut value = 0;
    while let [first, others @ ..] = rest {
        values[*first as usize] = value;
        value += 1;
        rest = others;
    }
    values
};

/// The bytes that `text` stands for; `None` where it has a byte outside the alphabet, padding, or trailing bits that are
/// not zero. Nothing that it reads is a secret, so it may take longer for one text than for another.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let (quads, rest) = text.as_chunks::<4>();
    let mut bytes = vec![0; quads.len() * 3];
    let mut seen = 0;
    for (quad, three) in quads.iter().zip(bytes.as_chunks_mut::<3>().0) {
        let [a, b, c, d] = quad.map(value);
        seen |= a | b | c | d;
        *three = [a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d];
    }
    match *rest {
        [] => {}
        [a, b] => {
            let [a, b] = [a, b].map(value);
            seen |= a | b | unless_zero(b & 0x0f);
            bytes.push(a << 2 | b >> 4);
        }
        [a, b, c] => {
            let [a, b, c] = [a, b, c].map(value);
            seen |= a | b | c | unless_zero(c & 0x03);
            bytes.extend_from_slice(&[a << 2 | b >> 4, b << 4 | c >> 2]);
        }
        _ => return None,
    }
    (seen & NONE == 0).then_some(bytes)
}

fn value(byte: u8) -> u8 {
    VALUES.get(usize::from(byte)).copied().unwrap_or(NONE)
}

/// Trailing bits must be zero: else one value had several spellings.
fn unless_zero(trailing: u8) -> u8 {
    if trailing == 0 { 0 } else { NONE }
}

#[cfg(test)]
mod tests {
    use super::decode;
    use jwt_simple::reexports::ct_codecs::{Base64UrlSafeNoPadding, Decoder as _, Encoder as _};
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn another_decoder_says_the_same(text in "[A-Za-z0-9_-]{0,70}", odd in prop::option::of((any::<u8>(), 0..70usize))) {
            let mut text = text.into_bytes();
            if let Some((byte, at)) = odd && let Some(place) = text.get_mut(at) {
                *place = byte;
            }
            prop_assert_eq!(decode(&text), Base64UrlSafeNoPadding::decode_to_vec(&text, None).ok());
        }

        #[test]
        fn what_is_encoded_is_decoded(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let text = Base64UrlSafeNoPadding::encode_to_string(&bytes).unwrap();
            prop_assert_eq!(decode(text.as_bytes()), Some(bytes));
        }
    }
}
