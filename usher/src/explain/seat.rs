//! Which rule of design §2, "Seats", decided, as far as the assumed store goes.

use serde_json::json;
use usher_policy::id::Tier;
use usher_policy::member::{Member, Status};
use usher_policy::model::{Cap, Organization, SeatDefault, Seats, WhenFull};
use usher_policy::rules::plan::Plan;
use usher_policy::rules::seats::{Taken, has_room};

use super::trace::Told;
use super::words::quoted;

/// What led from `held` to the seat that `member` has after the login.
pub(super) fn rule(
    organization: &Organization,
    plan: &Plan,
    held: Option<&Tier>,
    taken: &Taken,
    member: &Member,
) -> Told {
    let Some(seats) = &organization.seats else {
        return Told::plain(format!("product {} has no seats", organization.product.name));
    };
    let mapped = match plan {
        Plan::Assign { seat_tier, .. } => seat_tier.as_ref(),
        Plan::Ensure { .. } | Plan::Remove { .. } | Plan::Require => None,
    };
    let got = member.seat_tier.as_ref();
    let (rule, detail) = if member.status == Status::Suspended {
        ("suspended", "a suspended member keeps the seat".to_owned())
    } else {
        match (held, mapped) {
            (Some(held), None) => (
                "held",
                format!(
                    "keeps the seat of tier {held}: without a mapped tier, `seats.default` is for one who holds none"
                ),
            ),
            (Some(held), Some(mapped)) if held == mapped => ("held", format!("holds the mapped tier {mapped} already")),
            (Some(held), Some(mapped)) if got == Some(held) => (
                "held",
                format!(
                    "keeps the seat of tier {held}: {}, and who holds a seat never loses it for that",
                    full(seats, mapped, taken)
                ),
            ),
            (Some(held), Some(mapped)) => {
                ("mapped", format!("moves from tier {held} to the mapped tier {mapped}, which has room"))
            }
            (None, Some(mapped)) => to_mapped(seats, mapped, got, taken),
            (None, None) => by_default(seats, got, taken),
        }
    };
    Told::with(detail, json!({"rule": rule, "held": held, "mapped": mapped, "seat_tier": got, "status": member.status}))
}

fn to_mapped(seats: &Seats, mapped: &Tier, got: Option<&Tier>, taken: &Taken) -> (&'static str, String) {
    match got {
        Some(got) if got == mapped => ("mapped", format!("the mapped tier {mapped} has room")),
        Some(got) => (
            "next_tier",
            format!("{}: `when_full: next_tier` gives {got}, the next with room", full(seats, mapped, taken)),
        ),
        None if seats.when_full == WhenFull::NextTier => {
            ("full", format!("{}, and no lower tier has room: listed as pending", full(seats, mapped, taken)))
        }
        None => ("full", format!("{}: listed as pending (`when_full: deny`)", full(seats, mapped, taken))),
    }
}

fn by_default(seats: &Seats, got: Option<&Tier>, taken: &Taken) -> (&'static str, String) {
    let name = match &seats.default {
        SeatDefault::HighestAvailable => "highest_available".to_owned(),
        SeatDefault::LowestAvailable => "lowest_available".to_owned(),
        SeatDefault::Nothing => "none".to_owned(),
        SeatDefault::Remove => "remove".to_owned(),
        SeatDefault::Tier(tier) => tier.to_string(),
    };
    let found = match (got, &seats.default) {
        (Some(got), SeatDefault::Remove) => format!("does not hold for the primary owner, who gets tier {got}"),
        (Some(got), _) => format!("gives tier {got}"),
        (None, SeatDefault::Nothing) => "gives no seat until someone does by hand".to_owned(),
        (None, SeatDefault::Tier(tier)) => format!("gives none: {}; listed as pending", full(seats, tier, taken)),
        (None, _) => {
            let all: Vec<_> = seats.tiers.iter().map(|seat| full(seats, &seat.tier, taken)).collect();
            format!("gives none: {}; listed as pending", all.join(", "))
        }
    };
    ("default", format!("no mapped tier and no seat held: `seats.default: {name}` {found}"))
}

/// A tier, and whether and why it has no room.
fn full(seats: &Seats, tier: &Tier, taken: &Taken) -> String {
    let cap = seats.tiers.iter().find(|seat| seat.tier == *tier).map(|seat| seat.cap);
    let name = quoted(tier.as_str());
    match cap {
        _ if has_room(seats, tier, taken) => format!("tier {name} has room"),
        Some(Cap::Limited(0)) => format!("tier {name} has no seats"),
        Some(Cap::Limited(cap)) => format!("tier {name} is full, as assumed (cap {cap})"),
        Some(Cap::Unlimited) | None => format!("tier {name} has no seat"),
    }
}
