//! Twelve bytes as sixteen letters, all at once, as sessions compare hundreds: the first eight, then the others, the first of
//! each in the lowest byte.

/// In the filter by the vector instructions that V8 has wherever Envoy runs.
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

/// The four letters of three bytes, the first in the lowest byte.
pub(super) fn four_letters([a, b, c]: [u8; 3]) -> u32 {
    const EACH: u32 = 0x0101_0101;
    let bits = u32::from_be_bytes([0, a, b, c]);
    let values = bits >> 18 | bits >> 4 & 0x3f00 | bits << 10 & 0x003f_0000 | bits << 24 & 0x3f00_0000;
    // One in each byte whose value is no less than this.
    let from = |least: u32| (values + (0x80 - least) * EACH) >> 7 & EACH;
    values + u32::from(b'A') * EACH + 6 * from(26) + 49 * from(63) - 75 * from(52) - 13 * from(62)
}
