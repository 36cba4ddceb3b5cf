//! The properties at the end of design §2, over random policies and whatever a random history left behind.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;
use usher_policy::Reason;
use usher_policy::id::{ConnectionId, Email, Issuer, MemberId, Role, Subject, Tier};
use usher_policy::member::{Source, Status};
use usher_policy::rules::conclude::conclude;
use usher_policy::rules::plan::Plan;
use usher_policy::wire::{self, Answer, LoginAnswer, MemberFacts};

use super::agree::play;
use super::config;
use super::history::{DirectoryUser, Groups, Login, directory_user, histories, login};
use super::policy::{CATALOGS, GROUPS, policies};
use super::world::{World, organization};

/// A login with this plan, as the store gets it.
fn sent(plan: Plan) -> wire::Login {
    wire::Login {
        connection: ConnectionId::new("okta"),
        issuer: Issuer::new("https://idp.example"),
        subject: Subject::new("ada"),
        email: Email::parse("ada@acme.example").unwrap(),
        name: None,
        external_id: None,
        issued_at: 1,
        plan,
        preview: false,
    }
}

proptest! {
    #![proptest_config(config(1))]

    #[test]
    fn the_order_of_groups_and_their_repetition_do_not_matter(
        history in histories(0..20),
        login in login(),
        (groups, shuffled) in Just(GROUPS.to_vec()).prop_shuffle().prop_flat_map(|groups| (Just(groups.clone()), Just(groups).prop_shuffle())),
        number in 0..=GROUPS.len(),
    ) {
        let world = played(&history)?;
        let groups = &groups[..number];
        let mut shuffled: Vec<_> = shuffled.into_iter().filter(|group| groups.contains(group)).collect();
        shuffled.extend(shuffled.clone());
        prop_assert_eq!(world.decide(&with(&login, groups)), world.decide(&with(&login, &shuffled)));
    }

    #[test]
    fn adding_a_group_never_lowers_the_role(
        history in histories(0..20),
        login in login(),
        groups in Just(GROUPS.to_vec()).prop_shuffle(),
        number in 0..GROUPS.len(),
    ) {
        let policy = history.policy.clone();
        // The policy at the end of a history may be another; the product is the same.
        let role_after = |number: usize| {
            let mut world = played(&history)?;
            let login = with(&login, &groups[..number]);
            // Who is turned away has no role, whatever the record that is kept says.
            if world.login(&login) == Err("no_mapped_group".to_owned()) {
                return Ok(usize::MAX);
            }
            let connections = &world.organization.connections;
            let issuer = connections[login.connection % connections.len()].issuer.to_string();
            let identity = Some((issuer, login.subject.to_owned()));
            let held = world.rows().into_iter().find(|row| row.identity == identity);
            // No member at all is the least.
            Ok::<_, TestCaseError>(held.map_or(usize::MAX, |row| policy.rank(&row.role)))
        };
        prop_assert!(role_after(number + 1)? <= role_after(number)?);
    }

    #[test]
    fn the_directorys_groups_too_have_no_order_and_one_more_never_lowers_the_role(
        history in histories(0..20),
        user in directory_user(),
        (groups, shuffled) in Just(GROUPS.to_vec()).prop_shuffle().prop_flat_map(|groups| (Just(groups.clone()), Just(groups).prop_shuffle())),
        number in 0..GROUPS.len(),
    ) {
        let policy = history.policy.clone();
        let rows_after = |groups: Vec<&'static str>| {
            let mut world = played(&history)?;
            world.directory(&DirectoryUser { groups, ..user.clone() });
            let id = world.members.iter().find(|member| member.directory_user.as_ref().is_some_and(|id| id.as_str() == user.id));
            // Who is nobody's member has no role at all.
            let rank = id.map_or(usize::MAX, |member| policy.rank(member.role.as_str()));
            Ok::<_, TestCaseError>((rank, world.rows()))
        };
        let groups = &groups[..=number];
        let shuffled = shuffled.into_iter().filter(|group| groups.contains(group)).collect();
        let (rank, rows) = rows_after(groups.to_vec())?;
        prop_assert_eq!(&rows, &rows_after(shuffled)?.1);
        let (rank_without, _) = rows_after(groups[..number].to_vec())?;
        prop_assert!(rank <= rank_without);
    }

    #[test]
    fn evaluating_twice_gives_the_same_and_writes_once(history in histories(0..20), login in login()) {
        let mut world = played(&history)?;
        prop_assert_eq!(world.decide(&login), world.decide(&login));
        let first = world.login(&login);
        let rows = world.rows();
        if let Ok((_, again)) = world.decide(&login) {
            let effects = again.effects;
            prop_assert!(effects.change.is_none() && effects.ticket.is_none() && effects.email_block.is_none());
        }
        prop_assert_eq!(first, world.login(&login));
        prop_assert_eq!(rows, world.rows());
    }

    #[test]
    fn nobody_comes_in_without_an_active_member_and_the_seat_that_is_needed(
        policy in Union::new(CATALOGS.iter().map(policies)),
        plan in plans(),
        answer in select(&ANSWERS[..]),
        member in proptest::option::weighted(0.8, members()),
    ) {
        let organization = organization(&policy);
        let seated = |member: &MemberFacts| policy.product.tiers.is_empty() || member.seat_tier.is_some();
        let may = answer == Answer::Member
            && plan != Plan::Remove { reason: Reason::NotAssigned }
            && member.as_ref().is_some_and(|member| member.status == Status::Active && seated(member));
        let answer = LoginAnswer { answer, member, position: String::new() };
        let concluded = conclude(&organization, &sent(plan), &answer);
        prop_assert_eq!(concluded.is_ok(), may, "{:?}", concluded);
    }

    #[test]
    fn claims_that_cannot_be_read_let_nobody_in_and_remove_nobody(history in histories(0..20), login in login()) {
        for (groups, reason) in [(Groups::Missing, "missing_claim"), (Groups::Overage, "groups_overage")] {
            let mut world = played(&history)?;
            let maps_tokens = world.organization.provisioning.is_jit() && world.organization.provisioning.mappings().is_some();
            let before = world.rows();
            let verdict = world.login(&Login { groups, assigned: true, ..login.clone() });
            if maps_tokens {
                prop_assert_eq!(verdict, Err(reason.to_owned()));
                prop_assert_eq!(before, world.rows());
            }
        }
    }
}

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

fn played(history: &super::history::History) -> Result<World, TestCaseError> {
    play(history).map(|pair| pair.world).map_err(TestCaseError::fail)
}

fn with(login: &Login, groups: &[&'static str]) -> Login {
    Login { groups: Groups::Listed(groups.to_vec()), ..login.clone() }
}

fn plans() -> impl Strategy<Value = Plan> {
    let role = || Role::new("user");
    select(vec![
        Plan::Require,
        Plan::Ensure { role: role() },
        Plan::Assign { role: role(), seat_tier: None },
        Plan::Remove { reason: Reason::NotAssigned },
        Plan::Remove { reason: Reason::NoMappedGroup },
    ])
}

fn members() -> impl Strategy<Value = MemberFacts> {
    let status = select(vec![Status::Active, Status::Pending, Status::Suspended]);
    (status, proptest::option::of(select(vec!["premium", "chair"]))).prop_map(|(status, tier)| MemberFacts {
        id: MemberId::new("m1"),
        email: Email::parse("ada@acme.example").unwrap(),
        role: Role::new("user"),
        seat_tier: tier.map(Tier::new),
        status,
        source: Source::Jit,
    })
}
