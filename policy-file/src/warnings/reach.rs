//! Which roles and seat tiers anybody new can come to hold in an organization.

use usher_policy::id::{Role, Tier};
use usher_policy::model::{Organization, SeatDefault, Seats, WhenFull};
use usher_policy::rules::seats::{Taken, has_room};

/// The roles that somebody can have: mapped ones and the primary owner's; without mappings, all, by hand.
pub(super) fn roles(organization: &Organization) -> Vec<&Role> {
    let product = &organization.product;
    match organization.provisioning.mappings() {
        None => product.roles().collect(),
        Some(mappings) => {
            let owned = organization.primary_owner.is_some();
            let given = |role: &&Role| {
                owned && **role == *organization.top_role()
                    || mappings.roles.iter().any(|mapping| mapping.role == **role)
            };
            product.roles().filter(given).collect()
        }
    }
}

/// The tiers of which somebody can get a seat while all are free; `None` where the product has no seats.
pub(super) fn tiers(organization: &Organization) -> Option<Vec<&Tier>> {
    let seats = organization.seats.as_ref()?;
    let mapped = organization.provisioning.mappings().map(|mappings| &mappings.seat_tiers);
    let by_hand = mapped.is_none_or(Vec::is_empty);
    let reachable = |tier: &&Tier| {
        seated(seats, tier)
            && (by_hand
                || by_default(seats, tier, organization.primary_owner.is_some())
                || mapped.into_iter().flatten().any(|mapping| leads_to(seats, &mapping.tier, tier)))
    };
    Some(seats.tiers.iter().map(|seat| &seat.tier).filter(reachable).collect())
}

/// Whether the tier has any seats.
pub(super) fn seated(seats: &Seats, tier: &Tier) -> bool {
    has_room(seats, tier, &Taken::default())
}

fn by_default(seats: &Seats, tier: &Tier, has_owner: bool) -> bool {
    match &seats.default {
        SeatDefault::HighestAvailable | SeatDefault::LowestAvailable => true,
        SeatDefault::Tier(default) => default == tier,
        // By hand is not possible where tiers are mapped.
        SeatDefault::Nothing => false,
        // The primary owner is let in where others are removed.
        SeatDefault::Remove => has_owner,
    }
}

/// Whether one with a mapped tier can get this one.
fn leads_to(seats: &Seats, mapped: &Tier, tier: &Tier) -> bool {
    match seats.when_full {
        WhenFull::Deny => mapped == tier,
        WhenFull::NextTier => seats.tiers.iter().skip_while(|seat| seat.tier != *mapped).any(|seat| seat.tier == *tier),
    }
}
