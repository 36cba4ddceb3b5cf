//! Tables of what the host has numbered: requests, and calls.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// What belongs to each number. The host counts them one after the other and nobody chooses them, so they need no keyed hash.
pub(super) type Numbered<V> = HashMap<u32, V, BuildHasherDefault<Spread>>;

/// A multiple of the golden ratio: numbers in a row lie far apart.
pub(super) fn spread(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[derive(Debug, Default)]
pub(super) struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = spread(number.into());
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = spread(self.0 ^ u64::from(*byte));
        }
    }
}
