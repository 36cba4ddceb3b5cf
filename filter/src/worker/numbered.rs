//! Tables of what the host has numbered: requests, and calls.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// What belongs to each number. The host counts them one after the other and nobody chooses them, so they need no keyed hash.
pub(super) type Numbered<V> = HashMap<u32, V, BuildHasherDefault<Spread>>;

/// Multiples of the golden ratio: numbers in a row lie far apart.
#[derive(Debug, Default)]
pub(super) struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(self.0 as u32 ^ u32::from(*byte));
        }
    }
}
