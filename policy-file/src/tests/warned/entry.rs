//! Warnings of organizations that nobody can enter.

use serde_json::{Value, json};

use super::check;

const JIT: (&str, &str) = ("{O}/provisioning", "jit");

fn jit() -> (&'static str, Value) {
    (JIT.0, json!({"mode": JIT.1}))
}

#[test]
fn an_organization_without_a_seat_to_get_is_warned_of() {
    let nobody = ("nobody_can_enter", "{O}.seats");
    let mapped = "{O}.provisioning.group_mappings.seat_tiers[0].tier";
    let seats = |seats: Value| ("{O}/seats", seats);
    let none = json!({"premium": 0, "standard": 0});
    let no_premium = json!({"premium": 0, "standard": 5});
    let no_standard = json!({"premium": 5, "standard": 0});
    let standard_mapped =
        ("{O}/provisioning/group_mappings/seat_tiers", json!([{"group": "power", "tier": "standard"}]));
    let tier = ("tier_without_seats", mapped);
    let owner = ("{O}/primary_owner", json!("ada@acme.example"));
    check(vec![
        (&[jit(), seats(json!({"caps": none}))], &[nobody]),
        (&[seats(json!({"caps": none}))], &[tier, nobody]),
        (
            &[jit(), seats(json!({"caps": {}}))],
            &[("tier_without_seats", "{O}.seats.caps"), ("tier_without_seats", "{O}.seats.caps"), nobody],
        ),
        // Who is in the mapped group waits; who is not gets nothing, or the default.
        (&[seats(json!({"caps": no_premium, "default": "none"}))], &[tier, nobody]),
        (&[seats(json!({"caps": no_premium, "default": "remove"}))], &[tier, nobody]),
        (&[seats(json!({"caps": no_premium, "default": "remove"})), owner], &[tier]),
        (&[seats(json!({"caps": no_premium, "default": "none", "when_full": "next_tier"}))], &[tier]),
        // They fall, and never rise.
        (
            &[standard_mapped, seats(json!({"caps": no_standard, "default": "none", "when_full": "next_tier"}))],
            &[tier, nobody],
        ),
        (&[seats(json!({"caps": no_premium, "default": "standard"}))], &[tier]),
        (&[seats(json!({"caps": no_premium, "default": "lowest_available"}))], &[tier]),
        // Where tiers are not mapped, somebody can be given one by hand.
        (&[jit(), seats(json!({"caps": no_premium, "default": "none"}))], &[]),
        (&[seats(json!({"caps": {"premium": 1, "standard": 0}, "default": "none"}))], &[]),
    ]);
}

#[test]
fn rules_for_every_path_that_nobody_passes_are_warned_of() {
    let nobody: &[_] = &[("nobody_can_enter", "{O}.access")];
    let access = |rules: Value| ("{O}/access", rules);
    let owner = ("{O}/primary_owner", json!("ada@acme.example"));
    let unowned = ("{O}/provisioning/group_mappings/roles", json!([{"group": "staff", "role": "user"}]));
    let roles = "{O}.provisioning.group_mappings.roles";
    check(vec![
        (&[access(json!([{"path": "/", "roles": ["owner"]}, {"path": "/", "roles": ["user"]}]))], nobody),
        (
            &[access(json!([{"path": "/", "seat_tiers": ["premium"]}, {"path": "/", "seat_tiers": ["standard"]}]))],
            nobody,
        ),
        // No group gives this role.
        (&[access(json!([{"path": "/", "roles": ["admin"]}]))], nobody),
        (
            &[unowned.clone(), access(json!([{"path": "/", "roles": ["owner"]}]))],
            &[("no_owner", roles), ("nobody_can_enter", "{O}.access")],
        ),
        (&[unowned, owner, access(json!([{"path": "/", "roles": ["owner"]}]))], &[("top_role_unmapped", roles)]),
        (&[("{O}/path_prefix", json!("/eu")), access(json!([{"path": "/eu/", "roles": ["admin"]}]))], nobody),
        // By hand anybody can be given it; and rules that leave a way open.
        (&[jit(), access(json!([{"path": "/", "roles": ["admin"]}]))], &[]),
        (&[access(json!([{"path": "/", "roles": ["admin"], "methods": ["POST"]}]))], &[]),
        (&[access(json!([{"path": "/eu/", "roles": ["admin"]}]))], &[]),
        (&[access(json!([{"path": "/", "roles": ["owner", "user"]}, {"path": "/", "roles": ["user"]}]))], &[]),
    ]);
}

#[test]
fn connections_that_let_nobody_in_are_warned_of() {
    let nobody: &[_] = &[("nobody_can_enter", "{O}.connections")];
    let require = |claims: Value| ("/parents/0/connections/0/require", claims);
    let second = ("/parents/0/connections/1", super::super::connection("second"));
    let ec = json!({"kty": "EC", "crv": "P-256", "x": "eR8EKQQ1CEsf6Rnlfgh9FxtpqpjSA5PlkIIvuA2tWC8",
        "y": "4D_k4ew1ebJJtwLQVPAF1DH0SVEDV6PcyRdAre4lYQw"});
    let inline = ("/parents/0/connections/0/jwks", json!({"inline": {"keys": [ec]}}));
    let algorithms = |names: Value| ("/parents/0/connections/0/algorithms", names);
    check(vec![
        (&[require(json!({"iss": ["https://other.example"]}))], nobody),
        (&[require(json!({"azp": ["other"]}))], nobody),
        (&[require(json!({"email_verified": ["false"]}))], nobody),
        (&[require(json!({"email": ["ada@elsewhere.example"]}))], nobody),
        (
            &[
                require(json!({"email": ["ada@acme.test"]})),
                ("/parents/0/connections/0/domains", json!(["acme.example"])),
            ],
            nobody,
        ),
        (&[inline.clone(), algorithms(json!(["RS256"]))], nobody),
        (&[inline, algorithms(json!(["RS256", "ES256"]))], &[]),
        (&[require(json!({"iss": ["https://okta.acme.example"]}))], &[]),
        (&[require(json!({"azp": ["other", "usher"]}))], &[]),
        (&[require(json!({"email_verified": ["true"]}))], &[]),
        (&[require(json!({"email_verified": ["false"]})), ("/parents/0/connections/0/email", json!("trusted"))], &[]),
        (&[require(json!({"email": ["ada@elsewhere.example", "ada@acme.test"]}))], &[]),
        (&[require(json!({"hd": ["elsewhere.example"]}))], &[]),
        // Another connection lets in.
        (&[require(json!({"azp": ["other"]})), second], &[]),
    ]);
}
