//! Looking for a byte eight at a time: most of what a token and an answer are made of is looked at only to find its end.

/// One in each byte.
const EACH: u64 = 0x0101_0101_0101_0101;
/// The highest bit of each byte.
const MARKS: u64 = 0x80 * EACH;

/// Marks the first byte that is this one; what it marks after that is not to be relied on.
pub(crate) fn is(eight: u64, byte: u8) -> u64 {
    is_below(eight ^ (u64::from(byte) * EACH), 1)
}

/// Marks the first byte that is less than this, of at most 0x80; what it marks after that is not to be relied on.
pub(crate) fn is_below(eight: u64, least: u8) -> u64 {
    eight.wrapping_sub(u64::from(least) * EACH) & !eight & MARKS
}

/// Marks every byte that is no ASCII.
pub(crate) fn is_above_ascii(eight: u64) -> u64 {
    eight & MARKS
}

/// The place of the first byte that is marked.
pub(crate) fn position(bytes: &[u8], marked: impl Fn(u64) -> u64) -> Option<usize> {
    let (eights, rest) = bytes.as_chunks::<8>();
    let mut at = 0;
    for eight in eights {
        let marks = marked(u64::from_le_bytes(*eight));
        if marks != 0 {
            return Some(at + place(marks));
        }
        at += 8;
    }
    let mut last = [0; 8];
    last.iter_mut().zip(rest).for_each(|(place, byte)| *place = *byte);
    let marks = marked(u64::from_le_bytes(last));
    // What stands behind the end is not there.
    Some(at + place(marks)).filter(|at| *at < bytes.len())
}

/// Of eight bytes the first that is marked; without a mark, none of them.
fn place(marks: u64) -> usize {
    usize::try_from(marks.trailing_zeros() / 8).unwrap_or(8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_first_that_is_looked_for_is_found_wherever_it_stands(
            bytes in prop::collection::vec(prop_oneof![Just(b'"'), Just(0), 0x1e..0x22_u8, any::<u8>()], 0..40),
            plain in 0..40_usize,
        ) {
            let bytes = [&b"\x80 \xff~!".repeat(9)[..plain], &bytes].concat();
            let expected = bytes.iter().position(|byte| *byte == b'"' || *byte < 0x20);
            prop_assert_eq!(position(&bytes, |eight| is(eight, b'"') | is_below(eight, 0x20)), expected);
            let quote = bytes.iter().position(|byte| *byte == b'"');
            prop_assert_eq!(position(&bytes, |eight| is(eight, b'"')), quote);
            let zero = bytes.iter().position(|byte| *byte == 0);
            prop_assert_eq!(position(&bytes, |eight| is(eight, 0)), zero);
        }
    }
}
