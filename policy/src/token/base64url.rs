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
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let (quads, rest) = text.as_chunks::<4>();
    let whole = quads.len() * 3;
    // With room for what the last letters stand for.
    let mut bytes = Vec::with_capacity(whole + 2);
    bytes.resize(whole, 0);
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

/// How long the text is that stands for so many bytes.
pub fn length(bytes: usize) -> usize {
    bytes.saturating_mul(4).div_ceil(3)
}

/// Whether `text` is what [`decode`] made these bytes of, to the letter.
pub fn is_of(text: &[u8], bytes: &[u8]) -> bool {
    if text.len() != length(bytes.len()) {
        return false;
    }
    let (sixes, last) = bytes.as_chunks();
    let (eights, last_letters) = text.as_chunks();
    let mut padded = [0; 6];
    padded.iter_mut().zip(last).for_each(|(place, byte)| *place = *byte);
    eights.iter().zip(sixes).all(|(eight, six)| u64::from_be_bytes(*eight) == letters(*six))
        && letters(padded).to_be_bytes().starts_with(last_letters)
}

/// The eight letters of six bytes, the first in the highest byte: all at once, as sessions compare some hundreds.
fn letters([a, b, c, d, e, f]: [u8; 6]) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let bits = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
    let halves = bits & 0xff_ffff | (bits & 0xffff_ff00_0000) << 8;
    let quarters = halves & 0x0000_0fff_0000_0fff | (halves & 0x00ff_f000_00ff_f000) << 4;
    let values = quarters & 0x003f_003f_003f_003f | (quarters & 0x0fc0_0fc0_0fc0_0fc0) << 2;
    // One in each byte whose value is no less than this.
    let from = |least: u64| (values + (0x80 - least) * EACH) >> 7 & EACH;
    values + u64::from(b'A') * EACH + 6 * from(26) + 49 * from(63) - 75 * from(52) - 13 * from(62)
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
    use super::{decode, is_of};
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
            prop_assert!(is_of(text.as_bytes(), &bytes));
            prop_assert_eq!(decode(text.as_bytes()), Some(bytes));
        }

        #[test]
        fn bytes_are_of_one_text_alone(
            bytes in prop::collection::vec(any::<u8>(), 0..60),
            others in prop::collection::vec(any::<u8>(), 0..60),
            odd in any::<u8>(),
            at in any::<prop::sample::Index>(),
        ) {
            let text = Base64UrlSafeNoPadding::encode_to_string(&bytes).unwrap().into_bytes();
            prop_assert_eq!(is_of(&text, &others), bytes == others);
            prop_assert!(!is_of(&[&text[..], b"A"].concat(), &bytes));
            prop_assert!(text.is_empty() || !is_of(&text[1..], &bytes));
            if !text.is_empty() {
                let mut changed = text.clone();
                changed[at.index(text.len())] = odd;
                prop_assert_eq!(is_of(&changed, &bytes), changed == text);
            }
        }
    }
}
