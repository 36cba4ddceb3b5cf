//! What each mode does at a login, and what removes.

use super::super::{Facts, decide};
use super::{NO_GROUP, UNASSIGNED, jit, manual, mapped, role, second_owner};
use crate::id::Subject;
use crate::member::{Source, Status};
use crate::model::Provisioning;
use crate::rules::effects::Note;
use crate::rules::hand::Edit;
use crate::rules::plan::Plan;
use crate::rules::testing::{World, assign, email, ensure, login, mappings, organization, with_seats};
use crate::wire::Answer;

#[test]
fn manual_asks_for_a_member_and_makes_none() {
    let mut world = manual();
    assert_eq!(world.login(&login("eve", 10, Plan::Require)).answer, Answer::Absent);
    assert!(world.members.is_empty());
    world.add("ada");
    let outcome = world.login(&login("ada", 10, Plan::Require));
    assert_eq!(outcome.answer, Answer::Member);
    assert_eq!(outcome.effects.notes, [Note::Linked]);
    assert_eq!(world.member("ada").identity.unwrap().subject, Subject::new("ada"));
    assert_eq!(world.member("ada").source, Source::Manual);
}

#[test]
fn jit_makes_a_member_once_and_never_touches_the_role() {
    let mut world = jit();
    assert_eq!(world.login(&login("ada", 10, ensure())).answer, Answer::Member);
    assert_eq!((role(&world, "ada").as_str(), world.member("ada").source), ("user", Source::Jit));
    world.edit("ada", &Edit { role: Some("admin".to_owned()), ..Edit::default() }).unwrap();
    world.login(&login("ada", 20, ensure()));
    assert_eq!(role(&world, "ada"), "admin");
    assert_eq!(world.members.len(), 1);
}

#[test]
fn mappings_renew_the_role_at_every_login_and_remove_without_a_group() {
    let mut world = mapped();
    second_owner(&mut world);
    world.login(&login("ada", 10, assign("owner", None)));
    assert_eq!(role(&world, "ada"), "owner");
    world.login(&login("ada", 20, assign("user", None)));
    assert_eq!(role(&world, "ada"), "user");
    assert_eq!(world.login(&login("ada", 30, NO_GROUP)).answer, Answer::Removed);
    assert!(world.find("ada").is_none());
    // However often it comes, the plan to remove is answered with its own reason.
    assert_eq!(world.login(&login("ada", 30, NO_GROUP)).answer, Answer::Absent);
}

#[test]
fn not_assigned_removes_by_issuer_and_subject_only() {
    let mut world = jit();
    world.add("ada");
    assert_eq!(world.login(&login("ada", 10, UNASSIGNED)).answer, Answer::Absent);
    assert!(world.member("ada").identity.is_none(), "it links nobody");
    world.login(&login("ada", 20, ensure()));
    let mut other = login("eve", 30, UNASSIGNED);
    other.email = email("ada@acme.example");
    assert_eq!(world.login(&other).answer, Answer::Absent, "it conflicts with nobody");
    assert_eq!(world.login(&login("ada", 40, UNASSIGNED)).answer, Answer::Removed);
}

#[test]
fn scim_modes_count_only_members_of_the_directory() {
    let mut world = World::new(organization(Provisioning::Manual));
    world.add("ada");
    world.organization.provisioning = Provisioning::Scim;
    assert_eq!(world.login(&login("ada", 10, Plan::Require)).answer, Answer::Absent);
    assert!(world.member("ada").identity.is_none());
    world.provision("bob", None);
    assert_eq!(world.login(&login("bob", 10, Plan::Require)).answer, Answer::Member);
    // Suspended comes before not provisioned.
    world.set_status("ada", Status::Suspended);
    assert_eq!(world.login(&login("ada", 2_000, Plan::Require)).answer, Answer::Suspended);
}

#[test]
fn after_too_many_removals_in_an_hour_denied_logins_no_longer_remove() {
    let mut world = mapped();
    world.organization.guards.removals_by_login = 2;
    for (index, name) in ["ada", "bob", "cy"].into_iter().enumerate() {
        world.login(&login(name, 10, assign("user", None)));
        let outcome = world.login(&login(name, 20, NO_GROUP));
        let (answer, notes) =
            if index < 2 { (Answer::Removed, vec![]) } else { (Answer::Kept, vec![Note::RemovalsLimited]) };
        assert_eq!((outcome.answer, outcome.effects.notes), (answer, notes), "{name}");
    }
    assert!(world.find("cy").is_some());
}

#[test]
fn a_login_decided_twice_gives_the_same() {
    let mut world = World::new(with_seats(organization(Provisioning::JitMapped(mappings())), 1, 1));
    for plan in [assign("admin", Some("premium")), assign("user", None), NO_GROUP, NO_GROUP] {
        let login = login("ada", 10, plan);
        let facts: Facts = world.login_facts(&login);
        let first = decide(&world.organization, &login, &facts);
        assert_eq!(first, decide(&world.organization, &login, &facts));
        assert_eq!(first, world.login(&login));
    }
}
