//! One change of a member, and how changes are shared among the workers.

use usher_policy::id::{Role, Tier};

use super::head::Head;

/// What became of one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// Its place in the feed's history.
    pub(crate) number: u64,
    /// The mark of this place: in a history that went another way there is another.
    pub(crate) mark: String,
    /// The organization's id.
    pub(crate) organization: String,
    /// The member's id.
    pub(crate) member: String,
    /// What is true from now on.
    pub(crate) state: State,
}

/// What a change leaves of a member's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// An active member.
    Active { role: Role, seat_tier: Option<Tier> },
    /// Whatever else: nobody comes in by it.
    Ended,
}

/// What was published at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The number and the mark of the place after which it goes on.
    pub(super) after: u64,
    pub(super) mark: String,
    /// The changes, oldest first.
    pub(super) changes: Vec<Change>,
}

/// An entry of the ring: which one it is, the place in the history after which it goes on, then the changes.
pub(super) fn encode(changes: &[Change], head: &Head) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (number, mark) = head.position.as_ref().map_or((0, ""), |after| (after.number, &*after.mark));
    for number in [head.epoch, head.sequence, number] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    push(&mut bytes, mark);
    for change in changes {
        let (role, seat_tier) = match &change.state {
            State::Active { role, seat_tier } => (role.as_str(), seat_tier.as_ref().map_or("", Tier::as_str)),
            State::Ended => ("", ""),
        };
        bytes.extend_from_slice(&change.number.to_le_bytes());
        for text in [&change.mark, &change.organization, &change.member, role, seat_tier] {
            push(&mut bytes, text);
        }
    }
    bytes
}

/// Reads an entry of the ring; `None` where it is another one, or none.
pub(super) fn decode(bytes: &[u8], epoch: u64, sequence: u64) -> Option<Entry> {
    let mut rest = bytes;
    if number(&mut rest)? != epoch || number(&mut rest)? != sequence {
        return None;
    }
    let (after, mark) = (number(&mut rest)?, text(&mut rest)?);
    let mut changes = Vec::new();
    while !rest.is_empty() {
        let number = number(&mut rest)?;
        let (mark, organization, member) = (text(&mut rest)?, text(&mut rest)?, text(&mut rest)?);
        let (role, seat_tier) = (text(&mut rest)?, text(&mut rest)?);
        let seat_tier = (!seat_tier.is_empty()).then(|| Tier::new(seat_tier));
        let state = if role.is_empty() { State::Ended } else { State::Active { role: Role::new(role), seat_tier } };
        changes.push(Change { number, mark, organization, member, state });
    }
    Some(Entry { after, mark, changes })
}

fn push(bytes: &mut Vec<u8>, text: &str) {
    // No text of a page is longer than the page.
    bytes.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    let (number, after) = rest.split_first_chunk::<8>()?;
    *rest = after;
    Some(u64::from_le_bytes(*number))
}

fn text(rest: &mut &[u8]) -> Option<String> {
    let (len, after) = rest.split_first_chunk::<4>()?;
    let (text, after) = after.split_at_checked(usize::try_from(u32::from_le_bytes(*len)).ok()?)?;
    *rest = after;
    String::from_utf8(text.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn changes() -> impl Strategy<Value = Vec<Change>> {
        let active = ("[a-z]{1,9}", proptest::option::of("[a-z]{1,9}"))
            .prop_map(|(role, tier)| State::Active { role: Role::new(role), seat_tier: tier.map(Tier::new) });
        let change = (any::<u64>(), ".{0,9}", ".{0,9}", ".{0,9}", prop_oneof![Just(State::Ended), active]).prop_map(
            |(number, mark, organization, member, state)| Change { number, mark, organization, member, state },
        );
        proptest::collection::vec(change, 0..9)
    }

    fn head() -> Head {
        Head { epoch: 7, sequence: 9, position: Some("d-m-5".parse().unwrap()), ..Head::default() }
    }

    proptest! {
        #[test]
        fn changes_are_shared_as_they_are_and_only_under_their_number(changes in changes(), other in 1..u64::MAX) {
            let bytes = encode(&changes, &head());
            prop_assert_eq!(decode(&bytes, 7, 9), Some(Entry { after: 5, mark: "m".into(), changes }));
            prop_assert_eq!(decode(&bytes, 7_u64.wrapping_add(other), 9), None);
            prop_assert_eq!(decode(&bytes, 7, 9_u64.wrapping_add(other)), None);
        }

        #[test]
        fn what_is_no_entry_is_none(junk in proptest::collection::vec(any::<u8>(), 0..80), cut in 1_usize..20) {
            let mut bytes = encode(&[], &head());
            bytes.extend_from_slice(&junk);
            if let Some(entry) = decode(&bytes, 7, 9) {
                prop_assert_eq!(encode(&entry.changes, &head()).len(), bytes.len());
            }
            let whole = Change { number: 1, mark: "x".into(), organization: "o".into(), member: "m".into(), state: State::Ended };
            let bytes = encode(&[whole], &head());
            prop_assert_eq!(decode(&bytes[..bytes.len() - cut], 7, 9), None);
        }
    }
}
