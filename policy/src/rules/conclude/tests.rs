//! What a plan and the store's answer come to, answer by answer, and what a permit says.

use std::sync::Arc;

use super::{Request, Standing, Who, admit, conclude};
use crate::Reason;
use crate::id::{MemberId, OrganizationId, Role, Subject, Tier};
use crate::member::{Source, Status};
use crate::model::{AccessRule, Organization, PathRule, Provisioning};
use crate::rules::plan::Plan;
use crate::rules::testing::{assign, email, ensure, login, mappings, organization, path, with_seats};
use crate::wire::{Answer, LoginAnswer, MemberFacts};

const ANSWERS: [Answer; 9] = [
    Answer::Absent,
    Answer::Conflict,
    Answer::Kept,
    Answer::Member,
    Answer::Pending,
    Answer::Removed,
    Answer::Replayed,
    Answer::Revoked,
    Answer::Suspended,
];

fn facts(status: Status, seat_tier: Option<&str>) -> MemberFacts {
    MemberFacts {
        id: MemberId::new("m1"),
        email: email("ada@acme.example"),
        role: Role::new("admin"),
        seat_tier: seat_tier.map(Tier::new),
        status,
        source: Source::Jit,
    }
}

fn concluded(
    organization: &Organization,
    plan: &Plan,
    answer: Answer,
    member: Option<MemberFacts>,
) -> Result<Standing, Reason> {
    let answer = LoginAnswer { answer, member, position: "1".to_owned() };
    conclude(organization, &login("ada", 1, plan.clone()), &answer)
}

#[test]
fn every_answer_has_its_reason() {
    use Reason::{
        IdentityConflict, MemberSuspended, NoMappedGroup, NoSeatAvailable, NotAMember, NotProvisioned, Replayed,
        SessionRevoked, StoreUnavailable,
    };
    let remove = Plan::Remove { reason: NoMappedGroup };
    let jit = || Provisioning::JitMapped(mappings());
    // In the order of the answers: to a plan that lets in, with the reason for which there is nobody …
    let lets_in = |nobody| {
        [
            nobody,
            IdentityConflict,
            StoreUnavailable,
            NoSeatAvailable,
            StoreUnavailable,
            Replayed,
            SessionRevoked,
            MemberSuspended,
        ]
    };
    // … and to one that removes.
    let removes = [
        NoMappedGroup,
        IdentityConflict,
        NoMappedGroup,
        NoSeatAvailable,
        NoMappedGroup,
        Replayed,
        NoMappedGroup,
        MemberSuspended,
    ];
    let table = [
        (Provisioning::Manual, Plan::Require, lets_in(NotAMember)),
        (Provisioning::Scim, Plan::Require, lets_in(NotProvisioned)),
        (Provisioning::Jit, ensure(), lets_in(NotAMember)),
        (jit(), assign("user", None), lets_in(NotAMember)),
        (jit(), remove, removes),
    ];
    for (mode, plan, reasons) in table {
        let organization = organization(mode);
        let denying = ANSWERS.into_iter().filter(|answer| *answer != Answer::Member);
        for (answer, reason) in denying.zip(reasons) {
            let member = Some(facts(Status::Active, None));
            assert_eq!(concluded(&organization, &plan, answer, member), Err(reason), "{plan:?} {answer:?}");
        }
    }
}

#[test]
fn not_assigned_is_the_answer_whatever_the_store_says() {
    let organization = organization(Provisioning::Jit);
    let plan = Plan::Remove { reason: Reason::NotAssigned };
    for answer in ANSWERS {
        let concluded = concluded(&organization, &plan, answer, Some(facts(Status::Active, None)));
        assert_eq!(concluded, Err(Reason::NotAssigned), "{answer:?}");
    }
}

#[test]
fn only_an_active_member_with_the_seat_that_is_needed_stands() {
    let plain = organization(Provisioning::Manual);
    let seated = with_seats(organization(Provisioning::Manual), 1, 1);
    for (organization, status, tier, expected) in [
        (&plain, Status::Active, None, None),
        (&plain, Status::Pending, None, Some(Reason::NoSeatAvailable)),
        (&plain, Status::Suspended, None, Some(Reason::MemberSuspended)),
        (&seated, Status::Active, Some("premium"), None),
        (&seated, Status::Active, None, Some(Reason::SeatUnassigned)),
    ] {
        let concluded = concluded(organization, &Plan::Require, Answer::Member, Some(facts(status, tier)));
        assert_eq!(concluded.err(), expected, "{status:?} {tier:?}");
    }
    assert_eq!(concluded(&plain, &Plan::Require, Answer::Member, None), Err(Reason::StoreUnavailable));
}

#[test]
fn a_permit_says_what_the_store_said() {
    let organization = with_seats(organization(Provisioning::Manual), 1, 1);
    for stored in ["ada@else.example", "ADA@Acme.example", "ada@acme.example"] {
        let member = MemberFacts { email: email(stored), ..facts(Status::Active, Some("premium")) };
        let standing = Arc::new(concluded(&organization, &Plan::Require, Answer::Member, Some(member)).unwrap());
        let permit = admit(&organization, &standing, Request { method: "GET", path: None }).unwrap();
        assert_eq!(permit.email(), stored, "to the letter");
    }
    let member = facts(Status::Active, Some("premium"));
    let standing = Arc::new(concluded(&organization, &Plan::Require, Answer::Member, Some(member)).unwrap());
    let logged = (standing.member(), standing.role().as_str(), standing.seat_tier().map(Tier::as_str));
    assert_eq!(logged, ("m1", "admin", Some("premium")));
    let permit = admit(&organization, &standing, Request { method: "GET", path: None }).unwrap();
    assert_eq!(permit.organization().as_str(), "acme-chat");
    assert_eq!(permit.member(), "m1");
    assert_eq!(permit.subject(), "ada");
    assert_eq!(permit.email(), "ada@acme.example");
    assert_eq!(permit.role().as_str(), "admin");
    assert_eq!(permit.seat_tier().map(Tier::as_str), Some("premium"));
}

#[test]
fn roles_and_tiers_of_thousands_of_standings_are_in_memory_once() {
    let organization = with_seats(organization(Provisioning::Manual), 1, 1);
    let standing = || {
        let member = facts(Status::Active, Some("premium"));
        concluded(&organization, &Plan::Require, Answer::Member, Some(member)).unwrap()
    };
    let (one, other) = (standing(), standing());
    assert!(std::ptr::eq(one.role().as_str(), other.role().as_str()));
    assert!(std::ptr::eq(one.seat_tier().unwrap().as_str(), other.seat_tier().unwrap().as_str()));
}

#[test]
fn a_standing_changes_only_into_one_from_which_its_organization_lets_in() {
    let seated = with_seats(organization(Provisioning::Manual), 1, 1);
    let member = Some(facts(Status::Active, Some("premium")));
    let standing = concluded(&seated, &Plan::Require, Answer::Member, member).unwrap();
    let changed = |organization: &Organization, role: &str, tier: Option<&str>| {
        standing.changed(organization, Role::new(role), tier.map(Tier::new))
    };
    let after = changed(&seated, "user", Some("standard")).unwrap();
    assert_eq!((after.role().as_str(), after.seat_tier().map(Tier::as_str)), ("user", Some("standard")));
    assert_eq!(after.member(), standing.member());
    for (role, tier) in [("emperor", Some("standard")), ("user", Some("throne")), ("user", None), ("", Some(""))] {
        assert_eq!(changed(&seated, role, tier), None, "{role} {tier:?}");
    }
    assert!(changed(&organization(Provisioning::Manual), "user", None).is_some());
    let mut other = with_seats(organization(Provisioning::Manual), 1, 1);
    other.id = OrganizationId::new("acme-talk");
    assert_eq!(changed(&other, "user", Some("standard")), None);
}

#[test]
fn every_access_rule_that_matches_must_allow_and_roles_come_first() {
    let rule = |at: &str, methods: Option<&[&str]>, roles: Option<&[&str]>, tiers: Option<&[&str]>| AccessRule {
        path: PathRule::parse(at),
        methods: methods.map(|methods| methods.iter().map(|method| (*method).to_owned()).collect()),
        roles: roles.map(|roles| roles.iter().map(|role| Role::new(*role)).collect()),
        seat_tiers: tiers.map(|tiers| tiers.iter().map(|tier| Tier::new(*tier)).collect()),
    };
    let mut organization = with_seats(organization(Provisioning::Manual), 1, 1);
    organization.access = vec![
        rule("/labs/", None, None, Some(&["standard"])),
        rule("/labs/", None, Some(&["owner"]), None),
        rule("/billing", Some(&["POST"]), Some(&["owner"]), None),
        rule("/premium/", None, None, Some(&["premium"])),
        rule("/lounge/", None, None, Some(&["standard"])),
    ];
    let member = Some(facts(Status::Active, Some("premium")));
    let standing = Arc::new(concluded(&organization, &Plan::Require, Answer::Member, member).unwrap());
    for (method, at, expected) in [
        ("GET", "/", None),
        ("GET", "/labs", Some(Reason::RoleNotAllowed)),
        ("GET", "/labs/x", Some(Reason::RoleNotAllowed)),
        ("GET", "/labsx", None),
        ("GET", "/billing", None),
        ("POST", "/billing", Some(Reason::RoleNotAllowed)),
        ("post", "/billing", Some(Reason::RoleNotAllowed)),
        ("POST", "/billing/x", None),
        ("GET", "/premium/x", None),
        ("GET", "/lounge/", Some(Reason::SeatTierNotAllowed)),
        ("GET", "/Lounge/", None),
    ] {
        let at = path(at);
        let admitted = admit(&organization, &standing, Request { method, path: Some(&at) });
        assert_eq!(admitted.err(), expected, "{method} {at:?}");
    }
    let without_path = admit(&organization, &standing, Request { method: "GET", path: None });
    assert_eq!(without_path.err(), Some(Reason::AmbiguousRequest));
}

#[test]
fn a_standing_is_a_tag_as_it_is_when_nothing_of_it_has_to_be_encoded() {
    let made = |[organization, member, subject, at, role, tier]: [&str; 6]| {
        let who = Who::new(&MemberId::new(member), &Subject::new(subject), &email(&format!("ada@{at}")));
        Standing::new(OrganizationId::new(organization), who, Role::new(role), Some(Tier::new(tier)))
    };
    assert!(made(["acme-chat", "m1", "auth0|ada", "acme.example", "user", "~!"]).is_tag);
    for (place, odd) in (0..6).flat_map(|place| ["%", "é", "a%b"].map(|odd| (place, odd))) {
        let mut texts = ["a"; 6];
        texts[place] = odd;
        assert!(!made(texts).is_tag, "{odd} at {place}");
    }
    assert!(!made(["a", "a", "a", "a", "a b", "a"]).is_tag && !made(["a", "a", "a", "a", "a", "\u{7f}"]).is_tag);
}
