//! Sixteen letters and the twelve bytes that they stand for, all at once, as every request has hundreds.

/// The letter for no bits at all.
pub(super) const ZERO: u8 = b'A';

/// The bit that no value of a letter has.
const LETTER: u8 = 0x80;

/// The letters of twelve bytes: the first eight, then the others, the first of each in the lowest byte. In the filter by the
/// vector instructions that V8 has wherever Envoy runs.
#[cfg(target_arch = "wasm32")]
#[target_feature(enable = "simd128")]
#[inline]
pub(super) fn letters(bytes: [u8; 12]) -> [u64; 2] {
    use std::arch::wasm32 as simd;

    let [a, b, c, d, e, f, g, h, i, j, k, l] = bytes;
    let bytes = simd::u64x2(u64::from_le_bytes([a, b, c, d, e, f, g, h]), u64::from_le_bytes([i, j, k, l, 0, 0, 0, 0]));
    let bits = simd::i8x16_shuffle::<2, 1, 0, 12, 5, 4, 3, 12, 8, 7, 6, 12, 11, 10, 9, 12>(bytes, bytes);
    let either = |one, other| simd::v128_or(one, other);
    let of = |bits, mask| simd::v128_and(bits, simd::u32x4_splat(mask));
    let values = either(
        either(simd::u32x4_shr(bits, 18), of(simd::u32x4_shr(bits, 4), 0x3f00)),
        either(of(simd::u32x4_shl(bits, 10), 0x003f_0000), of(simd::u32x4_shl(bits, 24), 0x3f00_0000)),
    );
    let beyond =
        |most, change| simd::v128_and(simd::i8x16_gt(values, simd::i8x16_splat(most)), simd::i8x16_splat(change));
    let changes = [beyond(25, 6), beyond(51, -75), beyond(61, -13), beyond(62, 49)];
    let letters = changes
        .into_iter()
        .fold(simd::i8x16_add(values, simd::u8x16_splat(b'A')), |all, one| simd::i8x16_add(all, one));
    [simd::u64x2_extract_lane::<0>(letters), simd::u64x2_extract_lane::<1>(letters)]
}

/// Everywhere else in words.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn letters([a, b, c, d, e, f, g, h, i, j, k, l]: [u8; 12]) -> [u64; 2] {
    [[a, b, c, d, e, f], [g, h, i, j, k, l]]
        .map(|[a, b, c, d, e, f]| u64::from(four_letters([a, b, c])) | u64::from(four_letters([d, e, f])) << 32)
}

/// Writes what sixteen letters stand for, and says whether all of them are letters.
#[cfg(target_arch = "wasm32")]
#[target_feature(enable = "simd128")]
#[inline]
pub(super) fn bytes(letters: &[u8; 16], decoded: &mut [u8; 12]) -> bool {
    use std::arch::wasm32 as simd;

    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *letters;
    let [low, high] = [[a, b, c, d, e, f, g, h], [i, j, k, l, m, n, o, p]].map(u64::from_le_bytes);
    let letters = simd::u64x2(low, high);
    let either = |one, other| simd::v128_or(one, other);
    // Which letters are of this range, and what is to be added to each for what it stands for.
    let range = |first: u8, last: u8, value: u8| {
        let from = simd::i8x16_gt(letters, simd::u8x16_splat(first - 1));
        let is_in = simd::v128_and(from, simd::i8x16_lt(letters, simd::u8x16_splat(last + 1)));
        (is_in, simd::v128_and(is_in, simd::u8x16_splat(value.wrapping_sub(first))))
    };
    let of_two = |(is_one, one), (is_other, other)| (either(is_one, is_other), either(one, other));
    let (are_letters, values) = of_two(
        of_two(range(b'A', b'Z', 0), range(b'a', b'z', 26)),
        of_two(range(b'0', b'9', 52), of_two(range(b'-', b'-', 62), range(b'_', b'_', 63))),
    );
    let values = simd::i8x16_add(letters, values);
    let of = |bits, mask| simd::v128_and(bits, simd::u32x4_splat(mask));
    let bits = either(
        either(of(simd::u32x4_shl(values, 18), 0x00fc_0000), of(simd::u32x4_shl(values, 4), 0x0003_f000)),
        either(of(simd::u32x4_shr(values, 10), 0x0fc0), of(simd::u32x4_shr(values, 24), 0x3f)),
    );
    let bytes = simd::i8x16_shuffle::<2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 3, 3, 3, 3>(bits, bits);
    if let Some((first, last)) = decoded.split_first_chunk_mut::<8>() {
        *first = simd::u64x2_extract_lane::<0>(bytes).to_le_bytes();
        last.copy_from_slice(&simd::u32x4_extract_lane::<2>(bytes).to_le_bytes());
    }
    simd::u8x16_bitmask(are_letters) == u16::MAX
}

/// Everywhere else four after the other.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn bytes(letters: &[u8; 16], decoded: &mut [u8; 12]) -> bool {
    let mut are_letters = true;
    for (three, four) in decoded.as_chunks_mut().0.iter_mut().zip(letters.as_chunks().0) {
        let found = three_bytes(*four);
        are_letters &= found.is_some();
        *three = found.unwrap_or_default();
    }
    are_letters
}

/// What four letters stand for, if that is what they are.
pub(super) fn three_bytes(letters: [u8; 4]) -> Option<[u8; 3]> {
    let [a, b, c, d] = letters.map(|letter| match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => LETTER,
    });
    ((a | b | c | d) & LETTER == 0).then_some([a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d])
}

/// The four letters of three bytes, the first in the lowest byte.
pub(super) fn four_letters([a, b, c]: [u8; 3]) -> u32 {
    const EACH: u32 = 0x0101_0101;
    let bits = u32::from_be_bytes([0, a, b, c]);
    let values = bits >> 18 | bits >> 4 & 0x3f00 | bits << 10 & 0x003f_0000 | bits << 24 & 0x3f00_0000;
    // One in each byte whose value is no less than this.
    let from = |least: u32| (values + (0x80 - least) * EACH) >> 7 & EACH;
    values + u32::from(b'A') * EACH + 6 * from(26) + 49 * from(63) - 75 * from(52) - 13 * from(62)
}
