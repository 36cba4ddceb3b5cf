//! What the directory's word makes of a membership, rule by rule.

use super::{DirectoryUser, Facts, decide, end_unknown, grant, is_held, reseat};
use crate::id::{DirectoryUserId, Group, Issuer, MemberId, Role, Subject, Tier};
use crate::member::{Identity, Member, Source, Status};
use crate::model::{Guards, Organization, Provisioning, SeatDefault, WhenFull};
use crate::rules::effects::{Change, Effects, EmailBlock, Note, Ticket};
use crate::rules::seats::Taken;
use crate::rules::testing::{email, mappings, organization, with_primary_owner, with_seats};

const NOW: u64 = 1_000;

fn scim() -> Organization {
    organization(Provisioning::Scim)
}

fn mapped() -> Organization {
    organization(Provisioning::ScimMapped(mappings()))
}

fn ada(groups: &[&str]) -> DirectoryUser {
    DirectoryUser {
        id: DirectoryUserId::new("u1"),
        email: Some(email("ada@acme.example")),
        name: Some("Ada".to_owned()),
        external_id: Some("00ada".to_owned()),
        active: true,
        groups: groups.iter().map(|group| Group::new(*group)).collect(),
    }
}

fn gone(user: DirectoryUser) -> DirectoryUser {
    DirectoryUser { active: false, ..user }
}

fn nobody() -> Facts {
    Facts {
        member: None,
        by_email: None,
        ticket: None,
        active_owners: 2,
        taken: Taken::default(),
        new_id: MemberId::new("new"),
        now: NOW,
    }
}

/// The facts where this member is the user's.
fn with(member: &Member) -> Facts {
    Facts { member: Some(member.clone()), by_email: Some(member.clone()), ..nobody() }
}

fn member(role: &str) -> Member {
    let organization = scim();
    let mut member =
        Member::new(MemberId::new("m1"), organization.id, email("ada@acme.example"), Role::new(role), Source::Scim, 1);
    member.name = Some("Ada".to_owned());
    member.external_id = Some("00ada".to_owned());
    member.directory_user = Some(DirectoryUserId::new("u1"));
    member
}

fn linked(mut member: Member) -> Member {
    member.identity = Some(Identity { issuer: Issuer::new("https://idp.example"), subject: Subject::new("ada") });
    member
}

fn created(effects: &Effects) -> &Member {
    match &effects.change {
        Some(Change::Create(member)) => member,
        other => panic!("nobody was made: {other:?}"),
    }
}

fn became(effects: &Effects) -> &Member {
    match &effects.change {
        Some(Change::Update(member)) => member,
        other => panic!("nobody was changed: {other:?}"),
    }
}

fn is_removed(effects: &Effects) -> bool {
    matches!(effects.change, Some(Change::Remove(_)))
}

#[test]
fn without_mappings_every_active_user_of_a_verified_domain_is_made_a_member_with_the_default_role() {
    let effects = decide(&scim(), &ada(&[]), &nobody());
    let member = created(&effects);
    assert_eq!((member.role.as_str(), member.source, member.status), ("user", Source::Scim, Status::Active));
    assert_eq!(member.directory_user, Some(DirectoryUserId::new("u1")));
    assert_eq!((member.external_id.as_deref(), member.name.as_deref()), (Some("00ada"), Some("Ada")));
    assert_eq!(member.identity, None);

    assert_eq!(decide(&scim(), &gone(ada(&[])), &nobody()), Effects::default(), "inactive");
    for outside in ["ada@acme.example.evil.example", "ada@sub.acme.example", "ada@other.example"] {
        let user = DirectoryUser { email: Some(email(outside)), ..ada(&[]) };
        assert_eq!(decide(&scim(), &user, &nobody()), Effects::default(), "{outside}");
    }
    let without_email = DirectoryUser { email: None, ..ada(&[]) };
    assert_eq!(decide(&scim(), &without_email, &nobody()), Effects::default());
}

#[test]
fn with_mappings_only_users_of_mapped_groups_are_members_with_the_most_permissive_role() {
    assert_eq!(decide(&mapped(), &ada(&["others", "Staff"]), &nobody()), Effects::default());
    assert_eq!(created(&decide(&mapped(), &ada(&["staff"]), &nobody())).role, Role::new("user"));
    assert_eq!(created(&decide(&mapped(), &ada(&["staff", "admins"]), &nobody())).role, Role::new("admin"));
    let tier = |groups: &[&str]| grant(&with_seats(mapped(), 1, 1), &ada(groups)).unwrap().seat_tier;
    assert_eq!(tier(&["staff", "basic", "power"]), Some(Tier::new("premium")));
    assert_eq!(tier(&["staff"]), None);
}

#[test]
fn outside_scim_modes_the_directory_decides_nothing() {
    for mode in [Provisioning::Manual, Provisioning::Jit, Provisioning::JitMapped(mappings())] {
        let organization = organization(mode);
        assert_eq!(decide(&organization, &ada(&["staff"]), &nobody()), Effects::default());
        assert_eq!(decide(&organization, &gone(ada(&[])), &with(&member("user"))), Effects::default());
        assert_eq!(end_unknown(&organization, &untied(member("user")), &nobody()), Effects::default());
    }
}

fn untied(mut member: Member) -> Member {
    member.directory_user = None;
    member.source = Source::Jit;
    member
}

#[test]
fn deactivation_and_the_last_mapped_group_remove_and_revoke_what_was_signed_before() {
    let ticket = |last_iat| Some(Ticket { last_iat, not_before: None });
    for (last_iat, not_before) in [(NOW - 1, NOW), (NOW + 5, NOW + 5)] {
        let facts = Facts { ticket: ticket(last_iat), ..with(&linked(member("user"))) };
        for user in [ada(&[]), gone(ada(&["staff"]))] {
            let effects = decide(&mapped(), &user, &facts);
            assert!(is_removed(&effects));
            let (_, ticket) = effects.ticket.unwrap();
            assert_eq!(ticket, Ticket { last_iat, not_before: Some(not_before) });
        }
    }
    let effects = decide(&mapped(), &ada(&[]), &with(&member("user")));
    assert_eq!(effects.email_block, Some(EmailBlock::Set(email("ada@acme.example"), NOW)), "never linked: by email");
}

#[test]
fn a_suspended_member_is_removed_by_the_directory_and_not_woken_by_it() {
    let mut suspended = member("user");
    suspended.status = Status::Suspended;
    assert!(is_removed(&decide(&mapped(), &gone(ada(&[])), &with(&suspended))));
    let organization = with_seats(mapped(), 1, 1);
    let effects = decide(&organization, &ada(&["admins", "power"]), &with(&suspended));
    let after = became(&effects);
    assert_eq!((after.status, after.role.as_str(), &after.seat_tier), (Status::Suspended, "admin", &None));
}

#[test]
fn role_and_tier_follow_the_groups_at_once() {
    let organization = with_seats(mapped(), 1, 1);
    let mut seated = member("user");
    seated.seat_tier = Some(Tier::new("standard"));
    let effects = decide(&organization, &ada(&["admins", "power"]), &with(&seated));
    let after = became(&effects);
    assert_eq!((after.role.as_str(), after.seat_tier.as_ref().unwrap().as_str()), ("admin", "premium"));
    assert_eq!(after.updated_at, NOW);
    let full = Facts { taken: Taken::new(vec![(Tier::new("premium"), 1)]), ..with(&seated) };
    let effects = decide(&organization, &ada(&["staff", "power"]), &full);
    assert_eq!(effects, Effects::default(), "no free seat: the old tier is kept");
}

#[test]
fn without_mappings_role_and_tier_are_left_alone() {
    let organization = with_seats(scim(), 1, 1);
    let mut seated = member("admin");
    seated.seat_tier = Some(Tier::new("standard"));
    assert_eq!(decide(&organization, &ada(&["owners", "power"]), &with(&seated)), Effects::default());
}

#[test]
fn one_for_whom_no_seat_is_free_is_pending_and_gets_a_freed_one() {
    let mut organization = with_seats(mapped(), 1, 0);
    let full = Facts { taken: Taken::new(vec![(Tier::new("premium"), 1)]), ..nobody() };
    let pending = created(&decide(&organization, &ada(&["staff", "power"]), &full)).clone();
    assert_eq!((pending.status, pending.pending_since), (Status::Pending, Some(NOW)));

    let user = ada(&["staff", "power"]);
    assert_eq!(reseat(&organization, &pending, Some(&user), &full), Effects::default(), "still full");
    let later = Facts { now: NOW + 9, ..nobody() };
    let effects = reseat(&organization, &pending, Some(&user), &later);
    let seated = became(&effects);
    assert_eq!((seated.status, seated.pending_since), (Status::Active, None));
    assert_eq!(seated.seat_tier, Some(Tier::new("premium")));
    for user in [None, Some(gone(user.clone())), Some(ada(&[]))] {
        assert_eq!(reseat(&organization, &pending, user.as_ref(), &later), Effects::default(), "no right to one");
    }
    assert_eq!(reseat(&organization, seated, Some(&user), &later), Effects::default(), "not waiting");
    let unseated = Member { seat_tier: None, ..seated.clone() };
    assert_eq!(reseat(&organization, &unseated, Some(&user), &later), Effects::default(), "not waiting either");
    organization.provisioning = Provisioning::JitMapped(mappings());
    assert_eq!(reseat(&organization, &pending, Some(&user), &later), Effects::default(), "the next login does it");
}

#[test]
fn the_primary_owner_who_waits_gets_a_freed_seat_without_the_directory() {
    let mut organization = with_primary_owner(with_seats(mapped(), 1, 1), "ada@acme.example");
    organization.seats.as_mut().unwrap().default = SeatDefault::Remove;
    let mut owner = member("owner");
    owner.primary_owner = Some(email("ada@acme.example"));
    (owner.status, owner.pending_since, owner.directory_user) = (Status::Pending, Some(NOW), None);
    let effects = reseat(&organization, &owner, None, &nobody());
    assert_eq!(became(&effects).seat_tier, Some(Tier::new("premium")));
    owner.primary_owner = None;
    assert_eq!(reseat(&organization, &owner, None, &nobody()), Effects::default());
}

#[test]
fn a_wait_goes_on_from_when_it_began() {
    let organization = with_seats(mapped(), 1, 0);
    let mut pending = member("user");
    (pending.status, pending.pending_since) = (Status::Pending, Some(5));
    let full = Facts { taken: Taken::new(vec![(Tier::new("premium"), 1)]), ..with(&pending) };
    let effects = decide(&organization, &ada(&["admins", "power"]), &full);
    assert_eq!((became(&effects).status, became(&effects).pending_since), (Status::Pending, Some(5)));
}

#[test]
fn where_a_tier_is_needed_to_be_in_one_without_is_out() {
    let mut organization = with_seats(mapped(), 1, 1);
    organization.seats.as_mut().unwrap().default = SeatDefault::Remove;
    assert_eq!(decide(&organization, &ada(&["staff"]), &nobody()), Effects::default());
    assert!(is_removed(&decide(&organization, &ada(&["staff"]), &with(&member("user")))));
    assert_eq!(created(&decide(&organization, &ada(&["staff", "basic"]), &nobody())).status, Status::Active);
}

#[test]
fn a_full_mapped_tier_may_fall_to_the_next() {
    let mut organization = with_seats(mapped(), 0, 1);
    organization.seats.as_mut().unwrap().when_full = WhenFull::NextTier;
    let effects = decide(&organization, &ada(&["staff", "power"]), &nobody());
    assert_eq!(created(&effects).seat_tier, Some(Tier::new("standard")));
}

#[test]
fn one_who_was_a_member_before_is_the_same_member_and_the_directorys_from_now_on() {
    let before = linked(untied(member("admin")));
    let facts = Facts { by_email: Some(before.clone()), ..nobody() };
    let effects = decide(&scim(), &ada(&[]), &facts);
    let after = became(&effects);
    assert_eq!((&after.id, after.source, after.role.as_str()), (&before.id, Source::Scim, "admin"));
    assert_eq!((&after.directory_user, &after.identity), (&Some(DirectoryUserId::new("u1")), &before.identity));
}

#[test]
fn two_users_of_one_email_are_one_member() {
    let other = DirectoryUser { id: DirectoryUserId::new("u2"), ..ada(&[]) };
    let facts = Facts { by_email: Some(member("user")), ..nobody() };
    let expected = Effects { notes: vec![Note::EmailTaken], ..Effects::default() };
    assert_eq!(decide(&scim(), &other, &facts), expected);
}

#[test]
fn a_new_email_is_taken_over_unless_it_is_anothers() {
    let renamed = DirectoryUser { email: Some(email("countess@acme.example")), ..ada(&[]) };
    let free = Facts { member: Some(member("user")), ..nobody() };
    assert_eq!(became(&decide(&scim(), &renamed, &free)).email, email("countess@acme.example"));
    let mut other = member("user");
    (other.id, other.email) = (MemberId::new("m2"), email("countess@acme.example"));
    let taken = Facts { by_email: Some(other), ..free };
    let expected = Effects { notes: vec![Note::EmailKept], ..Effects::default() };
    assert_eq!(decide(&scim(), &renamed, &taken), expected);
}

#[test]
fn the_last_owner_is_kept_but_is_the_directorys_no_longer_and_their_sessions_end() {
    let owner = linked(member("owner"));
    for (user, mode) in [(gone(ada(&[])), scim()), (ada(&["staff"]), scim()), (ada(&[]), mapped())] {
        let facts = Facts { active_owners: 1, ..with(&owner) };
        let effects = decide(&mode, &user, &facts);
        if user.active && grant(&mode, &user).is_some() {
            assert_eq!(effects, Effects::default());
            continue;
        }
        assert_eq!(effects.notes, [Note::LastOwner]);
        let after = became(&effects);
        assert_eq!((after.role.as_str(), after.source), ("owner", Source::Manual));
        assert_eq!(after.directory_user, None);
        assert_eq!(effects.ticket.clone().unwrap().1.not_before, Some(NOW));
        let two = Facts { active_owners: 2, ..with(&owner) };
        assert!(is_removed(&decide(&mode, &user, &two)), "one of two goes as anyone");
    }
}

#[test]
fn the_last_owner_is_not_demoted_by_groups() {
    let facts = Facts { active_owners: 1, ..with(&member("owner")) };
    let expected = Effects { notes: vec![Note::LastOwner], ..Effects::default() };
    assert_eq!(decide(&mapped(), &ada(&["staff"]), &facts), expected);
    let two = Facts { active_owners: 2, ..facts };
    assert_eq!(became(&decide(&mapped(), &ada(&["staff"]), &two)).role, Role::new("user"));
}

#[test]
fn another_case_of_the_same_email_is_no_other_email() {
    let mut user = ada(&[]);
    user.email = Some(email("ADA@acme.example"));
    assert_eq!(decide(&scim(), &user, &with(&member("user"))), Effects::default());
    user.name = Some("Countess".to_owned());
    let effects = decide(&scim(), &user, &with(&member("user")));
    assert_eq!(became(&effects).email.as_str(), "ada@acme.example");
}

#[test]
fn a_last_owner_for_whom_no_seat_is_free_keeps_the_record_however_often_the_directory_speaks() {
    let mut organization = with_seats(mapped(), 0, 0);
    let facts = Facts { active_owners: 1, ..with(&member("owner")) };
    let expected = Effects { notes: vec![Note::LastOwner], ..Effects::default() };
    assert_eq!(decide(&organization, &ada(&["staff", "power"]), &facts), expected, "active, without a seat");
    let two = Facts { active_owners: 2, ..facts };
    let effects = decide(&organization, &ada(&["staff", "power"]), &two);
    assert_eq!((became(&effects).role.as_str(), became(&effects).status), ("user", Status::Pending), "as anyone");
    organization.provisioning = Provisioning::Scim;
    let effects = decide(&organization, &ada(&[]), &Facts { active_owners: 1, ..two });
    assert_eq!((became(&effects).role.as_str(), became(&effects).status), ("owner", Status::Pending), "no demotion");
}

#[test]
fn the_primary_owner_is_never_removed_or_demoted_and_only_deactivation_ends_their_sessions() {
    let organization = with_primary_owner(mapped(), "ada@acme.example");
    let mut owner = linked(member("owner"));
    owner.primary_owner = Some(email("ada@acme.example"));
    assert_eq!(decide(&organization, &ada(&["staff"]), &with(&owner)), Effects::default(), "not demoted");
    let mut demoted = owner.clone();
    demoted.role = Role::new("user");
    for group in ["admins", "staff"] {
        let effects = decide(&organization, &ada(&[group]), &with(&demoted));
        assert_eq!(became(&effects).role, Role::new("owner"), "named again: the top role again");
    }

    let unassigned = decide(&organization, &ada(&[]), &with(&owner));
    assert_eq!((became(&unassigned).source, &unassigned.ticket), (Source::Manual, &None));
    assert_eq!(unassigned.notes, [Note::PrimaryOwnerKept]);
    let deactivated = decide(&organization, &gone(ada(&["staff"])), &with(&owner));
    assert_eq!(became(&deactivated).directory_user, None);
    assert_eq!(deactivated.ticket.unwrap().1.not_before, Some(NOW));
}

#[test]
fn a_reconciliation_ends_whom_the_directory_never_knew() {
    let stranger = linked(untied(member("user")));
    assert!(is_removed(&end_unknown(&scim(), &stranger, &nobody())));
    assert_eq!(end_unknown(&scim(), &member("user"), &nobody()), Effects::default(), "the directory knows them");
    let owner = linked(untied(member("owner")));
    let last = Facts { active_owners: 1, ..nobody() };
    let effects = end_unknown(&scim(), &owner, &last);
    assert_eq!((became(&effects).source, &effects.notes[..]), (Source::Manual, &[Note::LastOwner][..]));
    assert!(effects.ticket.is_some());
    let kept = became(&effects).clone();
    let again = end_unknown(&scim(), &kept, &last);
    assert_eq!((&again.change, &again.ticket), (&None, &None), "once is enough");

    let mut primary = stranger;
    primary.primary_owner = Some(email("ada@acme.example"));
    let organization = with_primary_owner(scim(), "ada@acme.example");
    assert_eq!(end_unknown(&organization, &primary, &nobody()), Effects::default());
}

#[test]
fn more_removals_than_the_larger_limit_are_held() {
    let guards = Guards::default();
    for (removals, members, held) in [
        (10, 20, false),
        (11, 20, true),
        (11, 109, true),
        (11, 119, false),
        (12, 119, true),
        (12, 120, false),
        (13, 120, true),
    ] {
        assert_eq!(is_held(&guards, removals, members), held, "{removals} of {members}");
    }
    let none = Guards { max_removals_members: 0, max_removals_percent: 0, ..guards };
    assert!(is_held(&none, 1, 1_000_000) && !is_held(&none, 0, 0));
    let all = Guards { max_removals_percent: 100, ..guards };
    assert!(!is_held(&all, u32::MAX, u32::MAX));
}
