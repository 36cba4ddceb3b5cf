//! The memory into which the host writes what it hands over. One block is used again and again: most events need no other.

use std::cell::Cell;
use std::mem::{self, ManuallyDrop};
use std::thread::LocalKey;

/// How long that block is, in bytes: the headers of most requests are shorter.
const LENGTH: usize = 8192;

thread_local! {
    static SPARE: Cell<ManuallyDrop<Vec<u8>>> = const { Cell::new(ManuallyDrop::new(Vec::new())) };
    /// What was given to the host last, until it says what it has written there.
    static GIVEN: Cell<ManuallyDrop<Vec<u8>>> = const { Cell::new(ManuallyDrop::new(Vec::new())) };
}

/// Neither is dropped with its thread, which costs a look at each use: the VM goes as a whole.
fn swap(place: &'static LocalKey<Cell<ManuallyDrop<Vec<u8>>>>, memory: Vec<u8>) -> Vec<u8> {
    ManuallyDrop::into_inner(place.replace(ManuallyDrop::new(memory)))
}

/// Bytes that the host has handed over.
#[derive(Default)]
pub(crate) struct Block {
    /// As much of it as was asked for, or more.
    memory: Vec<u8>,
    size: usize,
}

impl Block {
    /// Memory for so many bytes, all of them initialised, to which nobody holds a reference until they are `taken`: until then,
    /// or until the next call of this function, the host may write to it.
    pub(super) fn give(size: usize) -> *mut u8 {
        let spare = swap(&SPARE, Vec::new());
        let mut memory = if spare.len() >= size { spare } else { vec![0; size.max(LENGTH)] };
        let place = memory.as_mut_ptr();
        swap(&GIVEN, memory);
        place
    }

    /// Takes so many bytes of what was given last, if it is at this place.
    pub(super) fn taken(place: *const u8, size: usize) -> Self {
        let memory = swap(&GIVEN, Vec::new());
        if size == 0 || memory.as_ptr() != place || memory.len() < size {
            return Self::default();
        }
        Self { memory, size }
    }

    /// The bytes, for as long as somebody wants them.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        if self.memory.len() == LENGTH {
            return self.bytes().to_vec();
        }
        let mut memory = mem::take(&mut self.memory);
        memory.truncate(self.size);
        memory
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.memory.get(..self.size).unwrap_or_default()
    }
}

/// What lies behind the bytes, from earlier ones, does not count.
impl PartialEq for Block {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Block {}

impl Drop for Block {
    fn drop(&mut self) {
        if self.memory.len() == LENGTH {
            swap(&SPARE, mem::take(&mut self.memory));
        }
    }
}

impl From<Vec<u8>> for Block {
    fn from(memory: Vec<u8>) -> Self {
        Self { size: memory.len(), memory }
    }
}

#[cfg(test)]
mod tests {
    use super::{Block, LENGTH};

    #[test]
    fn one_block_is_used_again_and_again_and_a_longer_one_only_once() {
        let place = Block::give(3);
        let block = Block::taken(place, 3);
        assert_eq!(block.bytes(), [0; 3]);
        // While somebody reads it, another one is given.
        let second = Block::give(LENGTH);
        assert_ne!(second, place);
        drop(block);
        assert_eq!(Block::taken(second, LENGTH).bytes().len(), LENGTH);
        let third = Block::give(1);
        assert_eq!(third, second, "the one that was given back last");
        let longer = Block::give(LENGTH + 1);
        assert_eq!(Block::taken(longer, LENGTH + 1).bytes(), vec![0; LENGTH + 1]);
    }

    #[test]
    fn what_was_not_given_or_is_told_of_twice_is_nothing() {
        let place = Block::give(8);
        assert_eq!(Block::taken(place.wrapping_add(1), 8).bytes(), b"");
        assert_eq!(Block::taken(place, 8).bytes(), b"", "somebody else has asked");
        let place = Block::give(8);
        assert_eq!(Block::taken(place, LENGTH + 1).bytes(), b"", "more than was asked for");
        let place = Block::give(8);
        assert_eq!(Block::taken(place, 0).bytes(), b"");
    }
}
