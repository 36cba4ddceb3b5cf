//! Inputs that nobody would write: seeds, changed a little or a lot, by a generator whose every case can be played again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// How many cases a target is given, unless `USHER_FUZZ_CASES` says otherwise.
const CASES: u64 = 2000;

/// No input is longer: what is longer is refused by its length alone, which has tests of its own.
const LONGEST: usize = 20_000;

/// A small generator (xorshift64*): the same seed, the same cases.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `end`; 0 where there is none.
    fn below(&mut self, end: usize) -> usize {
        match u64::try_from(end) {
            Ok(end @ 1..) => usize::try_from(self.next() % end).unwrap(),
            _ => 0,
        }
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// Gives changed seeds of a folder to a target that panics where something is wrong. The case that did is told, so that it
/// can be played again: `USHER_FUZZ_SEED=… USHER_FUZZ_CASES=1`.
pub(crate) fn fuzz(seeds: &Path, words: &[&str], target: impl Fn(&[u8])) {
    for (seed, input) in cases(seeds, words) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(&input))) {
            eprintln!("USHER_FUZZ_SEED={seed}: {}", input.escape_ascii());
            std::panic::resume_unwind(panic);
        }
    }
}

/// The seeds of a folder as they are, under number 0, and then changed.
pub(crate) fn cases(seeds: &Path, words: &[&str]) -> impl Iterator<Item = (u64, Vec<u8>)> {
    let seeds = read(seeds);
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (first, cases) = (number("USHER_FUZZ_SEED").unwrap_or(1), number("USHER_FUZZ_CASES").unwrap_or(CASES));
    let unchanged: Vec<_> = seeds.iter().map(|seed| (0, seed.clone())).collect();
    unchanged.into_iter().chain((first..first + cases).map(move |seed| {
        // Neighbouring seeds shall not begin alike.
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let mut input = random.one(&seeds).clone();
        for _ in 0..=random.below(6) {
            change(&mut input, &mut random, words, &seeds);
        }
        input.truncate(LONGEST);
        (seed, input)
    }))
}

fn read(folder: &Path) -> Vec<Vec<u8>> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "no seeds in {}", folder.display());
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// Bytes and texts on which others have stumbled.
const STUMBLES: &[&[u8]] = &[
    b"\0",
    b"\xff",
    b"\xc3\x28",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\xf4\x90\x80\x80",
    b"\xe2\x80\xae",
    b"\r\n",
    b"\x1b",
    b"\x7f",
    b"-1",
    b"0",
    b"1e999",
    b"-0",
    b"9223372036854775808",
    b"18446744073709551616",
    b"0.1",
    b"null",
    b"true",
    b"[]",
    b"{}",
    b"\"\"",
    b"\\u0000",
    b"\\ud800",
    b"\\",
    b"'",
    b"%2f",
    b"%",
    b"..",
    b"//",
    b"\xc4\xb0",
    b"\xef\xac\x80",
];

fn change(input: &mut Vec<u8>, random: &mut Random, words: &[&str], seeds: &[Vec<u8>]) {
    let at = random.below(input.len() + 1);
    let end = (at + random.below(1 + (input.len() - at).min(40))).min(input.len());
    match random.below(11) {
        0 if at < input.len() => input[at] ^= 1 << random.below(8),
        1 if at < input.len() => input[at] = u8::try_from(random.below(256)).unwrap(),
        2 => drop(input.splice(at..at, random.one(STUMBLES).to_vec())),
        3 => drop(input.splice(at..end, random.one(STUMBLES).to_vec())),
        4 if !words.is_empty() => drop(input.splice(at..at, random.one(words).bytes())),
        5 if !words.is_empty() => drop(input.splice(at..end, random.one(words).bytes())),
        6 => drop(input.drain(at..end)),
        7 => {
            let piece = input[at..end].to_vec();
            let times = [1, 2, 10, 200][random.below(4)];
            drop(input.splice(at..at, piece.repeat(times)));
        }
        8 => {
            let other = random.one(seeds);
            let from = random.below(other.len() + 1);
            drop(input.splice(at..end, other[from..].iter().copied()));
        }
        9 => input.truncate(at),
        _ => {
            let (open, close) = *random.one(&[(b'[', b']'), (b'{', b'}'), (b'(', b')'), (b'"', b'"')]);
            let deep = [1, 3, 150, 3000][random.below(4)];
            let nested: Vec<u8> = std::iter::repeat_n(open, deep).chain(std::iter::repeat_n(close, deep)).collect();
            drop(input.splice(at..at, nested));
        }
    }
}
