//! The hash by which entries are found, with a key of this process's own: nobody outside can choose what collides.

use std::hash::{BuildHasher, RandomState};

/// Of the long text so many words at its end are hashed: of an assertion that is its signature, which nobody chooses.
const WORDS: usize = 8;

/// Multilinear hashing (Lemire and Kaser, "Strongly universal string hashing is fast", 2014): a sum of products, of which the
/// upper half counts. Whoever does not know the factors finds two texts of one hash no sooner than by chance.
#[derive(Debug)]
pub(super) struct Hasher {
    first: u64,
    factors: [u64; WORDS],
}

impl Hasher {
    /// One of its own.
    pub(super) fn new() -> Self {
        let random = RandomState::new();
        Self { first: random.hash_one(WORDS), factors: std::array::from_fn(|at| random.hash_one(at)) }
    }

    /// The hash of a key. The short text is the operator's: it need only be told from others.
    pub(super) fn hash(&self, (short, long): super::Key<'_>) -> u32 {
        const PRIME: u64 = 0x100_0000_01b3;
        let seed = short.bytes().fold(self.first, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
        let sum = match long.last_chunk::<{ 4 * WORDS }>() {
            Some(end) => end.as_chunks::<4>().0.iter().zip(&self.factors).fold(seed, |sum, (word, factor)| {
                sum.wrapping_add(u64::from(u32::from_le_bytes(*word)).wrapping_mul(*factor))
            }),
            None => long.iter().fold(seed, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME)),
        };
        u32::try_from(sum >> 32).unwrap_or_default()
    }
}
