//! Warnings of mappings: who owns, what never decides, and what looks like no group.

use std::slice;

use serde_json::{Value, json};

use super::super::super::WarningCode;
use super::{check, warnings};

fn roles(list: &[(&str, &str)]) -> (&'static str, Value) {
    let list: Vec<_> = list.iter().map(|(group, role)| json!({"group": group, "role": role})).collect();
    ("{O}/provisioning/group_mappings/roles", json!(list))
}

fn tiers(list: &[(&str, &str)]) -> (&'static str, Value) {
    let list: Vec<_> = list.iter().map(|(group, tier)| json!({"group": group, "tier": tier})).collect();
    ("{O}/provisioning/group_mappings/seat_tiers", json!(list))
}

const ROLES: &str = "{O}.provisioning.group_mappings.roles";

#[test]
fn mappings_that_make_nobody_an_owner_are_warned_of() {
    let owner = ("{O}/primary_owner", json!("ada@acme.example"));
    let unowned = roles(&[("staff", "user"), ("leads", "admin")]);
    check(vec![
        (slice::from_ref(&unowned), &[("no_owner", ROLES)]),
        (&[unowned.clone(), owner.clone()], &[("top_role_unmapped", ROLES)]),
        (&[owner], &[]),
        // Without mappings somebody can be given the role by hand.
        (&[("{O}/provisioning", json!({"mode": "jit"}))], &[]),
        (&[("{O}/provisioning", json!({"mode": "manual"}))], &[]),
    ]);
}

#[test]
fn scim_without_a_directory_is_warned_of() {
    let scim = ("{O}/provisioning", json!({"mode": "scim"}));
    let owner = ("{O}/primary_owner", json!("ada@acme.example"));
    let mode = "{O}.provisioning.mode";
    check(vec![
        (&[scim.clone(), owner.clone()], &[("no_directory", mode)]),
        (&[scim.clone(), owner, ("/parents/0/directory", json!({"scim": false}))], &[("no_directory", mode)]),
        (slice::from_ref(&scim), &[("no_directory", mode), ("nobody_can_enter", mode)]),
        (&[scim.clone(), ("/parents/0/directory", json!({"scim": true, "token_env": "S"}))], &[]),
    ]);
}

#[test]
fn a_group_that_is_mapped_twice_is_warned_of_and_so_is_what_it_never_gives() {
    let heads = ("heads", "owner");
    check(vec![
        (
            &[roles(&[heads, ("a", "user"), ("a", "admin"), ("b", "user")])],
            &[
                ("group_mapped_twice", "{O}.provisioning.group_mappings.roles[2]"),
                ("dead_mapping", "{O}.provisioning.group_mappings.roles[1]"),
            ],
        ),
        (
            &[roles(&[heads, ("a", "admin"), ("a", "user")])],
            &[
                ("group_mapped_twice", "{O}.provisioning.group_mappings.roles[2]"),
                ("dead_mapping", "{O}.provisioning.group_mappings.roles[2]"),
            ],
        ),
        (
            &[roles(&[heads, ("a", "user"), ("a", "user")])],
            &[("group_mapped_twice", "{O}.provisioning.group_mappings.roles[2]")],
        ),
        (
            &[tiers(&[("a", "standard"), ("a", "premium")])],
            &[
                ("group_mapped_twice", "{O}.provisioning.group_mappings.seat_tiers[1]"),
                ("dead_mapping", "{O}.provisioning.group_mappings.seat_tiers[0]"),
            ],
        ),
        // One group may give a role and a tier, and groups are case-sensitive.
        (&[roles(&[heads, ("a", "user"), ("A", "admin")]), tiers(&[("a", "premium"), ("A", "standard")])], &[]),
    ]);
}

#[test]
fn the_first_that_gives_a_group_the_most_is_told() {
    let told = warnings(&[roles(&[("heads", "owner"), ("a", "user"), ("a", "admin"), ("a", "admin")])]);
    let dead: Vec<_> = told.iter().filter(|warning| warning.code == WarningCode::DeadMapping).collect();
    assert_eq!(dead.len(), 1, "{told:?}");
    assert!(dead[0].message.starts_with("never decides: `roles[2]` gives the same group `admin`"), "{told:?}");
    let twice = told.iter().filter(|warning| warning.code == WarningCode::GroupMappedTwice);
    assert!(
        twice.clone().count() == 2 && twice.clone().all(|warning| warning.message.contains("`roles[1]` has it too"))
    );
}

#[test]
fn a_mapping_that_everybody_who_may_log_in_has_outdone_is_warned_of() {
    let assigned =
        |claim: &str, any_of: Value| ("/parents/0/connections/0/assignment", json!({"claim": claim, "any_of": any_of}));
    let mapped = roles(&[("heads", "owner"), ("all", "admin"), ("leads", "admin"), ("staff", "user")]);
    let dead = |number: usize| format!("{ROLES}[{number}]");
    let (leads, staff) = (dead(2), dead(3));
    let twice = dead(2);
    let outdone: &[_] = &[("dead_mapping", leads.as_str()), ("dead_mapping", staff.as_str())];
    let second = ("/parents/0/connections/1", super::super::connection("second"));
    check(vec![
        (&[mapped.clone(), assigned("groups", json!(["all"]))], outdone),
        (&[mapped.clone(), ("/parents/0/connections/0/require", json!({"groups": ["all"]}))], outdone),
        // One of several groups: the least of them is all that is certain.
        (&[mapped.clone(), assigned("groups", json!(["all", "heads"]))], outdone),
        (&[mapped.clone(), assigned("groups", json!(["all", "staff"]))], &[]),
        (&[mapped.clone(), assigned("groups", json!(["all", "unmapped"]))], &[]),
        (&[mapped.clone(), assigned("roles", json!(["all"]))], &[]),
        // Through another connection the group may be missing.
        (&[mapped.clone(), assigned("groups", json!(["all"])), second], &[]),
        // What is dead for another reason is told once.
        (
            &[roles(&[("heads", "owner"), ("all", "admin"), ("all", "user")]), assigned("groups", json!(["all"]))],
            &[("group_mapped_twice", &twice), ("dead_mapping", &twice)],
        ),
        // Of a group that is mapped twice the better counts, wherever it stands.
        (
            &[
                roles(&[("heads", "owner"), ("all", "user"), ("all", "admin"), ("staff", "user")]),
                assigned("groups", json!(["all"])),
            ],
            &[("group_mapped_twice", &twice), ("dead_mapping", &dead(1)), ("dead_mapping", &staff)],
        ),
        (
            &[
                roles(&[("heads", "owner"), ("all", "admin"), ("all", "user"), ("leads", "admin")]),
                assigned("groups", json!(["all"])),
            ],
            &[("group_mapped_twice", &twice), ("dead_mapping", &twice), ("dead_mapping", &staff)],
        ),
        // In scim modes the token's groups give nothing.
        (
            &[
                mapped,
                assigned("groups", json!(["all"])),
                ("{O}/provisioning/mode", json!("scim")),
                ("/parents/0/directory", json!({"scim": true, "token_env": "S"})),
            ],
            &[],
        ),
    ]);
}

#[test]
fn a_name_for_people_among_ids_or_paths_is_warned_of() {
    const ID: &str = "2b1ff9b8-9f0e-4f0f-8ddb-1fd8e2d8ba11";
    const OTHER: &str = "7a1ff9b8-9f0e-4f0f-8ddb-1fd8e2d8ba12";
    let group = |number: usize| format!("{ROLES}[{number}].group");
    let (first, second) = (group(0), group(1));
    let tier = "{O}.provisioning.group_mappings.seat_tiers[0].group";
    let none = tiers(&[]);
    check(vec![
        (
            &[roles(&[(ID, "owner"), ("Chat Admins", "admin")]), tiers(&[(OTHER, "premium")])],
            &[("display_name_group", &second)],
        ),
        (&[roles(&[("Staff", "owner"), ("/leads", "admin")]), none.clone()], &[("display_name_group", &first)]),
        (&[roles(&[("/heads", "owner"), ("leads", "admin")]), none.clone()], &[("display_name_group", &second)]),
        (
            &[roles(&[(ID, "owner"), (OTHER, "admin")]), tiers(&[("Power Users", "premium")])],
            &[("display_name_group", tier)],
        ),
        // A word may be an id; and where most are names, names are what the provider sends.
        (&[roles(&[(ID, "owner"), ("chat-admins", "admin")]), none.clone()], &[]),
        (&[roles(&[(ID, "owner"), ("Staff", "user"), ("Chat Admins", "admin")]), none.clone()], &[]),
        (&[roles(&[("Heads", "owner"), ("Chat Admins", "admin")]), none.clone()], &[]),
        (&[roles(&[("/Chat Admins", "owner"), ("/Staff", "user")]), none.clone()], &[]),
        (&[roles(&[("heads", "owner"), ("leads", "admin")]), none.clone()], &[]),
        (&[roles(&[("heads", "owner"), ("Chat Admins", "admin")]), none.clone()], &[]),
        (&[roles(&[("/heads", "owner"), ("Leads", "admin"), ("staff", "user")]), none.clone()], &[]),
        (&[roles(&[(ID, "owner"), ("/leads", "admin"), ("staff", "user")]), none.clone()], &[]),
        (&[roles(&[(ID, "owner"), (OTHER, "admin"), ("Chat Admins", "user"), ("staff", "user")]), none], &[]),
    ]);
}
