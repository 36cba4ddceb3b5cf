//! Base64url as JOSE writes it (RFC 7515, 2): no padding, no white space, one spelling for every value.

mod letters;

use letters::{ZERO, bytes, four_letters, letters, three_bytes};

/// The bytes that `text` stands for; `None` where it has a byte outside the alphabet, padding, or trailing bits that are
/// not zero. Nothing that it reads is a secret, so it may take longer for one text than for another.
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let (blocks, rest) = text.as_chunks::<16>();
    let (quads, last) = rest.as_chunks::<4>();
    let whole = blocks.len() * 12;
    // With room for what the last letters stand for.
    let mut decoded = Vec::with_capacity(whole + 12);
    decoded.resize(whole, 0);
    let mut are_letters = true;
    for (block, twelve) in blocks.iter().zip(decoded.as_chunks_mut::<12>().0) {
        are_letters &= bytes(block, twelve);
    }
    for quad in quads {
        decoded.extend_from_slice(&three_bytes(*quad)?);
    }
    // Trailing bits must be zero: else one value had several spellings.
    match *last {
        [] => {}
        [a, b] => {
            let [byte, 0, _] = three_bytes([a, b, ZERO, ZERO])? else { return None };
            decoded.push(byte);
        }
        [a, b, c] => {
            let [one, two, 0] = three_bytes([a, b, c, ZERO])? else { return None };
            decoded.extend_from_slice(&[one, two]);
        }
        _ => return None,
    }
    are_letters.then_some(decoded)
}

/// How long the text is that stands for so many bytes.
pub fn length(bytes: usize) -> usize {
    bytes.saturating_mul(4).div_ceil(3)
}

/// What follows in `text` after the letters that [`decode`] makes these bytes of, if it begins with them.
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
pub fn strip<'a>(text: &'a [u8], bytes: &[u8]) -> Option<&'a [u8]> {
    let (text, after) = text.split_at_checked(length(bytes.len()))?;
    let (triples, last) = bytes.split_at_checked(bytes.len() - bytes.len() % 3)?;
    let (quads, last_letters) = text.split_at_checked(length(triples.len()))?;
    let (twelves, triples) = triples.as_chunks();
    let (blocks, quads) = quads.as_chunks();
    let mut different = 0;
    for (bytes, letters) in twelves.iter().zip(blocks) {
        different |= difference(bytes, letters);
    }
    for (bytes, letters) in triples.as_chunks().0.iter().zip(quads.as_chunks().0) {
        different |= u64::from(four_letters(*bytes) ^ u32::from_le_bytes(*letters));
    }
    let is_last = last.split_first().is_none_or(|(first, second)| {
        let padded = [*first, second.first().copied().unwrap_or(0), 0];
        four_letters(padded).to_le_bytes().starts_with(last_letters)
    });
    (different == 0 && is_last).then_some(after)
}

/// Zero, if these are the letters of the bytes.
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
#[inline]
fn difference(bytes: &[u8; 12], text: &[u8; 16]) -> u64 {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *text;
    let [first, second] = letters(*bytes);
    first ^ u64::from_le_bytes([a, b, c, d, e, f, g, h]) | second ^ u64::from_le_bytes([i, j, k, l, m, n, o, p])
}

#[cfg(test)]
mod tests {
    use super::{decode, strip};
    use jwt_simple::reexports::ct_codecs::{Base64UrlSafeNoPadding, Decoder as _, Encoder as _};
    use proptest::prelude::*;

    fn is_of(text: &[u8], bytes: &[u8]) -> bool {
        strip(text, bytes).is_some_and(<[u8]>::is_empty)
    }

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
            let longer = format!("{text}.A");
            prop_assert_eq!(strip(longer.as_bytes(), &bytes), Some(&b".A"[..]));
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
