//! The histories that are checked in, to be played through a real Envoy and a real store as well.

use std::fs;
use std::path::Path;

use super::draw;
use super::policy::{Access, CATALOGS, Policy, Seats};
use super::scenario;

/// Name, what it is about, policy, seed, steps.
fn histories() -> [(&'static str, &'static str, Policy, u64, usize); 6] {
    [
        ("long-jit", "A few hundred steps in jit mode, with more people than seats.", jit(), 1, 200),
        (
            "long-mapped",
            "Roles and tiers of groups; who finds the mapped tier full falls to the next.",
            mapped(),
            2,
            400,
        ),
        ("long-manual", "By hand alone, the lowest tier first.", manual(), 3, 150),
        (
            "long-owners",
            "A primary owner, two connections, access rules, and few removals by logins.",
            owners(),
            4,
            300,
        ),
        ("long-grid", "A product of the policy's own, whose seats are given by hand.", grid(), 5, 200),
        (
            "long-scim",
            "Members whom the directory made before, and the primary owner whom it does not know.",
            scim(),
            6,
            200,
        ),
    ]
}

#[test]
fn histories_on_disk_are_as_they_are_generated() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/scenarios/histories");
    for (name, about, policy, seed, steps) in histories() {
        let history = draw::history(policy, seed, steps);
        assert!(scenario::is_whole(&history), "{name}");
        let text = scenario::file(&history, about, &format!("seed {seed}, {steps} steps"));
        let path = folder.join(format!("{name}.yaml"));
        if std::env::var("USHER_WRITE_HISTORIES").is_ok() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let on_disk = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            on_disk == text,
            "{name}.yaml is not as it is generated; USHER_WRITE_HISTORIES=1 cargo test -p usher-policy --test oracle histories_on_disk"
        );
    }
}

pub(crate) fn jit() -> Policy {
    Policy {
        product: &CATALOGS[0],
        plan: "team",
        connections: vec![("okta", "email")],
        primary_owner: None,
        mode: "jit",
        role_groups: None,
        tier_groups: vec![],
        seats: Some(seats(&[("premium", 1), ("standard", 3)], "highest_available", "deny")),
        removals_by_login: 100,
        access: vec![],
    }
}

fn mapped() -> Policy {
    Policy {
        role_groups: Some(vec![("staff", "user"), ("leads", "admin"), ("/a/b", "owner")]),
        tier_groups: vec![("Staff", "premium"), ("leads", "standard")],
        seats: Some(seats(&[("premium", 2), ("standard", 2)], "lowest_available", "next_tier")),
        ..jit()
    }
}

fn manual() -> Policy {
    let seats = Some(seats(&[("premium", 2), ("standard", 2)], "lowest_available", "deny"));
    Policy { mode: "manual", seats, ..jit() }
}

fn owners() -> Policy {
    let access = |path, methods, roles, tiers| Access { path, methods, roles, tiers };
    Policy {
        plan: "enterprise",
        connections: vec![("okta", "email"), ("entra", "email")],
        primary_owner: Some(("ada@acme.example", 0)),
        role_groups: Some(vec![("staff", "user"), ("leads", "owner")]),
        tier_groups: vec![("Staff", "premium"), ("/a/b", "standard")],
        seats: Some(seats(&[("premium", 3), ("standard", 2)], "remove", "deny")),
        removals_by_login: 20,
        access: vec![
            access("/admin/", None, Some(vec!["owner", "admin"]), None),
            access("/admin/x", None, None, Some(vec!["premium"])),
        ],
        ..jit()
    }
}

fn grid() -> Policy {
    let seats = Some(seats(&[("control", 1), ("observer", 3), ("guest", 2)], "none", "deny"));
    Policy { product: &CATALOGS[2], seats, ..jit() }
}

fn scim() -> Policy {
    Policy {
        plan: "enterprise",
        connections: vec![("okta", "external_id"), ("entra", "email")],
        primary_owner: Some(("ada@acme.example", 0)),
        mode: "scim",
        ..jit()
    }
}

fn seats(caps: &[(&'static str, u32)], default: &'static str, when_full: &'static str) -> Seats {
    Seats { caps: Some(caps.to_vec()), default, when_full }
}
