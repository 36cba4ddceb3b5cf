//! Old tickets: `iat`, `last_iat`, `not_before`, suspension.

use super::{NO_GROUP, jit, manual, mapped, role, second_owner, tier};
use crate::member::Status;
use crate::model::Provisioning;
use crate::rules::effects::Effects;
use crate::rules::plan::Plan;
use crate::rules::testing::{World, assign, ensure, login, mappings, organization, with_seats};
use crate::wire::Answer;

#[test]
fn a_removal_is_not_undone_by_an_old_ticket_but_by_a_newer_login() {
    let mut world = mapped();
    let first = world.login(&login("ada", 10, assign("user", None))).member.unwrap();
    world.login(&login("ada", 30, NO_GROUP));
    for issued_at in [10, 29, 30] {
        assert_eq!(world.login(&login("ada", issued_at, assign("user", None))).answer, Answer::Revoked, "{issued_at}");
    }
    let again = world.login(&login("ada", 31, assign("user", None)));
    assert_eq!(again.answer, Answer::Member);
    assert_ne!(again.member.unwrap().id, first.id, "a member made again is a new member");
}

#[test]
fn a_removal_by_hand_holds_to_the_clock_or_the_last_iat() {
    let mut world = jit();
    world.login(&login("ada", 10, ensure()));
    world.remove("ada").unwrap();
    assert_eq!(world.login(&login("ada", 1_000, ensure())).answer, Answer::Revoked, "the store's clock");
    assert_eq!(world.login(&login("ada", 1_001, ensure())).answer, Answer::Member);
    world.login(&login("ada", 1_050, ensure()));
    world.remove("ada").unwrap();
    assert_eq!(world.login(&login("ada", 1_050, ensure())).answer, Answer::Revoked, "the last iat");
    assert_eq!(world.login(&login("ada", 1_051, ensure())).answer, Answer::Member);
}

#[test]
fn one_removed_before_the_first_link_is_kept_by_email_until_it() {
    let mut world = jit();
    world.add("ada");
    world.remove("ada").unwrap();
    assert_eq!(world.login(&login("ada", 1_000, ensure())).answer, Answer::Revoked);
    assert_eq!(world.login(&login("ada", 1_001, ensure())).answer, Answer::Member);
    assert!(world.blocks.is_empty());
    // Made again by hand, the block still stands until the first link.
    world.add("bob");
    world.remove("bob").unwrap();
    world.add("bob");
    assert_eq!(world.login(&login("bob", 999, ensure())).answer, Answer::Revoked);
    assert!(world.member("bob").identity.is_none());
    assert_eq!(world.blocks.len(), 1);
    assert_eq!(world.login(&login("bob", 1_001, ensure())).answer, Answer::Member);
    assert!(world.blocks.is_empty());
}

#[test]
fn an_older_login_writes_nothing_and_is_answered_from_what_is_stored() {
    let mut world = mapped();
    second_owner(&mut world);
    world.login(&login("ada", 20, assign("user", None)));
    let older = world.login(&login("ada", 19, assign("owner", None)));
    assert_eq!((older.answer, older.effects), (Answer::Member, Effects::default()));
    assert_eq!(older.member.unwrap().role.as_str(), "user");
    assert_eq!(world.login(&login("ada", 19, NO_GROUP)).answer, Answer::Kept, "its claims still deny it");
    assert!(world.find("ada").is_some(), "but it removes nobody");
    // An equal one applies.
    world.login(&login("ada", 20, assign("admin", None)));
    assert_eq!(role(&world, "ada"), "admin");
}

#[test]
fn strangers_and_denied_logins_move_the_last_iat() {
    let mut world = manual();
    world.login(&login("ada", 50, Plan::Require));
    world.add("ada");
    let older = world.login(&login("ada", 49, Plan::Require));
    assert_eq!(older.answer, Answer::Absent, "an older login links nobody");
    assert!(world.member("ada").identity.is_none());
    assert_eq!(world.login(&login("ada", 50, Plan::Require)).answer, Answer::Member);
}

#[test]
fn an_older_login_makes_nobody_a_member() {
    let mut world = mapped();
    assert_eq!(world.login(&login("ada", 50, NO_GROUP)).answer, Answer::Absent);
    let older = world.login(&login("ada", 49, assign("user", None)));
    assert_eq!((older.answer, older.effects), (Answer::Absent, Effects::default()));
    assert_eq!(world.login(&login("ada", 50, assign("user", None))).answer, Answer::Member);
}

#[test]
fn a_suspended_member_is_told_so_keeps_the_seat_and_is_not_removed() {
    let mut world = World::new(with_seats(organization(Provisioning::JitMapped(mappings())), 1, 0));
    world.login(&login("ada", 10, assign("user", Some("premium"))));
    world.set_status("ada", Status::Suspended);
    for plan in [assign("user", None), NO_GROUP] {
        assert_eq!(world.login(&login("ada", 2_000, plan)).answer, Answer::Suspended);
    }
    assert_eq!(tier(&world, "ada").as_deref(), Some("premium"));
    // Back again, what was signed before the suspension stays revoked.
    world.now = 3_000;
    world.set_status("ada", Status::Active);
    assert_eq!(world.login(&login("ada", 2_000, assign("user", None))).answer, Answer::Member);
    world.set_status("ada", Status::Suspended);
    world.set_status("ada", Status::Active);
    assert_eq!(world.login(&login("ada", 2_500, assign("user", None))).answer, Answer::Revoked);
    assert_eq!(world.login(&login("ada", 2_600, NO_GROUP)).answer, Answer::Kept, "a revoked identity is not removed");
    assert_eq!(world.login(&login("ada", 3_001, assign("user", None))).answer, Answer::Member);
}

#[test]
fn a_known_unchanged_login_writes_nothing_but_the_minute() {
    let mut world = mapped();
    world.login(&login("ada", 10, assign("user", None)));
    world.now += 59;
    assert_eq!(world.login(&login("ada", 10, assign("user", None))).effects, Effects::default());
    world.now += 1;
    let before = world.member("ada");
    world.login(&login("ada", 10, assign("user", None)));
    let after = world.member("ada");
    assert_eq!((after.last_login_at, after.updated_at), (Some(world.now), before.updated_at));
}
