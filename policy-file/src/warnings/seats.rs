//! Tiers that have no seats, though something gives or asks for them.

use usher_policy::id::Tier;
use usher_policy::model::{Organization, SeatDefault, Seats, WhenFull};

use super::place::Place;
use super::{Findings, WarningCode, reach};
use crate::field_path::quoted;

/// A tier without seats is warned of where `caps` leave it out, and wherever it is mapped, the default, or asked for.
pub(super) fn without_seats<'d>(organization: &Organization, place: &Place<'d>, findings: &mut Findings<'d>) {
    let Some(seats) = &organization.seats else {
        return;
    };
    left_out(seats, &place.member("seats").member("caps"), findings);
    let mappings = organization.provisioning.mappings();
    for (number, mapping) in mappings.iter().flat_map(|mappings| &mappings.seat_tiers).enumerate() {
        if !reach::seated(seats, &mapping.tier) {
            let mappings = place.member("provisioning").member("group_mappings").member("seat_tiers");
            let tier = quoted(mapping.tier.as_str());
            let happens = match falls_to(seats, &mapping.tier) {
                Some(lower) => format!("get {} instead", quoted(lower.as_str())),
                None => "wait for one that never comes".to_owned(),
            };
            findings.add(
                WarningCode::TierWithoutSeats,
                &mappings.item(number).member("tier"),
                format!(
                    "there are no seats of tier {tier}: people of this group who hold no seat {happens}. \
                     Give the tier seats in `seats.caps`, or map another"
                ),
            );
        }
    }
    if let SeatDefault::Tier(tier) = &seats.default
        && !reach::seated(seats, tier)
    {
        findings.add(
            WarningCode::TierWithoutSeats,
            &place.member("seats").member("default"),
            format!(
                "there are no seats of tier {}: people without a mapped tier wait for one that never comes. \
                 Give the tier seats in `caps`, or write another default",
                quoted(tier.as_str())
            ),
        );
    }
    for (number, rule) in organization.access.iter().enumerate() {
        if rule.seat_tiers.as_ref().is_some_and(|tiers| !tiers.iter().any(|tier| reach::seated(seats, tier))) {
            findings.add(
                WarningCode::TierWithoutSeats,
                &place.member("access").item(number).member("seat_tiers"),
                "there are no seats of these tiers: nobody new passes this rule. Give one of them seats in `seats.caps`",
            );
        }
    }
}

/// A tier that `caps` do not name has no seats (design §2, "Seats"); a written `0` is meant.
fn left_out<'d>(seats: &Seats, caps: &Place<'d>, findings: &mut Findings<'d>) {
    if !caps.is_written() {
        return;
    }
    for seat in seats.tiers.iter().filter(|seat| !caps.member_is_written(seat.tier.as_str())) {
        let tier = quoted(seat.tier.as_str());
        findings.add(
            WarningCode::TierWithoutSeats,
            caps,
            format!(
                "tier {tier} is missing, so it has no seats: nobody can have one. Write how many there are, \
                 or `{}: 0` if none is intended",
                seat.tier
            ),
        );
    }
}

/// The tier that one falls to from a mapped tier without seats.
fn falls_to<'a>(seats: &'a Seats, mapped: &Tier) -> Option<&'a Tier> {
    let mut lower = seats.tiers.iter().map(|seat| &seat.tier).skip_while(|tier| *tier != mapped);
    match seats.when_full {
        WhenFull::Deny => None,
        WhenFull::NextTier => lower.find(|tier| reach::seated(seats, tier)),
    }
}
