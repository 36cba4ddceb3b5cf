//! Seats at a login: given, waited for, changed.

use super::tier;
use crate::id::Tier;
use crate::member::Status;
use crate::model::{Provisioning, SeatDefault, WhenFull};
use crate::rules::hand::Edit;
use crate::rules::plan::Plan;
use crate::rules::testing::{World, assign, ensure, login, mappings, organization, with_primary_owner, with_seats};
use crate::wire::Answer;

#[test]
fn who_finds_no_seat_waits_and_the_next_login_tries_again() {
    let mut world = World::new(with_seats(organization(Provisioning::Jit), 0, 1));
    assert_eq!(world.login(&login("ada", 10, ensure())).answer, Answer::Member);
    assert_eq!(tier(&world, "ada").as_deref(), Some("standard"));
    let waiting = world.login(&login("bob", 10, ensure()));
    assert_eq!((waiting.answer, waiting.member.unwrap().status), (Answer::Pending, Status::Pending));
    assert_eq!(world.member("bob").last_login_at, None);
    // Also a ticket of the same second, and an older one that writes nothing.
    assert_eq!(world.login(&login("bob", 10, ensure())).answer, Answer::Pending);
    world.remove("ada").unwrap();
    assert_eq!(world.login(&login("bob", 9, ensure())).answer, Answer::Pending);
    assert_eq!(world.login(&login("bob", 10, ensure())).answer, Answer::Member);
    assert_eq!(world.member("bob").status, Status::Active);
}

#[test]
fn a_change_of_tier_without_room_keeps_the_old_one_and_lets_in() {
    let mut world = World::new(with_seats(organization(Provisioning::JitMapped(mappings())), 1, 1));
    world.login(&login("ada", 10, assign("user", Some("premium"))));
    world.login(&login("bob", 10, assign("user", Some("standard"))));
    assert_eq!(world.login(&login("bob", 20, assign("user", Some("premium")))).answer, Answer::Member);
    assert_eq!(tier(&world, "bob").as_deref(), Some("standard"));
    assert_eq!(world.login(&login("ada", 20, assign("user", Some("standard")))).answer, Answer::Member);
    assert_eq!(tier(&world, "ada").as_deref(), Some("premium"));
    // Without a mapped tier a holder keeps theirs, whatever the default.
    world.login(&login("ada", 30, assign("user", None)));
    assert_eq!(tier(&world, "ada").as_deref(), Some("premium"));
}

#[test]
fn a_full_mapped_tier_is_fallen_from_only_with_next_tier_and_without_a_seat() {
    let mut world = World::new(with_seats(organization(Provisioning::JitMapped(mappings())), 0, 1));
    assert_eq!(world.login(&login("ada", 10, assign("user", Some("premium")))).answer, Answer::Pending);
    world.organization.seats.as_mut().unwrap().when_full = WhenFull::NextTier;
    assert_eq!(world.login(&login("ada", 10, assign("user", Some("premium")))).answer, Answer::Member);
    assert_eq!(tier(&world, "ada").as_deref(), Some("standard"));
}

#[test]
fn default_none_lets_in_nobody_without_a_seat_given_by_hand() {
    let mut world = World::new(with_seats(organization(Provisioning::Jit), 1, 1));
    world.organization.seats.as_mut().unwrap().default = SeatDefault::Nothing;
    let outcome = world.login(&login("ada", 10, ensure()));
    let member = outcome.member.unwrap();
    assert_eq!((outcome.answer, member.status, member.seat_tier), (Answer::Member, Status::Active, None));
    assert_eq!(member.last_login_at, None, "denied: not a login that was let in");
    world.edit("ada", &Edit { seat_tier: Some(Some("premium".to_owned())), ..Edit::default() }).unwrap();
    assert_eq!(world.login(&login("ada", 20, ensure())).member.unwrap().seat_tier, Some(Tier::new("premium")));
}

#[test]
fn a_login_gives_no_seat_where_the_directorys_groups_do() {
    let mut mapped = mappings();
    for (mappings, expected) in [
        (mapped.clone(), (Answer::Pending, None)),
        (
            {
                mapped.seat_tiers.clear();
                mapped
            },
            (Answer::Member, Some("premium")),
        ),
    ] {
        let mut world = World::new(with_seats(organization(Provisioning::ScimMapped(mappings)), 1, 1));
        world.provision("ada", None);
        world.members[0].status = Status::Pending;
        let answer = world.login(&login("ada", 10, Plan::Require)).answer;
        assert_eq!((answer, tier(&world, "ada").as_deref()), expected);
    }
    // Who is the directory's, active and without a tier stays so; who holds one keeps it; others are seated by the default.
    let mut world = World::new(with_seats(organization(Provisioning::ScimMapped(mappings())), 1, 1));
    world.provision("ada", None);
    assert_eq!(world.login(&login("ada", 10, Plan::Require)).answer, Answer::Member);
    assert_eq!(tier(&world, "ada"), None);
    world.members[0].seat_tier = Some(Tier::new("standard"));
    world.login(&login("ada", 10, Plan::Require));
    assert_eq!(tier(&world, "ada").as_deref(), Some("standard"));
    world.organization = with_primary_owner(world.organization, "zoe@acme.example");
    world.login(&login("zoe", 10, Plan::Require));
    assert_eq!(tier(&world, "zoe").as_deref(), Some("premium"));
}

#[test]
fn where_a_tier_must_be_mapped_a_plan_without_one_gives_none() {
    let mut world = World::new(with_seats(organization(Provisioning::JitMapped(mappings())), 1, 1));
    world.organization.seats.as_mut().unwrap().default = SeatDefault::Remove;
    // Such a plan does not fit; no seat is given all the same.
    assert_eq!(world.login(&login("ada", 10, assign("user", None))).answer, Answer::Pending);
}
