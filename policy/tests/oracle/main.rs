//! The rules against an oracle: a second, naive reading of design §2, over random policies and random histories.

#[cfg(test)]
mod agree;
#[cfg(test)]
mod draw;
#[cfg(test)]
mod files;
#[cfg(test)]
mod history;
#[cfg(test)]
mod invariants;
#[cfg(test)]
mod kept;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod policy;
#[cfg(test)]
mod scenario;
#[cfg(test)]
mod seeds;
#[cfg(test)]
mod shrink;
#[cfg(test)]
mod world;
#[cfg(test)]
mod yaml;

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::{Union, ValueTree};
use proptest::test_runner::{FileFailurePersistence, TestRunner};
use serde_json::to_vec;
use usher_policy_file::from_json;

use agree::play;
use history::histories;
use policy::{CATALOGS, any_policies, policies};

/// So many times the usual cases (`PROPTEST_CASES`); one that fails is kept by its seed, and tried first the next time.
fn config(times: u32) -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig {
        cases: usual.cases.saturating_mul(times),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("tests/oracle/regressions.txt"))),
        ..usual
    }
}

proptest! {
    #![proptest_config(config(2))]

    #[test]
    fn the_parser_takes_what_may_be_had_and_nothing_else(
        policy in Union::new(CATALOGS.iter().map(any_policies))
    ) {
        let taken = from_json(&to_vec(&policy.file()).unwrap());
        prop_assert_eq!(taken.is_ok(), policy.may_be_had(), "{:?}", taken.err());
    }
}

/// Every product, time that passes, policies that change, members whom the directory knows, several connections.
#[test]
fn the_rules_agree_with_the_oracle() {
    seeds::compare("the_rules_agree_with_the_oracle", config(2).cases, |seed| {
        histories(1..50).new_tree(&mut seeds::runner(seed)).unwrap().current()
    });
}

/// One policy, seven people, hundreds of steps.
#[test]
fn the_rules_agree_with_the_oracle_for_long() {
    seeds::compare("the_rules_agree_with_the_oracle_for_long", config(1).cases / 8, |seed| {
        let mut runner = seeds::runner(seed);
        let policies = Union::new(CATALOGS.iter().map(policies));
        draw::history(policies.new_tree(&mut runner).unwrap().current(), seed, 300)
    });
}

/// What is never reached is not compared either.
#[test]
fn histories_reach_every_reason_and_every_refusal() {
    let mut runner = TestRunner::deterministic();
    let histories = histories(1..50);
    let mut seen = BTreeSet::new();
    for _ in 0..600 {
        let history = histories.new_tree(&mut runner).unwrap().current();
        seen.extend(play(&history).unwrap_or_else(|told| panic!("{told}")).seen);
    }
    let expected = [
        "already_a_member by hand",
        "domain_not_verified by hand",
        "groups_overage",
        "identity_conflict",
        "invalid_email by hand",
        "invalid_status by hand",
        "managed_by_directory by hand",
        "managed_by_group_mappings by hand",
        "member_suspended",
        "missing_claim",
        "no_mapped_group",
        "no_seat_available",
        "no_seat_available by hand",
        "not_a_member",
        "not_assigned",
        "not_provisioned",
        "primary_owner by hand",
        "role_not_allowed",
        "seat_tier_not_allowed",
        "seat_unassigned",
        "session_revoked",
        "unknown_role by hand",
        "unknown_seat_tier by hand",
    ];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), expected);
}
