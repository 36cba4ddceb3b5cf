//! Bytes as pieces: so many as in a model from somewhere on, then so many of their own. A piece begins and ends where letters of
//! base64url do, so that each is compared with its part of the text.

use usher_policy::scan::{self, Sought};
use usher_policy::token::base64url;

/// What a piece begins with: from where in the model, how many triples of it, and how many bytes of its own follow.
const HEAD: usize = 4;

/// A piece has at most so many bytes of its own, which are whole triples.
const OWN: usize = 255;

/// A piece has at most so many bytes of the model.
const ALIKE: usize = 3 * 255;

/// Less than this in common is not worth a piece of its own.
const SHORTEST: usize = 9;

/// What is looked for in the model: names and values begin and end with a quote.
const QUOTE: Sought = Sought::byte(b'"');

/// So many bytes from a quote on are looked for.
const ANCHOR: usize = 8;

/// Some bytes, as pieces.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    bytes: Vec<u8>,
    count: usize,
}

/// What both have: from somewhere in the model, and a part of the bytes.
#[derive(Clone, Copy, Debug)]
struct Common {
    from: usize,
    start: usize,
    end: usize,
}

impl Pieces {
    /// What `bytes` have in common with the model, whose anchors are these, and what they have not.
    pub(super) fn of(bytes: &[u8], model: &[u8], anchors: &Anchors) -> Option<Self> {
        let mut pieces = Self::default();
        let mut common = Some(Common { from: 0, start: 0, end: whole(scan::alike(bytes, model)) });
        while let Some(now) = common {
            common = anchors.next(bytes, model, now.end);
            let next = common.map_or(bytes.len(), |next| next.start);
            pieces.push(now, bytes.get(now.end..next)?)?;
        }
        Some(pieces)
    }

    /// Those of a model itself.
    pub(super) fn of_model(model: &[u8]) -> Option<Self> {
        let mut pieces = Self::default();
        let end = whole(model.len());
        pieces.push(Common { from: 0, start: 0, end }, model.get(end..)?)?;
        Some(pieces)
    }

    /// How many there are.
    pub(super) fn count(&self) -> Option<u16> {
        self.count.try_into().ok()
    }

    /// One after the other.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn push(&mut self, Common { mut from, start, end }: Common, own: &[u8]) -> Option<()> {
        let mut left = end - start;
        while left > ALIKE {
            self.push_one(from, ALIKE, &[])?;
            (from, left) = (from + ALIKE, left - ALIKE);
        }
        let (first, rest) = own.split_at(own.len().min(OWN));
        self.push_one(from, left, first)?;
        rest.chunks(OWN).try_for_each(|own| self.push_one(0, 0, own))
    }

    #[inline(never)]
    fn push_one(&mut self, from: usize, alike: usize, own: &[u8]) -> Option<()> {
        let [low, high] = u16::try_from(from).ok()?.to_le_bytes();
        self.bytes.extend_from_slice(&[low, high, u8::try_from(alike / 3).ok()?, u8::try_from(own.len()).ok()?]);
        self.bytes.extend_from_slice(own);
        self.count += 1;
        Some(())
    }
}

/// Takes `count` pieces, which `own` begins with, from the text that begins with the letters for them: what is left of the text, and
/// of `own`.
pub(super) fn strip<'a, 'b>(
    mut text: &'a [u8],
    mut own: &'b [u8],
    count: u16,
    model: &[u8],
) -> Option<(&'a [u8], &'b [u8])> {
    for _ in 0..count {
        let ([low, high, alike, length], rest) = own.split_first_chunk::<HEAD>()?;
        let from = usize::from(u16::from_le_bytes([*low, *high]));
        text = base64url::strip(text, model.get(from..)?.get(..3 * usize::from(*alike))?)?;
        let (first, rest) = rest.split_at_checked(usize::from(*length))?;
        text = base64url::strip(text, first)?;
        own = rest;
    }
    Some((text, own))
}

/// Where quotes are in a model, by what begins with them.
#[derive(Debug)]
pub(super) struct Anchors(Box<[u16; 256]>);

impl Anchors {
    /// Those of a model.
    pub(super) fn of(model: &[u8]) -> Self {
        let mut anchors = Self(Box::new([u16::MAX; 256]));
        for (at, anchor) in quotes(model, 0) {
            if let (Some(place), Ok(at)) = (anchors.0.get_mut(hash(anchor)), u16::try_from(at)) {
                *place = at;
            }
        }
        anchors
    }

    /// The next part of `bytes` after `done` that the model has too.
    fn next(&self, bytes: &[u8], model: &[u8], done: usize) -> Option<Common> {
        quotes(bytes, done).find_map(|(at, anchor)| {
            let place = usize::from(*self.0.get(hash(anchor))?);
            let after = scan::alike(bytes.get(at..)?, model.get(place..)?);
            let before = bytes.get(done..at)?.iter().rev().zip(model.get(..place)?.iter().rev());
            let before = before.take_while(|(one, other)| one == other).count();
            let start = at - before + (3 - (at - before) % 3) % 3;
            let end = whole(at + after);
            (end >= start + SHORTEST).then(|| Common { from: place + start - at, start, end })
        })
    }
}

/// The quotes from somewhere on, and what begins with each.
fn quotes(bytes: &[u8], from: usize) -> impl Iterator<Item = (usize, [u8; ANCHOR])> {
    let mut next = from;
    std::iter::from_fn(move || {
        let at = next + scan::position(bytes.get(next..)?, QUOTE)?;
        next = at + 1;
        Some((at, *bytes.get(at..)?.first_chunk()?))
    })
}

fn hash(anchor: [u8; ANCHOR]) -> usize {
    let [.., high] = u64::from_le_bytes(anchor).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
    usize::from(high)
}

/// Not more than so many bytes, in whole triples.
fn whole(bytes: usize) -> usize {
    bytes - bytes % 3
}
