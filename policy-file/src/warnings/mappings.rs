//! Group mappings that never decide.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use usher_policy::id::Group;
use usher_policy::model::{Connection, Organization, Provisioning};

use super::place::Place;
use super::{Findings, WarningCode};
use crate::field_path::quoted;
use crate::reader::listed;

/// In mode `scim` members come from the directory alone.
pub(super) fn no_directory<'d>(organization: &Organization, place: &Place<'d>, findings: &mut Findings<'d>) {
    let served = organization.parent.directory.as_ref().is_some_and(|directory| directory.scim);
    if organization.provisioning.is_scim() && !served {
        findings.add(
            WarningCode::NoDirectory,
            &place.member("provisioning").member("mode"),
            "nobody will ever be provisioned. Write `directory: {scim: true, token_env: …}` for the parent",
        );
    }
}

/// One list of mappings: roles or tiers, as ranks, the best being 0.
struct List<'a> {
    field: &'static str,
    entries: Vec<Entry<'a>>,
}

#[derive(Clone, Copy)]
struct Entry<'a> {
    group: &'a Group,
    rank: usize,
    gives: &'a str,
}

fn lists(organization: &Organization) -> Vec<List<'_>> {
    let Some(mappings) = organization.provisioning.mappings() else {
        return Vec::new();
    };
    let product = &organization.product;
    let roles: HashMap<_, _> = product.roles().enumerate().map(|(rank, role)| (role, rank)).collect();
    let tiers: HashMap<_, _> = product.tiers.iter().enumerate().map(|(rank, tier)| (tier, rank)).collect();
    let roles = mappings.roles.iter().filter_map(|mapping| {
        let rank = *roles.get(&mapping.role)?;
        Some(Entry { group: &mapping.group, rank, gives: mapping.role.as_str() })
    });
    let tiers = mappings.seat_tiers.iter().filter_map(|mapping| {
        let rank = *tiers.get(&mapping.tier)?;
        Some(Entry { group: &mapping.group, rank, gives: mapping.tier.as_str() })
    });
    vec![List { field: "roles", entries: roles.collect() }, List { field: "seat_tiers", entries: tiers.collect() }]
}

fn place_of<'d>(organization: &Place<'d>, list: &List<'_>, number: usize) -> Place<'d> {
    organization.member("provisioning").member("group_mappings").member(list.field).item(number)
}

/// A group that stands in one list twice: the better of the two always wins.
pub(super) fn mapped_twice<'d>(organization: &Organization, place: &Place<'d>, findings: &mut Findings<'d>) {
    for list in lists(organization) {
        // By group: the first entry, and the best.
        let mut known: HashMap<&Group, (usize, Entry<'_>, usize)> = HashMap::new();
        for (number, entry) in list.entries.iter().enumerate() {
            let (first, best, at) = known.entry(entry.group).or_insert((number, *entry, number));
            if *first != number {
                let group = quoted(entry.group.as_str());
                findings.add(
                    WarningCode::GroupMappedTwice,
                    &place_of(place, &list, number),
                    format!(
                        "group {group} is mapped twice: `{}[{first}]` has it too, and only the better one decides. \
                         Remove one",
                        list.field
                    ),
                );
            }
            if entry.rank < best.rank {
                (*best, *at) = (*entry, number);
            }
        }
        for (number, entry) in list.entries.iter().enumerate() {
            if let Some((_, best, at)) = known.get(entry.group)
                && best.rank < entry.rank
            {
                findings.add(
                    WarningCode::DeadMapping,
                    &place_of(place, &list, number),
                    format!(
                        "never decides: `{}[{at}]` gives the same group {}, which is more than {}. Remove this one",
                        list.field,
                        quoted(best.gives),
                        quoted(entry.gives)
                    ),
                );
            }
        }
    }
}

/// A mapping that everybody who can log in has outdone already, because each connection lets in only people of certain
/// groups, which are mapped too.
pub(super) fn overtaken<'d>(organization: &Organization, place: &Place<'d>, findings: &mut Findings<'d>) {
    // In scim modes the groups are the directory's, and what tokens say of groups is not looked at.
    let Provisioning::JitMapped(_) = &organization.provisioning else {
        return;
    };
    let asked: HashSet<&str> =
        organization.connections.iter().flat_map(|one| asked_groups(one)).flatten().map(String::as_str).collect();
    for list in lists(organization) {
        let mut best_last = list.entries.clone();
        best_last.sort_by_key(|entry| Reverse(entry.rank));
        // Of a group's entries the last one stays.
        let best: HashMap<&str, Entry<'_>> = best_last.into_iter().map(|entry| (entry.group.as_str(), entry)).collect();
        let least_of_connections =
            organization.connections.iter().map(|connection| least(connection, &best)).collect::<Option<Vec<_>>>();
        let Some(floor) = least_of_connections.into_iter().flatten().max_by_key(|entry| entry.rank) else {
            continue;
        };
        for (number, entry) in list.entries.iter().enumerate() {
            let outdone = entry.rank > floor.rank || entry.rank == floor.rank && !asked.contains(entry.group.as_str());
            let dead_already = best.get(entry.group.as_str()).is_some_and(|best| best.rank < entry.rank);
            if outdone && !dead_already {
                findings.add(
                    WarningCode::DeadMapping,
                    &place_of(place, &list, number),
                    format!(
                        "never decides: everybody who may log in is already in a group such as {}, which gives {}. \
                         Remove this one, or do not demand that group in `require` or `assignment`",
                        quoted(floor.group.as_str()),
                        listed(std::iter::once(floor.gives))
                    ),
                );
            }
        }
    }
}

/// The least that anybody gets who comes through a connection, where it asks for groups and all of these are mapped.
fn least<'a>(connection: &Connection, best: &HashMap<&str, Entry<'a>>) -> Option<Entry<'a>> {
    let floors = asked_groups(connection).filter_map(|any_of| {
        let each: Option<Vec<_>> = any_of.iter().map(|group| best.get(group.as_str()).copied()).collect();
        each?.into_iter().max_by_key(|entry| entry.rank)
    });
    floors.min_by_key(|entry| entry.rank)
}

/// Lists of groups of which everybody has at least one.
fn asked_groups(connection: &Connection) -> impl Iterator<Item = &Vec<String>> {
    let required = connection.require.iter().map(|required| (&required.claim, &required.any_of));
    let assigned = connection.assignment.iter().map(|assigned| (&assigned.claim, &assigned.any_of));
    required.chain(assigned).filter(|(claim, _)| **claim == connection.claims.groups).map(|(_, any_of)| any_of)
}
