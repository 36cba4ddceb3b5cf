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
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        let (words, rest) = short.as_bytes().as_chunks::<8>();
        let last =
            rest.iter().fold(u64::try_from(short.len()).unwrap_or_default(), |last, byte| last << 8 | u64::from(*byte));
        let words = words.iter().map(|word| u64::from_le_bytes(*word)).chain([last]);
        let seed = words.fold(self.first, |hash, word| (hash ^ word).rotate_left(29).wrapping_mul(ODD));
        // A text without so many bytes is no assertion.
        let end = long.last_chunk::<{ 4 * WORDS }>().map_or(&[][..], |end| end.as_chunks::<4>().0);
        let sum = end.iter().zip(&self.factors).fold(seed, |sum, (word, factor)| {
            sum.wrapping_add(u64::from(u32::from_le_bytes(*word)).wrapping_mul(*factor))
        });
        u32::try_from(sum >> 32).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Hasher;

    #[test]
    fn other_organizations_and_other_ends_have_other_hashes_and_each_worker_its_own() {
        let hasher = Hasher::new();
        let texts: Vec<Vec<u8>> = (0..32)
            .flat_map(|at| (0..32_u8).map(move |value| (at, value)))
            .map(|(at, value)| {
                let mut text = vec![b'A'; 40];
                text[8 + at] ^= value + 1;
                text
            })
            .collect();
        let hashes: HashSet<u32> = texts.iter().map(|text| hasher.hash(("acme", text))).collect();
        // Of so few in 32 bits, two have one hash in one of ten thousand runs, four in none.
        assert!(hashes.len() + 2 > texts.len(), "{} of {}", hashes.len(), texts.len());
        let names: Vec<String> = (0..1000).map(|number| format!("acme-{number}")).collect();
        let hashes: HashSet<u32> = names.iter().map(|name| hasher.hash((name, &texts[0]))).collect();
        assert!(hashes.len() + 2 > names.len(), "{} of {}", hashes.len(), names.len());
        let others = Hasher::new();
        let same = texts.iter().filter(|text| hasher.hash(("acme", text)) == others.hash(("acme", text))).count();
        assert!(same < 2, "{same}");
    }

    #[test]
    fn what_stands_before_the_end_changes_nothing_and_a_short_text_is_no_fault() {
        let hasher = Hasher::new();
        let [one, other] = [b'a', b'b'].map(|byte| [vec![byte; 9], vec![b'c'; 32]].concat());
        assert_eq!(hasher.hash(("acme", &one)), hasher.hash(("acme", &other)));
        assert_eq!(hasher.hash(("acme", b"short")), hasher.hash(("acme", b"")));
    }
}
