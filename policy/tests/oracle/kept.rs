//! Histories in which rules and oracle once parted, or that chance hardly finds, with what is right.

use super::agree::Pair;
use super::history::{Edit, Groups, History, Login, Step};
use super::policy::{CATALOGS, Policy, Seats};

fn jit() -> Policy {
    Policy {
        product: &CATALOGS[0],
        plan: "team",
        connections: vec![("okta", "email")],
        primary_owner: None,
        mode: "jit",
        role_groups: None,
        tier_groups: vec![],
        seats: None,
        removals_by_login: 100,
        access: vec![],
    }
}

fn mapped() -> Policy {
    Policy { role_groups: Some(vec![("staff", "user")]), ..jit() }
}

/// Mapped roles, tiers by hand, and so many premium seats.
fn with_premium(seats: u32) -> Policy {
    Policy {
        role_groups: Some(vec![("staff", "user"), ("leads", "owner")]),
        seats: Some(Seats { caps: Some(vec![("premium", seats)]), default: "highest_available", when_full: "deny" }),
        ..jit()
    }
}

fn owned_by_ada(policy: Policy) -> Policy {
    Policy { primary_owner: Some((ADA, 0)), ..policy }
}

const ADA: &str = "ada@acme.example";

fn login(subject: &'static str, groups: &[&'static str], iat: i64) -> Login {
    Login {
        connection: 0,
        subject,
        email: ADA,
        external_id: None,
        assigned: true,
        groups: Groups::Listed(groups.to_vec()),
        iat,
        method: "GET",
        path: "/",
    }
}

fn add() -> Step {
    Step::Add { email: ADA, role: None, tier: None }
}

fn edit(edit: Edit) -> Step {
    Step::Edit { email: ADA, edit }
}

fn unlink() -> Edit {
    Edit { unlink: true, ..Edit::default() }
}

fn policy(policy: Policy) -> Step {
    Step::Policy(Box::new(policy))
}

fn pair(policy: Policy, steps: Vec<Step>) -> Pair {
    let mut pair = Pair::new(&History { policy, steps: vec![] });
    for step in steps {
        pair.take(&step).unwrap_or_else(|told| panic!("{told}"));
    }
    pair
}

/// The role of the last login, or the reason why there is none, after these steps.
fn last(policy: Policy, steps: Vec<Step>, login: Login) -> String {
    let mut pair = pair(policy, steps);
    pair.agreed(&login).unwrap_or_else(|told| panic!("{told}")).map_or_else(|reason| reason, |entry| entry.role)
}

#[test]
fn unlinking_one_who_has_no_link_revokes_nothing() {
    let steps = vec![add(), edit(Edit { role: Some("admin"), ..unlink() })];
    assert_eq!(last(jit(), steps, login("ada", &[], 0)), "admin");
}

#[test]
fn a_primary_owner_who_is_named_again_has_the_top_role_again() {
    for (policy_then, groups) in [(mapped(), vec!["staff"]), (mapped(), vec![]), (jit(), vec![])] {
        let steps = vec![
            Step::Login(login("ada", &groups, 0)),
            policy(jit()),
            edit(Edit { role: Some("user"), ..Edit::default() }),
            policy(owned_by_ada(policy_then.clone())),
        ];
        assert_eq!(last(owned_by_ada(policy_then), steps, login("ada", &groups, 0)), "owner", "{groups:?}");
    }
}

#[test]
fn a_primary_owner_in_no_group_with_a_revoked_ticket_is_told_of_the_group() {
    let steps = vec![Step::Login(login("ada", &[], 0)), Step::Wait(5), edit(suspended()), edit(active())];
    assert_eq!(last(owned_by_ada(mapped()), steps.clone(), login("ada", &[], 0)), "no_mapped_group");
    assert_eq!(last(owned_by_ada(mapped()), steps, login("ada", &[], -6)), "no_mapped_group");
}

#[test]
fn what_is_kept_by_email_goes_with_the_first_link() {
    let steps = vec![
        add(),
        edit(suspended()),
        edit(active()),
        Step::Wait(5),
        Step::Login(login("ada", &[], 0)),
        edit(unlink()),
    ];
    assert_eq!(last(jit(), steps, login("ada-elsewhere", &[], -5)), "user");
}

fn suspended() -> Edit {
    Edit { status: Some("suspended"), ..Edit::default() }
}

fn active() -> Edit {
    Edit { status: Some("active"), ..Edit::default() }
}

#[test]
fn a_last_owner_without_a_seat_keeps_the_record_however_often_the_same_login_comes() {
    let seat_taken_away = Edit { tier: Some(None), ..Edit::default() };
    let steps = vec![Step::Login(login("ada", &["leads"], 0)), edit(seat_taken_away), policy(with_premium(0))];
    let mut pair = pair(with_premium(1), steps);
    for _ in 0..3 {
        let verdict = pair.agreed(&login("ada", &["staff"], 0)).unwrap_or_else(|told| panic!("{told}"));
        assert_eq!(verdict.unwrap_err(), "no_seat_available");
        let row = &pair.world.rows()[0];
        assert_eq!((row.role.as_str(), row.status.as_str()), ("owner", "active"));
    }
}

#[test]
fn an_owner_who_waited_for_a_seat_is_demoted_by_the_login_that_gives_one() {
    let steps = vec![Step::Login(login("ada", &["leads"], 0)), policy(with_premium(1))];
    assert_eq!(last(with_premium(0), steps, login("ada", &["staff"], 0)), "user", "pending is not active");
}

#[test]
fn a_group_that_maps_a_full_tier_does_not_cost_the_last_owner_the_role() {
    let tier_groups = vec![("Staff", "premium")];
    let seats = Some(Seats { caps: Some(vec![("premium", 0)]), default: "none", when_full: "deny" });
    let policy = Policy { tier_groups, seats, ..with_premium(0) };
    for groups in [vec!["staff"], vec!["staff", "Staff"]] {
        let mut pair = pair(policy.clone(), vec![Step::Login(login("ada", &["leads"], 0))]);
        pair.take(&Step::Login(login("ada", &groups, 0))).unwrap_or_else(|told| panic!("{told}"));
        assert_eq!(pair.world.rows()[0].role, "owner", "{groups:?}");
    }
}

#[test]
fn who_comes_with_the_primary_owners_email_and_is_another_is_no_primary_owner() {
    let named_later = vec![Step::Login(login("ada", &[], 0)), policy(owned_by_ada(mapped()))];
    let mut pair = pair(jit(), named_later);
    for _ in 0..2 {
        let verdict = pair.agreed(&login("dan", &[], 0)).unwrap_or_else(|told| panic!("{told}"));
        assert_eq!(verdict.unwrap_err(), "no_mapped_group", "a plan to remove conflicts with nobody");
    }
    let verdict = pair.agreed(&login("dan", &["staff"], 0)).unwrap_or_else(|told| panic!("{told}"));
    assert_eq!(verdict.unwrap_err(), "identity_conflict");
}
