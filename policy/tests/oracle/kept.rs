//! Histories in which rules and oracle once parted, or that chance hardly finds, with what is right.

use super::agree::Pair;
use super::history::{Edit, Groups, History, Login, Step};
use super::policy::{CATALOGS, Policy};

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

/// The role of the last login, or the reason why there is none, after these steps.
fn last(policy: Policy, steps: Vec<Step>, login: Login) -> String {
    let mut pair = Pair::new(&History { policy, steps: vec![] });
    for step in steps {
        pair.take(&step).unwrap_or_else(|told| panic!("{told}"));
    }
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
