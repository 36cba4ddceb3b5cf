//! Every sentence of design §2 on what may be done by hand.

use super::{Addition, Edit, Refusal, Warning};
use crate::id::Tier;
use crate::member::Status;
use crate::model::{Provisioning, SeatDefault};
use crate::rules::plan::Plan;
use crate::rules::seats::Taken;
use crate::rules::testing::{World, assign, ensure, login, mappings, organization, with_primary_owner, with_seats};
use crate::wire::Answer;

fn addition(email: &str) -> Addition {
    Addition { email: email.to_owned(), ..Addition::default() }
}

fn role(role: &str) -> Edit {
    Edit { role: Some(role.to_owned()), ..Edit::default() }
}

fn tier(tier: &str) -> Edit {
    Edit { seat_tier: Some(Some(tier.to_owned())), ..Edit::default() }
}

fn status(status: Status) -> Edit {
    Edit { status: Some(status), ..Edit::default() }
}

#[test]
fn one_who_is_added_gets_the_default_role_and_seat_or_those_named() {
    let mut world = World::new(with_seats(organization(Provisioning::Manual), 1, 1));
    let ada = world.add("ada");
    assert_eq!((ada.role.as_str(), ada.seat_tier, ada.status), ("user", Some(Tier::new("premium")), Status::Active));
    let named = Addition {
        role: Some("admin".to_owned()),
        seat_tier: Some("standard".to_owned()),
        ..addition("bob@acme.example")
    };
    let bob = world.add_as(&named).unwrap().member;
    assert_eq!((bob.role.as_str(), bob.seat_tier), ("admin", Some(Tier::new("standard"))));
    assert_eq!(world.add("cy").status, Status::Pending, "without a tier, who finds none waits");
    let full = Addition { seat_tier: Some("standard".to_owned()), ..addition("dan@acme.example") };
    assert_eq!(world.add_as(&full), Err(Refusal::NoSeatAvailable));
    assert!(world.find("dan").is_none());
}

#[test]
fn additions_that_cannot_be_are_refused() {
    let mut world = World::new(organization(Provisioning::Manual));
    world.add("ada");
    for (addition, refusal) in [
        (addition("ada@acme.example"), Refusal::AlreadyAMember),
        (addition("ada"), Refusal::InvalidEmail),
        (addition("ada@other.example"), Refusal::DomainNotVerified),
        (Addition { role: Some("king".to_owned()), ..addition("b@acme.example") }, Refusal::UnknownRole),
        (Addition { seat_tier: Some("premium".to_owned()), ..addition("b@acme.example") }, Refusal::UnknownSeatTier),
    ] {
        assert_eq!(world.add_as(&addition), Err(refusal), "{addition:?}");
    }
}

#[test]
fn mapped_roles_and_tiers_are_not_given_or_changed_by_hand() {
    for mode in [Provisioning::JitMapped(mappings()), Provisioning::ScimMapped(mappings())] {
        let mut world = World::new(with_seats(organization(mode), 5, 5));
        world.provision("ada", None);
        for edit in [role("admin"), tier("standard"), Edit { seat_tier: Some(None), ..Edit::default() }] {
            assert_eq!(world.edit("ada", &edit), Err(Refusal::ManagedByGroupMappings), "{edit:?}");
        }
    }
    let mut world = World::new(with_seats(organization(Provisioning::JitMapped(mappings())), 5, 5));
    let named = Addition { role: Some("user".to_owned()), ..addition("b@acme.example") };
    assert_eq!(world.add_as(&named), Err(Refusal::ManagedByGroupMappings));
    assert_eq!(world.add("ada").role.as_str(), "user");
    // Tiers that are not mapped can be.
    let mut only_roles = mappings();
    only_roles.seat_tiers.clear();
    let mut world = World::new(with_seats(organization(Provisioning::JitMapped(only_roles)), 5, 5));
    world.add("ada");
    assert!(world.edit("ada", &tier("standard")).is_ok());
}

#[test]
fn the_directory_adds_and_removes_but_suspending_is_allowed() {
    let mut world = World::new(organization(Provisioning::Scim));
    world.provision("ada", None);
    assert_eq!(world.add_as(&addition("b@acme.example")), Err(Refusal::ManagedByDirectory));
    assert_eq!(world.remove("ada"), Err(Refusal::ManagedByDirectory));
    assert_eq!(world.set_status("ada", Status::Suspended).status, Status::Suspended);
    assert!(world.edit("ada", &role("admin")).is_ok(), "without mappings the role is changed by hand");
}

#[test]
fn a_seat_by_hand_goes_through_the_allocator() {
    let mut world = World::new(with_seats(organization(Provisioning::Manual), 1, 1));
    world.add("ada");
    world.add("bob");
    world.add("cy");
    assert_eq!(world.edit("bob", &tier("premium")), Err(Refusal::NoSeatAvailable));
    assert_eq!(world.edit("bob", &tier("gold")), Err(Refusal::UnknownSeatTier));
    assert!(world.edit("bob", &tier("standard")).is_ok(), "the seat one holds is no other's");
    assert_eq!(world.edit("cy", &status(Status::Active)).unwrap().member.status, Status::Pending);
    world.remove("ada").unwrap();
    let cy = world.edit("cy", &status(Status::Active)).unwrap().member;
    assert_eq!((cy.status, cy.seat_tier), (Status::Active, Some(Tier::new("premium"))));
    let gave_up = world.edit("cy", &Edit { seat_tier: Some(None), ..Edit::default() }).unwrap().member;
    assert_eq!(gave_up.seat_tier, None);
}

#[test]
fn one_who_waits_is_active_with_a_seat_by_hand_and_the_suspended_stay_so() {
    let mut world = World::new(with_seats(organization(Provisioning::Manual), 1, 1));
    world.organization.seats.as_mut().unwrap().default = SeatDefault::Tier(Tier::new("premium"));
    world.add("ada");
    assert_eq!(world.add("bob").status, Status::Pending);
    assert_eq!(world.edit("bob", &tier("standard")).unwrap().member.status, Status::Active);
    world.set_status("ada", Status::Suspended);
    assert_eq!(world.member("ada").seat_tier, Some(Tier::new("premium")), "a suspended member keeps the seat");
    assert_eq!(world.add("cy").status, Status::Pending);
    assert_eq!(world.edit("ada", &tier("premium")).unwrap().member.status, Status::Suspended);
    assert_eq!(world.set_status("ada", Status::Active).seat_tier, Some(Tier::new("premium")));
}

#[test]
fn who_comes_back_without_a_seat_gets_the_tier_of_their_groups_or_waits_for_it() {
    let mut world = World::new(with_seats(organization(Provisioning::Scim), 1, 1));
    world.provision("ada", None);
    let mut suspended = world.member("ada");
    (suspended.status, suspended.seat_tier) = (Status::Suspended, None);
    let mut facts = world.hand_facts(Some(&suspended));
    for (taken, given, becomes) in [(0, Some("standard"), Status::Active), (1, None, Status::Pending)] {
        facts.mapped_tier = Some(Tier::new("standard"));
        facts.taken = Taken::new(vec![(Tier::new("standard"), taken)]);
        let after = super::edit(&world.organization, &suspended, &status(Status::Active), &facts).unwrap().member;
        assert_eq!((after.seat_tier, after.status), (given.map(Tier::new), becomes), "though premium is free");
    }
}

#[test]
fn pending_is_not_set_by_hand() {
    let mut world = World::new(organization(Provisioning::Manual));
    world.add("ada");
    assert_eq!(world.edit("ada", &status(Status::Pending)), Err(Refusal::InvalidStatus));
    assert_eq!(world.edit("ada", &role("king")), Err(Refusal::UnknownRole));
}

#[test]
fn suspending_revokes_what_was_signed_before_even_without_a_link() {
    let mut world = World::new(organization(Provisioning::Manual));
    world.add("ada");
    world.set_status("ada", Status::Suspended);
    world.set_status("ada", Status::Active);
    assert_eq!(world.login(&login("ada", 1_000, Plan::Require)).answer, Answer::Revoked);
    assert_eq!(world.login(&login("ada", 1_001, Plan::Require)).answer, Answer::Member);
}

#[test]
fn the_primary_owner_is_neither_removed_nor_demoted_by_hand() {
    let mut world = World::new(with_primary_owner(organization(Provisioning::Jit), "ada@acme.example"));
    world.login(&login("ada", 10, ensure()));
    assert_eq!(world.remove("ada"), Err(Refusal::PrimaryOwner));
    assert_eq!(world.edit("ada", &role("admin")), Err(Refusal::PrimaryOwner));
    assert!(world.edit("ada", &role("owner")).is_ok());
    // Once the policy names another, the record is like any.
    world.organization = with_primary_owner(organization(Provisioning::Jit), "bob@acme.example");
    assert!(world.remove("ada").is_ok());
}

#[test]
fn the_last_owner_goes_by_hand_with_a_warning() {
    let mut world = World::new(organization(Provisioning::Jit));
    world.login(&login("ada", 10, ensure()));
    world.edit("ada", &role("owner")).unwrap();
    let suspended = world.edit("ada", &status(Status::Suspended)).unwrap();
    assert_eq!(suspended.warning, Some(Warning::LastOwner));
    world.edit("ada", &status(Status::Active)).unwrap();
    assert_eq!(world.edit("ada", &role("admin")).unwrap().warning, Some(Warning::LastOwner));
    world.edit("ada", &role("owner")).unwrap();
    world.login(&login("bob", 10, ensure()));
    world.edit("bob", &role("owner")).unwrap();
    assert_eq!(world.edit("bob", &role("user")).unwrap().warning, None);
    assert_eq!(world.remove("ada").unwrap().warning, Some(Warning::LastOwner));
}

#[test]
fn what_changes_nothing_writes_nothing() {
    let mut world = World::new(organization(Provisioning::JitMapped(mappings())));
    world.login(&login("ada", 10, assign("user", None)));
    for edit in [Edit::default(), status(Status::Active)] {
        let handled = world.edit("ada", &edit).unwrap();
        assert_eq!(handled.effects, crate::rules::effects::Effects::default(), "{edit:?}");
    }
    world.set_status("ada", Status::Suspended);
    world.now += 1_000;
    assert_eq!(
        world.edit("ada", &status(Status::Suspended)).unwrap().effects,
        crate::rules::effects::Effects::default()
    );
}

#[test]
fn what_the_state_forbids_is_409_and_what_is_wrong_in_itself_400() {
    for (refusal, status, code) in [
        (Refusal::AlreadyAMember, 409, "already_a_member"),
        (Refusal::DomainNotVerified, 400, "domain_not_verified"),
        (Refusal::InvalidEmail, 400, "invalid_email"),
        (Refusal::InvalidStatus, 400, "invalid_status"),
        (Refusal::ManagedByDirectory, 409, "managed_by_directory"),
        (Refusal::ManagedByGroupMappings, 409, "managed_by_group_mappings"),
        (Refusal::NoSeatAvailable, 409, "no_seat_available"),
        (Refusal::PrimaryOwner, 409, "primary_owner"),
        (Refusal::UnknownRole, 400, "unknown_role"),
        (Refusal::UnknownSeatTier, 400, "unknown_seat_tier"),
    ] {
        assert_eq!((refusal.status(), refusal.code()), (status, code));
    }
}
