//! The one seat allocator: every path that gives a seat asks here (design §2, "Seats").

use crate::id::Tier;
use crate::member::{Member, Status};
use crate::model::{SeatDefault, Seats, WhenFull};

/// How many seats of each tier are taken; tiers that nobody holds may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken(Vec<(Tier, u32)>);

impl Taken {
    /// Counts by tier, as the store read them.
    pub fn new(counts: Vec<(Tier, u32)>) -> Self {
        Self(counts)
    }

    /// How many hold this tier.
    pub fn of(&self, tier: &Tier) -> u32 {
        self.0.iter().find(|(known, _)| known == tier).map_or(0, |(_, count)| *count)
    }
}

/// What the allocator gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allocation {
    /// A seat of this tier: the one held, or a free one.
    Seat(Tier),
    /// No seat, by `seats.default: none`: active all the same.
    Unseated,
    /// No seat is free: the member is listed as `pending`.
    Wait,
}

impl Member {
    /// Takes the place that the allocator gave: the seat, and the status that goes with it. A wait goes on from when it began.
    pub(super) fn take_place(&mut self, allocation: Allocation, now: u64) {
        (self.seat_tier, self.status) = match allocation {
            Allocation::Seat(tier) => (Some(tier), Status::Active),
            Allocation::Unseated => (None, Status::Active),
            Allocation::Wait => (None, Status::Pending),
        };
        self.pending_since = (self.status == Status::Pending).then(|| self.pending_since.unwrap_or(now));
    }
}

/// The seat of one member. `held` is the seat they have, `mapped` the highest tier that their groups give.
///
/// Who holds a seat keeps it when the change finds no room, and is never asked whether the organization is full.
pub fn allocate(
    seats: &Seats,
    default: &SeatDefault,
    held: Option<&Tier>,
    mapped: Option<&Tier>,
    taken: &Taken,
) -> Allocation {
    // A tier that the catalog no longer has is no seat.
    let held = held.filter(|tier| seats.tiers.iter().any(|seat| seat.tier == **tier));
    match (held, mapped) {
        (Some(held), None) => Allocation::Seat(held.clone()),
        (Some(held), Some(mapped)) if held == mapped || !has_room(seats, mapped, taken) => {
            Allocation::Seat(held.clone())
        }
        (Some(_), Some(mapped)) => Allocation::Seat(mapped.clone()),
        (None, Some(mapped)) => match seats.when_full {
            WhenFull::Deny => only(seats, mapped, taken),
            WhenFull::NextTier => {
                let from_mapped = seats.tiers.iter().skip_while(|seat| seat.tier != *mapped);
                first_free(from_mapped.map(|seat| &seat.tier), seats, taken)
            }
        },
        (None, None) => match default {
            SeatDefault::HighestAvailable => first_free(seats.tiers.iter().map(|seat| &seat.tier), seats, taken),
            SeatDefault::LowestAvailable => first_free(seats.tiers.iter().rev().map(|seat| &seat.tier), seats, taken),
            SeatDefault::Nothing => Allocation::Unseated,
            SeatDefault::Remove => Allocation::Wait,
            SeatDefault::Tier(tier) => only(seats, tier, taken),
        },
    }
}

/// Whether one more may hold this tier.
pub fn has_room(seats: &Seats, tier: &Tier, taken: &Taken) -> bool {
    seats.tiers.iter().any(|seat| seat.tier == *tier && seat.cap.has_room(taken.of(tier)))
}

fn only(seats: &Seats, tier: &Tier, taken: &Taken) -> Allocation {
    first_free(std::iter::once(tier), seats, taken)
}

fn first_free<'a>(tiers: impl Iterator<Item = &'a Tier>, seats: &Seats, taken: &Taken) -> Allocation {
    let mut tiers = tiers;
    match tiers.find(|tier| has_room(seats, tier, taken)) {
        Some(tier) => Allocation::Seat(tier.clone()),
        None => Allocation::Wait,
    }
}

#[cfg(test)]
mod tests {
    use super::{Allocation, Taken, allocate};
    use crate::id::Tier;
    use crate::model::{Cap, SeatDefault, SeatTier, Seats, WhenFull};

    fn seats(default: SeatDefault, when_full: WhenFull) -> Seats {
        let tier = |name: &str, cap| SeatTier { tier: Tier::new(name), cap: Cap::Limited(cap) };
        Seats { tiers: vec![tier("gold", 1), tier("silver", 1), tier("bronze", 1)], default, when_full }
    }

    fn given(default: SeatDefault, when_full: WhenFull, held: &str, mapped: &str, taken: &[&str]) -> String {
        let tier = |name: &str| (!name.is_empty()).then(|| Tier::new(name));
        let taken = Taken::new(taken.iter().map(|name| (Tier::new(*name), 1)).collect());
        let seats = seats(default, when_full);
        match allocate(&seats, &seats.default, tier(held).as_ref(), tier(mapped).as_ref(), &taken) {
            Allocation::Seat(tier) => tier.to_string(),
            Allocation::Unseated => "unseated".to_owned(),
            Allocation::Wait => "wait".to_owned(),
        }
    }

    #[test]
    fn the_default_is_for_one_without_a_mapped_tier_who_holds_no_seat() {
        use SeatDefault::{HighestAvailable, LowestAvailable, Nothing, Remove};
        let silver = || SeatDefault::Tier(Tier::new("silver"));
        for (default, taken, expected) in [
            (HighestAvailable, vec![], "gold"),
            (HighestAvailable, vec!["gold"], "silver"),
            (HighestAvailable, vec!["gold", "silver", "bronze"], "wait"),
            (LowestAvailable, vec![], "bronze"),
            (LowestAvailable, vec!["bronze"], "silver"),
            (silver(), vec![], "silver"),
            (silver(), vec!["silver"], "wait"),
            (Nothing, vec![], "unseated"),
            (Remove, vec![], "wait"),
        ] {
            let name = format!("{default:?} {taken:?}");
            assert_eq!(given(default, WhenFull::NextTier, "", "", &taken), expected, "{name}");
        }
    }

    #[test]
    fn a_mapped_tier_is_given_or_waited_for_or_fallen_from() {
        for (when_full, taken, expected) in [
            (WhenFull::Deny, vec![], "silver"),
            (WhenFull::Deny, vec!["silver"], "wait"),
            (WhenFull::NextTier, vec!["silver"], "bronze"),
            (WhenFull::NextTier, vec!["silver", "bronze"], "wait"),
        ] {
            assert_eq!(given(SeatDefault::HighestAvailable, when_full, "", "silver", &taken), expected);
        }
    }

    #[test]
    fn a_holder_moves_only_where_there_is_room_and_never_falls() {
        for when_full in [WhenFull::Deny, WhenFull::NextTier] {
            for (held, mapped, taken, expected) in [
                ("silver", "", vec!["silver"], "silver"),
                ("silver", "silver", vec!["silver"], "silver"),
                ("silver", "gold", vec!["silver"], "gold"),
                ("silver", "gold", vec!["silver", "gold"], "silver"),
                ("silver", "bronze", vec!["silver"], "bronze"),
                ("silver", "bronze", vec!["silver", "bronze"], "silver"),
                ("gone", "", vec!["gone"], "gold"),
            ] {
                let seat = given(SeatDefault::HighestAvailable, when_full, held, mapped, &taken);
                assert_eq!(seat, expected, "{held} -> {mapped} with {taken:?} taken");
            }
        }
    }

    #[test]
    fn a_holder_over_a_lowered_cap_keeps_the_seat_and_a_newcomer_waits() {
        let mut seats = seats(SeatDefault::HighestAvailable, WhenFull::Deny);
        for seat in &mut seats.tiers {
            seat.cap = Cap::Limited(0);
        }
        let silver = Tier::new("silver");
        let taken = Taken::new(vec![(silver.clone(), 3)]);
        assert_eq!(allocate(&seats, &seats.default, Some(&silver), None, &taken), Allocation::Seat(silver));
        assert_eq!(allocate(&seats, &seats.default, None, None, &taken), Allocation::Wait);
    }
}
