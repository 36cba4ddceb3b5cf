//! Slots that keep their place and their number for as long as the table lives.

use std::num::NonZero;

/// So many slots are made at a time. They stay where they are: a table that moves to grow leaves its old memory behind.
const CHUNK: usize = 64;

/// Where an entry is: the number of its slot, from one. Half as wide as an index that may be absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) struct At(NonZero<u32>);

impl At {
    fn new(index: usize) -> Option<Self> {
        u32::try_from(index).ok().and_then(|index| NonZero::new(index.checked_add(1)?)).map(Self)
    }

    fn index(self) -> usize {
        usize::try_from(self.0.get()).map_or(usize::MAX, |number| number - 1)
    }
}

/// Every slot there ever was, used and vacant ones.
#[derive(Debug)]
pub(super) struct Slots<T> {
    chunks: Vec<Vec<Option<T>>>,
}

impl<T> Slots<T> {
    /// None.
    pub(super) fn new() -> Self {
        Self { chunks: Vec::new() }
    }

    /// How many there are, vacant ones among them.
    pub(super) fn len(&self) -> usize {
        self.chunks.last().map_or(0, |last| (self.chunks.len() - 1) * CHUNK + last.len())
    }

    /// A new slot at the end, vacant.
    pub(super) fn add(&mut self) -> Option<At> {
        let at = At::new(self.len())?;
        match self.chunks.last_mut() {
            Some(last) if last.len() < CHUNK => last.push(None),
            Some(_) | None => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(None);
                self.chunks.push(chunk);
            }
        }
        Some(at)
    }

    /// What is in a slot.
    pub(super) fn get(&self, at: At) -> Option<&T> {
        self.chunks.get(at.index() / CHUNK)?.get(at.index() % CHUNK)?.as_ref()
    }

    /// A slot, to fill or to empty it.
    pub(super) fn place(&mut self, at: At) -> Option<&mut Option<T>> {
        self.chunks.get_mut(at.index() / CHUNK)?.get_mut(at.index() % CHUNK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_keeps_its_number_however_many_are_made() {
        let mut slots = Slots::new();
        let all: Vec<At> = (0..CHUNK * 3 + 1).map(|_| slots.add().unwrap()).collect();
        for (value, at) in all.iter().enumerate() {
            *slots.place(*at).unwrap() = Some(value);
        }
        assert_eq!(slots.len(), all.len());
        assert!(all.iter().enumerate().all(|(value, at)| slots.get(*at) == Some(&value)));
        assert!(slots.chunks.iter().all(|chunk| chunk.capacity() == CHUNK), "none has grown");
        let beyond = At::new(all.len()).unwrap();
        assert!(slots.get(beyond).is_none() && slots.place(beyond).is_none());
        assert_eq!(At::new(usize::MAX), None);
    }
}
