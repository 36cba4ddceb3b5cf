//! Warnings of tiers without seats.

use serde_json::{Value, json};

use super::{check, warnings};

fn seats(seats: Value) -> (&'static str, Value) {
    ("{O}/seats", seats)
}

const MAPPED: &str = "{O}.provisioning.group_mappings.seat_tiers[0].tier";

#[test]
fn a_tier_that_caps_leave_out_is_warned_of() {
    let unmapped = ("{O}/provisioning", json!({"mode": "jit"}));
    check(vec![
        (&[seats(json!({"caps": {"premium": 1}}))], &[("tier_without_seats", "{O}.seats.caps")]),
        (&[seats(json!({"caps": {"standard": 1}})), unmapped.clone()], &[("tier_without_seats", "{O}.seats.caps")]),
        (&[seats(json!({"caps": {"premium": 1, "standard": 1}}))], &[]),
        // What is written is meant, and without caps there is no limit.
        (&[seats(json!({"caps": {"premium": 0, "standard": 1}})), unmapped], &[]),
        (&[seats(json!({}))], &[]),
    ]);
}

#[test]
fn a_tier_without_seats_is_warned_of_where_it_is_given_or_asked_for() {
    let caps = json!({"premium": 0, "standard": 5});
    let access = |tiers: Value| ("{O}/access", json!([{"path": "/labs/", "seat_tiers": tiers}]));
    let unmapped = ("{O}/provisioning", json!({"mode": "jit"}));
    check(vec![
        (&[seats(json!({"caps": caps}))], &[("tier_without_seats", MAPPED)]),
        (&[seats(json!({"caps": caps, "when_full": "next_tier"}))], &[("tier_without_seats", MAPPED)]),
        (
            &[seats(json!({"caps": caps, "default": "premium"})), unmapped.clone()],
            &[("tier_without_seats", "{O}.seats.default")],
        ),
        (&[seats(json!({"caps": caps, "default": "standard"})), unmapped.clone()], &[]),
        (
            &[seats(json!({"caps": caps})), unmapped.clone(), access(json!(["premium"]))],
            &[("tier_without_seats", "{O}.access[0].seat_tiers")],
        ),
        (&[seats(json!({"caps": caps})), unmapped, access(json!(["premium", "standard"]))], &[]),
    ]);
}

#[test]
fn it_is_told_what_the_people_of_a_mapped_tier_get_instead() {
    let message = |when_full: &str| {
        let seats = seats(json!({"caps": {"premium": 0, "standard": 5}, "when_full": when_full}));
        warnings(&[seats]).remove(0).message
    };
    assert!(message("deny").contains("wait for one that never comes"));
    assert!(message("next_tier").contains("get `standard` instead"));
    let lowest = ("{O}/provisioning/group_mappings/seat_tiers", json!([{"group": "power", "tier": "standard"}]));
    let seats = seats(json!({"caps": {"premium": 5, "standard": 0}, "when_full": "next_tier"}));
    assert!(warnings(&[lowest, seats]).remove(0).message.contains("wait for one that never comes"));
}
