//! The names of files by which a panic says where it was: those of crates, without the folder that they were built from.

use std::collections::HashMap;
use std::ops::Range;

use super::reach::{Links, within};

/// Other bytes at a place in the file.
pub(crate) type Change = (u64, Vec<u8>);

/// What shortens these names: a panic's place has the address of its file's name, and then how long that is.
pub(crate) fn shortened(module: &[u8], links: &Links) -> Vec<Change> {
    let mut by_name: HashMap<_, Vec<_>> = HashMap::new();
    for (at, name) in links.to_data() {
        by_name.entry(name).or_default().push(at);
    }
    // The linker lets one text be the end of another, and code may refer to one as well.
    by_name.retain(|name, places| links.is_apart(name) && places.iter().all(|at| links.is_data(*at)));
    by_name.iter().filter_map(|(name, places)| shorten(module, name, places)).flatten().collect()
}

/// The changes for one name, if it is one and everything that refers to it is such a place.
fn shorten(module: &[u8], name: &Range<u64>, places: &[u64]) -> Option<Vec<Change>> {
    let text = str::from_utf8(module.get(within(name, 0)?)?).ok()?.trim_end_matches('\0');
    let folder = folder(text)?;
    let mut changes = vec![(name.start, vec![0; usize::try_from(folder).ok()?])];
    for at in places {
        if word(module, at + 4)? != u32::try_from(text.len()).ok()? {
            return None;
        }
        changes.push((*at, word(module, *at)?.checked_add(folder)?.to_le_bytes().to_vec()));
        changes.push((at + 4, word(module, at + 4)?.checked_sub(folder)?.to_le_bytes().to_vec()));
    }
    Some(changes)
}

/// How much of a name is the folder of cargo's registry, or of Rust's own sources.
fn folder(name: &str) -> Option<u32> {
    let in_registry = name.split_once("/registry/src/").and_then(|(_, rest)| rest.split_once('/'));
    let (_, rest) = in_registry.or_else(|| name.strip_prefix("/rustc/")?.split_once("/library/"))?;
    rest.ends_with(".rs").then(|| u32::try_from(name.len() - rest.len()).ok())?
}

fn word(module: &[u8], at: u64) -> Option<u32> {
    let bytes = module.get(within(&(at..at.checked_add(4)?), 0)?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

/// A segment that begins at a place in the file, with these changes.
pub(crate) fn changed(segment: &[u8], start: u64, changes: &[Change]) -> Vec<u8> {
    let mut changed = segment.to_vec();
    for (at, bytes) in changes {
        let end = at.saturating_add(bytes.len() as u64);
        if let Some(place) = within(&(*at..end), start).and_then(|place| changed.get_mut(place)) {
            place.copy_from_slice(bytes);
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    const STD: &str = "/rustc/0123456789/library/core/src/str.rs";
    const CRATE: &str = "/home/me/.cargo/registry/src/index.crates.io-01/der-0.8.3/src/tag.rs";

    /// A name at 100, and places that refer to it with its length, one after the other from the beginning.
    fn data(name: &str, lengths: &[usize]) -> Vec<u8> {
        let mut data = vec![9; 100];
        for (index, length) in lengths.iter().enumerate() {
            let place = [500, u32::try_from(*length).unwrap(), 17, 4].map(u32::to_le_bytes).concat();
            data[index * 16..(index + 1) * 16].copy_from_slice(&place);
        }
        data.extend(name.as_bytes());
        data.push(0);
        data
    }

    /// What a place says now: where the name begins and what it is.
    fn told(name: &str, lengths: &[usize]) -> Option<Vec<(u32, String)>> {
        let before = data(name, lengths);
        let places: Vec<_> = (0..lengths.len() as u64).map(|index| index * 16).collect();
        let changes = shorten(&before, &(100..before.len() as u64), &places)?;
        let after = changed(&before, 0, &changes);
        let told = places.iter().map(|at| {
            let (address, length) = (word(&after, *at).unwrap(), word(&after, at + 4).unwrap() as usize);
            let start = 100 + (address - 500) as usize;
            assert!(after[100..start].iter().all(|byte| *byte == 0), "what comes before is gone");
            assert_eq!((word(&after, at + 8), word(&after, at + 12)), (Some(17), Some(4)), "line and column");
            (address, str::from_utf8(&after[start..start + length]).unwrap().to_owned())
        });
        Some(told.collect())
    }

    #[test]
    fn a_place_is_told_by_crate_and_file() {
        let expected = vec![(526, "core/src/str.rs".to_owned()); 2];
        assert_eq!(told(STD, &[STD.len(), STD.len()]), Some(expected));
        assert_eq!(told(CRATE, &[CRATE.len()]), Some(vec![(548, "der-0.8.3/src/tag.rs".to_owned())]));
    }

    #[test]
    fn what_is_no_such_name_or_not_only_told_by_places_stays() {
        assert_eq!(told("filter/src/vm.rs", &[16]), None);
        assert_eq!(told("/rustc/0123456789/library/core", &[30]), None);
        assert_eq!(told(STD, &[STD.len(), 4]), None);
    }
}
