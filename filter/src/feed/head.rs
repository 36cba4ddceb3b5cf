//! How far the process has followed the feed: what the leader writes and every worker reads first.

use usher_policy::wire::Position;

/// The shared record of how far the feed was followed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// Which continuous stretch this is: another one begins where the feed could not be continued.
    pub(super) epoch: u64,
    /// The number of the next entry of the ring. Never starts again.
    pub(super) sequence: u64,
    /// How many polls were answered: it goes on while the feed lives.
    pub(super) beat: u64,
    /// Up to where changes were published; `None` until somebody knows a position to begin at.
    pub(super) position: Option<Position>,
}

impl Head {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for number in [self.epoch, self.sequence, self.beat] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        if let Some(position) = &self.position {
            bytes.extend_from_slice(position.to_string().as_bytes());
        }
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (numbers, position) = bytes.split_first_chunk::<24>()?;
        let (numbers, _) = numbers.as_chunks::<8>();
        let [epoch, sequence, beat] = numbers else { return None };
        let position = match position {
            [] => None,
            text => Some(std::str::from_utf8(text).ok()?.parse().ok()?),
        };
        let [epoch, sequence, beat] = [epoch, sequence, beat].map(|number| u64::from_le_bytes(*number));
        Some(Self { epoch, sequence, beat, position })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_head_is_shared_as_it_is(
            numbers in any::<[u64; 3]>(),
            number in proptest::option::of(any::<u64>()),
            junk in proptest::collection::vec(any::<u8>(), 0..24),
        ) {
            let [epoch, sequence, beat] = numbers;
            let position = number.map(|number| format!("d-m-{number}").parse().unwrap());
            let head = Head { epoch, sequence, beat, position };
            prop_assert_eq!(Head::decode(&head.encode()), Some(head.clone()));
            prop_assert_eq!(Head::decode(&junk), None);
            let mut bytes = head.encode();
            bytes.push(b'-');
            prop_assert_eq!(Head::decode(&bytes), None);
        }
    }
}
