//! Headers as the host hands them over: one block of bytes, looked at where it lies.

use crate::raw::Block;

/// A map of headers in the host's form: the number of pairs, the lengths of each name and value, then each name and value
/// with a zero byte after it. All numbers are 32 bits, little-endian. Names are lowercased, values as they came; pseudo-headers
/// are among them, and repeated ones repeated.
#[derive(PartialEq, Eq, Default)]
pub(crate) struct HeaderMap {
    block: Block,
}

impl std::fmt::Debug for HeaderMap {
    /// Shows no values: credentials are among them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, _)| String::from_utf8_lossy(name))).finish()
    }
}

impl HeaderMap {
    /// Takes a block that the host has filled; `None` where it is no map, to the byte.
    pub(crate) fn decode(block: impl Into<Block>) -> Option<Self> {
        let block = block.into();
        if block.bytes().is_empty() {
            return Some(Self::default());
        }
        let (lengths, texts) = parts(block.bytes())?;
        let mut whole = 0_usize;
        for [name, value] in lengths {
            whole = whole.checked_add(number(name))?.checked_add(number(value))?.checked_add(2)?;
        }
        (whole == texts.len()).then_some(Self { block })
    }

    /// How much memory it takes, in bytes.
    pub(crate) fn size(&self) -> usize {
        self.block.bytes().len()
    }

    /// Every name and value.
    pub(crate) fn iter(&self) -> Pairs<'_> {
        let (lengths, texts) = parts(self.block.bytes()).unwrap_or_default();
        Pairs { lengths: lengths.iter(), texts }
    }

    /// The values of a name.
    pub(crate) fn all<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The first value of a name.
    pub(crate) fn first(&self, name: &[u8]) -> Option<&[u8]> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The block of these pairs.
    pub(crate) fn encode<N: AsRef<[u8]>, V: AsRef<[u8]>>(pairs: &[(N, V)]) -> Vec<u8> {
        // The host holds no map of four billion headers.
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
        let texts: usize = pairs.iter().map(|(name, value)| name.as_ref().len() + value.as_ref().len() + 2).sum();
        let mut block = Vec::with_capacity(4 + 8 * pairs.len() + texts);
        block.extend_from_slice(&u32::try_from(pairs.len()).unwrap_or(u32::MAX).to_le_bytes());
        for (name, value) in pairs {
            block.extend_from_slice(&length(name.as_ref()));
            block.extend_from_slice(&length(value.as_ref()));
        }
        for (name, value) in pairs {
            for text in [name.as_ref(), value.as_ref()] {
                block.extend_from_slice(text);
                block.push(0);
            }
        }
        block
    }
}

/// The lengths of name and value, each of four bytes.
type Lengths = [[u8; 4]; 2];

/// The names and values of a map, in order.
pub(crate) struct Pairs<'a> {
    lengths: std::slice::Iter<'a, Lengths>,
    texts: &'a [u8],
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let [name, value] = self.lengths.next()?;
        Some((self.text(number(name))?, self.text(number(value))?))
    }
}

impl<'a> Pairs<'a> {
    /// The next text, and the byte after it out of the way.
    fn text(&mut self, length: usize) -> Option<&'a [u8]> {
        let (text, rest) = self.texts.split_at_checked(length)?;
        self.texts = rest.get(1..)?;
        Some(text)
    }
}

/// The lengths of all pairs, and what follows them.
fn parts(block: &[u8]) -> Option<(&[Lengths], &[u8])> {
    let (count, rest) = block.split_first_chunk::<4>()?;
    let (lengths, texts) = rest.split_at_checked(number(count).checked_mul(8)?)?;
    let (numbers, _) = lengths.as_chunks::<4>();
    let (pairs, _) = numbers.as_chunks::<2>();
    Some((pairs, texts))
}

fn number(bytes: &[u8; 4]) -> usize {
    usize::try_from(u32::from_le_bytes(*bytes)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(map: &HeaderMap) -> Vec<(Vec<u8>, Vec<u8>)> {
        map.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect()
    }

    #[test]
    fn a_map_is_read_as_the_host_writes_it() {
        let block = b"\x02\0\0\0\x01\0\0\0\x03\0\0\0\x02\0\0\0\0\0\0\0a\0x\xffz\0bc\0\0".to_vec();
        let map = HeaderMap::decode(block.clone()).unwrap();
        assert_eq!(pairs(&map), [(b"a".to_vec(), b"x\xffz".to_vec()), (b"bc".to_vec(), vec![])]);
        assert_eq!(HeaderMap::encode(&pairs(&map)), block);
        assert_eq!((map.first(b"bc"), map.first(b"b")), (Some(&b""[..]), None));
        assert_eq!(pairs(&HeaderMap::decode(vec![]).unwrap()), []);
        assert_eq!(pairs(&HeaderMap::decode(vec![0; 4]).unwrap()), []);
    }

    #[test]
    fn a_block_that_is_cut_off_or_too_long_or_lies_about_lengths_is_no_map() {
        let good = HeaderMap::encode(&[("name", "value"), ("other", "")]);
        for length in 1..good.len() {
            assert_eq!(HeaderMap::decode(good[..length].to_vec()), None, "{length}");
        }
        assert_eq!(HeaderMap::decode([&good[..], b"x"].concat()), None);
        for at in 0..20 {
            for value in [0x01, 0x7f, 0xff] {
                let mut lying = good.clone();
                lying[at] ^= value;
                assert_eq!(HeaderMap::decode(lying), None, "{at} {value}");
            }
        }
        assert_eq!(HeaderMap::decode(vec![0xff; 4]), None);
        assert_eq!(HeaderMap::decode(vec![0xff; 64]), None);
        // Lengths whose sum comes back to the right one in 32 bits.
        let wrapped = b"\x02\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x02\0\0\0\0\0\0\0aaaa".to_vec();
        assert_eq!(HeaderMap::decode(wrapped), None);
    }

    #[test]
    fn no_value_is_shown_in_debug_output() {
        let map = HeaderMap::decode(HeaderMap::encode(&[("authorization", "Bearer s3cret")])).unwrap();
        let shown = format!("{map:?}");
        assert!(shown.contains("authorization") && !shown.contains("s3cret"), "{shown}");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_and_whatever_comes_is_read_to_an_end(
            written in proptest::collection::vec((".{0,9}", proptest::collection::vec(any::<u8>(), 0..9)), 0..9),
            noise in proptest::collection::vec(any::<u8>(), 0..80),
            small in proptest::collection::vec(0..4_u8, 0..80),
        ) {
            let map = HeaderMap::decode(HeaderMap::encode(&written)).unwrap();
            let written: Vec<_> = written.into_iter().map(|(name, value)| (name.into_bytes(), value)).collect();
            prop_assert_eq!(pairs(&map), written);
            for block in [noise, small] {
                if let Some(map) = HeaderMap::decode(block.clone()) {
                    prop_assert_eq!(HeaderMap::encode(&pairs(&map)).len(), block.len().max(4));
                }
            }
        }
    }
}
