//! Every sentence of design §2 that a login decides.

use super::Facts;
use crate::Reason;
use crate::id::{Subject, Tier};
use crate::member::{Source, Status};
use crate::model::{Provisioning, ScimMatch, SeatDefault, WhenFull};
use crate::rules::effects::{Effects, Note};
use crate::rules::hand::Edit;
use crate::rules::plan::Plan;
use crate::rules::testing::{
    World, assign, connection, email, ensure, login, mappings, organization, with_primary_owner, with_seats,
};
use crate::wire::Answer;

const NO_GROUP: Plan = Plan::Remove { reason: Reason::NoMappedGroup };
const UNASSIGNED: Plan = Plan::Remove { reason: Reason::NotAssigned };

fn manual() -> World {
    World::new(organization(Provisioning::Manual))
}

fn jit() -> World {
    World::new(organization(Provisioning::Jit))
}

fn mapped() -> World {
    World::new(organization(Provisioning::JitMapped(mappings())))
}

fn scim() -> World {
    World::new(organization(Provisioning::Scim))
}

fn role(world: &World, name: &str) -> String {
    world.member(name).role.to_string()
}

fn tier(world: &World, name: &str) -> Option<String> {
    world.member(name).seat_tier.map(|tier| tier.to_string())
}

/// A second owner, so that nobody is the last.
fn second_owner(world: &mut World) {
    world.login(&login("zoe", 1, assign("owner", None)));
}

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
fn another_subject_with_a_linked_email_is_a_conflict() {
    let mut world = jit();
    world.login(&login("ada", 10, ensure()));
    let mut other = login("imposter", 20, ensure());
    other.email = email("ADA@acme.example");
    assert_eq!(world.login(&other).answer, Answer::Conflict);
    assert_eq!(world.members.len(), 1);
    assert_eq!(world.tickets.len(), 2, "the denied login moved its last_iat");
}

#[test]
fn a_linked_member_with_anothers_email_is_let_in_and_keeps_the_old_one() {
    let mut world = jit();
    world.login(&login("ada", 10, ensure()));
    world.login(&login("bob", 10, ensure()));
    let mut renamed = login("bob", 20, ensure());
    renamed.email = email("ada@acme.example");
    let outcome = world.login(&renamed);
    assert_eq!((outcome.answer, outcome.effects.notes), (Answer::Member, vec![Note::EmailKept]));
    assert_eq!(outcome.member.unwrap().email, email("bob@acme.example"));
    // A free address is taken over.
    renamed.email = email("robert@acme.example");
    renamed.issued_at = 30;
    world.login(&renamed);
    assert!(world.find("robert").is_some());
}

#[test]
fn an_unlinked_member_may_come_from_another_provider() {
    let mut world = jit();
    let id = world.login(&login("ada", 10, ensure())).member.unwrap().id;
    world.edit("ada", &Edit { unlink: true, ..Edit::default() }).unwrap();
    assert_eq!(world.login(&login("ada", 1_000, ensure())).answer, Answer::Revoked, "the old identity's sessions end");
    let mut moved = login("ada-at-the-new-one", 20, ensure());
    moved.email = email("ada@acme.example");
    assert_eq!(world.login(&moved).member.unwrap().id, id);
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
fn external_id_links_where_the_connection_says_so() {
    let by_id = |name: &str, id: &str, issued_at| {
        let mut login = login(name, issued_at, Plan::Require);
        login.external_id = Some(id.to_owned());
        login
    };
    let mut world = scim();
    world.organization.connections = vec![connection(ScimMatch::ExternalId)];
    world.provision("ada", Some("e-1"));
    world.provision("bob", Some("e-2"));
    // Ada's email with Bob's id: two candidates.
    assert_eq!(world.login(&by_id("ada", "e-2", 10)).answer, Answer::Conflict);
    // Ada's email with an id that nobody has: the directory's Ada is somebody else.
    assert_eq!(world.login(&by_id("ada", "e-9", 11)).answer, Answer::Conflict);
    assert_eq!(world.login(&by_id("ada", "e-1", 12)).answer, Answer::Member);
    let mut renamed = by_id("bob", "e-2", 10);
    renamed.email = email("robert@acme.example");
    assert_eq!(world.login(&renamed).answer, Answer::Member, "the id links whatever the email");
    let mut second = by_id("eve", "e-2", 20);
    second.email = email("eve@acme.example");
    assert_eq!(world.login(&second).answer, Answer::Conflict, "an id is linked once");
    // Where the connection links by email, the id plays no part.
    world.organization.connections = vec![connection(ScimMatch::Email)];
    world.provision("cy", Some("e-3"));
    assert_eq!(world.login(&by_id("cy", "e-2", 10)).answer, Answer::Member);
}

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

#[test]
fn a_login_decided_twice_gives_the_same() {
    let mut world = World::new(with_seats(organization(Provisioning::JitMapped(mappings())), 1, 1));
    for plan in [assign("admin", Some("premium")), assign("user", None), NO_GROUP, NO_GROUP] {
        let login = login("ada", 10, plan);
        let facts: Facts = world.login_facts(&login);
        let first = super::decide(&world.organization, &login, &facts);
        assert_eq!(first, super::decide(&world.organization, &login, &facts));
        assert_eq!(first, world.login(&login));
    }
}
