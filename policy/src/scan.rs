//! Looking for a byte sixteen at a time: most of what a token and an answer are made of is looked at only to find its end.

/// Which bytes are looked for: either of two, whatever is below one, and whatever is above one.
#[derive(Clone, Copy, Debug)]
pub struct Sought {
    /// These two.
    pub either: [u8; 2],
    /// All that are less than this.
    pub below: u8,
    /// All that are more than this.
    pub above: u8,
}

impl Sought {
    /// This byte, and no other.
    pub const fn byte(byte: u8) -> Self {
        Self { either: [byte; 2], below: 0, above: u8::MAX }
    }

    /// What is percent-encoded in a tag: whatever is no visible ASCII, and `%` (design §4).
    pub const ENCODED: Self = Self { either: [b'%'; 2], below: b'!', above: b'~' };

    /// Whatever is no visible ASCII, nor a space.
    pub const UNPRINTABLE: Self = Self { either: [0x7f; 2], below: b' ', above: b'~' };
}

/// The place of the first byte that is sought.
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
pub fn position(bytes: &[u8], sought: Sought) -> Option<usize> {
    let (blocks, rest) = bytes.as_chunks();
    let mut at = 0;
    for block in blocks {
        let marks = marks(block, sought);
        if marks != 0 {
            return Some(at + place(marks));
        }
        at += BLOCK;
    }
    if rest.is_empty() {
        return None;
    }
    let (marks, before) = match bytes.last_chunk() {
        // The last sixteen have some once more of those before.
        Some(last) => (marks(last, sought), BLOCK - rest.len()),
        None => {
            let mut last = [0; BLOCK];
            last.iter_mut().zip(rest).for_each(|(place, byte)| *place = *byte);
            (marks(&last, sought), 0)
        }
    };
    // What stands behind the end is not there.
    Some(at + place(marks >> before)).filter(|at| *at < bytes.len())
}

/// Whether both are the same. Compares eight bytes at a time: what the target's library does for bytes takes one after the other.
pub fn is_same(one: &[u8], other: &[u8]) -> bool {
    let (words, rest) = one.as_chunks::<8>();
    let (other_words, other_rest) = other.as_chunks::<8>();
    one.len() == other.len()
        && words.iter().zip(other_words).all(|(own, other)| u64::from_le_bytes(*own) == u64::from_le_bytes(*other))
        && rest.iter().zip(other_rest).all(|(own, other)| own == other)
}

/// How many bytes both begin with.
pub fn alike(one: &[u8], other: &[u8]) -> usize {
    let eights = one.as_chunks().0.iter().zip(other.as_chunks().0);
    let mut at = 0;
    for (own, other) in eights {
        let different = u64::from_le_bytes(*own) ^ u64::from_le_bytes(*other);
        if different != 0 {
            return at + usize::try_from(different.trailing_zeros() / 8).unwrap_or(0);
        }
        at += 8;
    }
    let rests = one.get(at..).unwrap_or_default().iter().zip(other.get(at..).unwrap_or_default());
    at + rests.take_while(|(own, other)| own == other).count()
}

const BLOCK: usize = 16;

/// The first of sixteen that is marked; without a mark, none of them.
fn place(marks: u16) -> usize {
    usize::try_from(marks.trailing_zeros()).unwrap_or(BLOCK)
}

/// A bit for each byte that is sought, the lowest for the first: in the filter by the vector instructions that V8 has wherever
/// Envoy runs.
#[cfg(target_arch = "wasm32")]
#[target_feature(enable = "simd128")]
#[inline]
fn marks(block: &[u8; BLOCK], Sought { either: [one, other], below, above }: Sought) -> u16 {
    use std::arch::wasm32 as simd;

    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *block;
    let [low, high] = [[a, b, c, d, e, f, g, h], [i, j, k, l, m, n, o, p]].map(u64::from_le_bytes);
    let block = simd::u64x2(low, high);
    let is = |byte| simd::i8x16_eq(block, simd::u8x16_splat(byte));
    let is_beyond =
        simd::v128_or(simd::u8x16_lt(block, simd::u8x16_splat(below)), simd::u8x16_gt(block, simd::u8x16_splat(above)));
    simd::u8x16_bitmask(simd::v128_or(simd::v128_or(is(one), is(other)), is_beyond))
}

/// Everywhere else one after the other.
#[cfg(not(target_arch = "wasm32"))]
fn marks(block: &[u8; BLOCK], Sought { either, below, above }: Sought) -> u16 {
    let is_sought = |byte: &u8| either.contains(byte) || *byte < below || *byte > above;
    block.iter().rev().fold(0, |marks, byte| marks << 1 | u16::from(is_sought(byte)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![Just(b'"'), Just(0), 0x1e..0x22_u8, 0x7d..0x82_u8, any::<u8>()];
        let plain = (0..80_usize).prop_map(|length| b"abc !~".repeat(14)[..length].to_vec());
        (plain, prop::collection::vec(byte, 0..40)).prop_map(|(plain, bytes)| [plain, bytes].concat())
    }

    proptest! {
        #[test]
        fn the_first_that_is_sought_is_found_wherever_it_stands(
            bytes in bytes(), either in prop_oneof![Just([b'"', b'\\']), any::<[u8; 2]>()],
            below in prop_oneof![Just(0), Just(0x20), any::<u8>()], above in prop_oneof![Just(0xff), Just(0x7e), any::<u8>()],
        ) {
            let is_sought = |byte: &u8| either.contains(byte) || *byte < below || *byte > above;
            let expected = bytes.iter().position(is_sought);
            prop_assert_eq!(position(&bytes, Sought { either, below, above }), expected);
            let [byte, _] = either;
            prop_assert_eq!(position(&bytes, Sought::byte(byte)), bytes.iter().position(|other| *other == byte));
            let unprintable = bytes.iter().position(|byte| !matches!(byte, b' '..=b'~'));
            prop_assert_eq!(position(&bytes, Sought::UNPRINTABLE), unprintable);
        }

        #[test]
        fn two_are_as_far_alike_as_they_are(bytes in bytes(), at in any::<prop::sample::Index>(), other in any::<u8>(), cut in 0..9_usize) {
            prop_assert!(is_same(&bytes, &bytes.clone()));
            prop_assert_eq!(alike(&bytes, &bytes.clone()), bytes.len());
            let mut changed = bytes.clone();
            if !changed.is_empty() {
                let at = at.index(changed.len());
                changed[at] = other;
            }
            changed.truncate(changed.len().saturating_sub(cut));
            let expected = bytes.iter().zip(&changed).take_while(|(one, other)| one == other).count();
            prop_assert_eq!(alike(&bytes, &changed), expected);
            prop_assert_eq!(alike(&changed, &bytes), expected);
            prop_assert_eq!(is_same(&bytes, &changed), bytes == changed);
        }

        #[test]
        fn short_ones_that_differ_anywhere_do(
            one in prop::collection::vec(0..2_u8, 0..20), other in prop::collection::vec(0..2_u8, 0..20),
        ) {
            prop_assert_eq!(is_same(&one, &other), one == other);
            prop_assert_eq!(alike(&one, &other), one.iter().zip(&other).take_while(|(one, other)| one == other).count());
        }
    }
}
