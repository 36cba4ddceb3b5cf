//! The primary owner and the last owner.

use super::{NO_GROUP, UNASSIGNED, jit, mapped, role, second_owner, tier};
use crate::id::Tier;
use crate::member::Status;
use crate::model::{Provisioning, SeatDefault};
use crate::rules::effects::Note;
use crate::rules::hand::Addition;
use crate::rules::plan::Plan;
use crate::rules::testing::{
    World, assign, email, ensure, login, mappings, organization, with_primary_owner, with_seats,
};
use crate::wire::Answer;

#[test]
fn the_primary_owner_gets_the_top_role_in_every_mode_and_keeps_it() {
    let modes = [
        (Provisioning::Manual, Plan::Require),
        (Provisioning::Jit, ensure()),
        (Provisioning::JitMapped(mappings()), assign("user", None)),
        (Provisioning::JitMapped(mappings()), NO_GROUP),
        (Provisioning::Scim, Plan::Require),
        (Provisioning::ScimMapped(mappings()), Plan::Require),
    ];
    for (mode, plan) in modes {
        let mut world = World::new(with_primary_owner(organization(mode.clone()), "ada@acme.example"));
        let first = world.login(&login("ada", 10, plan.clone()));
        assert_eq!(first.answer, Answer::Member, "{mode:?}");
        assert_eq!(first.effects.notes, [Note::PrimaryOwner]);
        assert_eq!(role(&world, "ada"), "owner", "{mode:?}");
        let again = world.login(&login("ada", 20, plan));
        assert_eq!((again.answer, role(&world, "ada").as_str()), (Answer::Member, "owner"), "{mode:?}");
        assert_eq!(world.login(&login("ada", 15, NO_GROUP)).answer, Answer::Member, "an older one too: {mode:?}");
    }
}

#[test]
fn primary_ownership_belongs_to_the_member_not_to_the_email() {
    let mut world = World::new(with_primary_owner(mapped().organization, "ada@acme.example"));
    world.login(&login("ada", 10, assign("user", None)));
    let mut renamed = login("ada", 20, NO_GROUP);
    renamed.email = email("countess@acme.example");
    assert_eq!(world.login(&renamed).answer, Answer::Member, "the member, under another email");
    let mut successor = login("eve", 30, assign("user", None));
    successor.email = email("ada@acme.example");
    let outcome = world.login(&successor);
    assert_eq!(outcome.member.unwrap().role.as_str(), "user", "the email alone owns nothing any more");
    let mut stranger = login("mallory", 30, NO_GROUP);
    stranger.email = email("ada@acme.example");
    assert_eq!(world.login(&stranger).answer, Answer::Absent);
}

#[test]
fn the_primary_owner_still_needs_assignment_a_seat_and_the_right_connection() {
    let mut world = World::new(with_primary_owner(organization(Provisioning::Jit), "ada@acme.example"));
    assert_eq!(world.login(&login("ada", 10, UNASSIGNED)).answer, Answer::Absent);
    assert!(world.members.is_empty(), "not_assigned makes nobody an owner");
    world.login(&login("ada", 20, ensure()));
    assert_eq!(world.login(&login("ada", 30, UNASSIGNED)).answer, Answer::Kept);
    assert!(world.find("ada").is_some());
    // Also where another owner is left.
    world
        .add_as(&Addition {
            email: "zoe@acme.example".to_owned(),
            role: Some("owner".to_owned()),
            ..Addition::default()
        })
        .unwrap();
    let kept = world.login(&login("ada", 40, UNASSIGNED));
    assert_eq!((kept.answer, kept.effects.notes), (Answer::Kept, vec![]));

    let full = with_seats(organization(Provisioning::Jit), 0, 0);
    let mut world = World::new(with_primary_owner(full, "ada@acme.example"));
    assert_eq!(world.login(&login("ada", 10, ensure())).answer, Answer::Pending);

    let mut world = World::new(with_primary_owner(organization(Provisioning::Manual), "ada@acme.example"));
    world.organization.primary_owner.as_mut().unwrap().connection = Some(crate::id::ConnectionId::new("other"));
    assert_eq!(world.login(&login("ada", 10, Plan::Require)).answer, Answer::Absent);
}

#[test]
fn the_primary_owner_without_a_tier_group_gets_the_highest_seat_where_others_are_removed() {
    let seated = with_seats(organization(Provisioning::JitMapped(mappings())), 1, 1);
    let mut world = World::new(with_primary_owner(seated, "ada@acme.example"));
    world.organization.seats.as_mut().unwrap().default = SeatDefault::Remove;
    assert_eq!(world.login(&login("ada", 10, NO_GROUP)).answer, Answer::Member);
    assert_eq!(tier(&world, "ada").as_deref(), Some("premium"));
}

#[test]
fn a_primary_owner_named_later_is_found_among_the_members() {
    let mut world = jit();
    world.login(&login("ada", 10, ensure()));
    world.organization = with_primary_owner(organization(Provisioning::Jit), "ada@acme.example");
    assert_eq!(world.login(&login("ada", 9, ensure())).member.unwrap().role.as_str(), "user", "not by an old ticket");
    assert_eq!(world.login(&login("ada", 10, ensure())).member.unwrap().role.as_str(), "owner");
    // An email that belongs to somebody else does not make one.
    let mut world = jit();
    world.login(&login("ada", 10, ensure()));
    world.login(&login("bob", 10, ensure()));
    world.organization = with_primary_owner(organization(Provisioning::Jit), "ada@acme.example");
    let mut borrowed = login("bob", 20, ensure());
    borrowed.email = email("ada@acme.example");
    assert_eq!(world.login(&borrowed).member.unwrap().role.as_str(), "user");
}

#[test]
fn the_last_owner_keeps_record_role_and_seat_but_not_the_access() {
    let mut world = mapped();
    world.login(&login("ada", 10, assign("owner", None)));
    let kept = world.login(&login("ada", 20, NO_GROUP));
    assert_eq!((kept.answer, kept.effects.notes), (Answer::Kept, vec![Note::LastOwner]));
    assert!(world.find("ada").is_some());
    assert_eq!(world.login(&login("ada", 15, assign("owner", None))).answer, Answer::Revoked, "sessions end");
    assert_eq!(world.login(&login("ada", 20, NO_GROUP)).answer, Answer::Kept, "its own reason, however often");
    let demoted = world.login(&login("ada", 30, assign("user", None)));
    assert_eq!((demoted.answer, demoted.effects.notes), (Answer::Member, vec![Note::LastOwner]));
    assert_eq!(role(&world, "ada"), "owner");
    // With a second active owner, both are possible.
    second_owner(&mut world);
    world.login(&login("ada", 40, assign("admin", None)));
    assert_eq!(role(&world, "ada"), "admin");
    // A suspended owner does not count as one.
    world.login(&login("ada", 50, assign("owner", None)));
    world.set_status("zoe", Status::Suspended);
    assert_eq!(world.login(&login("ada", 60, NO_GROUP)).answer, Answer::Kept);
}

#[test]
fn a_last_owner_keeps_the_record_also_without_a_seat_but_takes_one_that_is_free() {
    for (premium, answer, seat) in [(0, Answer::Pending, None), (1, Answer::Member, Some("premium"))] {
        let mut world = mapped();
        world.login(&login("ada", 10, assign("owner", None)));
        world.organization = with_seats(world.organization, premium, 0);
        for _ in 0..2 {
            assert_eq!(world.login(&login("ada", 20, assign("user", None))).answer, answer);
            let ada = world.member("ada");
            assert_eq!((ada.role.as_str(), ada.status, ada.pending_since), ("owner", Status::Active, None));
            assert_eq!(ada.seat_tier.as_ref().map(Tier::as_str), seat);
        }
    }
}
