//! What a policy may say, but hardly means: lock-outs, dead mappings, keys in the clear.

use std::collections::HashMap;

use crate::Policy;
use crate::model::{Cap, Jwks, Organization, Parent};

/// Something that is allowed and probably not meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The field, as in a `Fault`.
    pub path: String,
    /// A stable word for it: `dead_mapping`, `insecure_jwks`, `no_directory`, `no_owner` or `tier_without_seats`.
    pub code: &'static str,
    /// What will happen and what to write instead.
    pub message: String,
}

/// Every warning of a policy, in the order of the file.
pub fn warnings(policy: &Policy) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut organizations: HashMap<&str, Vec<&Organization>> = HashMap::new();
    for organization in &policy.organizations {
        organizations.entry(organization.parent.id.as_str()).or_default().push(organization);
    }
    for (number, parent) in policy.parents.iter().enumerate() {
        let path = format!("parents[{number}]");
        insecure_jwks(parent, &path, &mut warnings);
        for (number, organization) in organizations.remove(parent.id.as_str()).unwrap_or_default().iter().enumerate() {
            let path = format!("{path}.organizations[{number}]");
            no_owner(organization, &path, &mut warnings);
            no_directory(organization, &path, &mut warnings);
            dead_mappings(organization, &path, &mut warnings);
            tiers_without_seats(organization, &path, &mut warnings);
        }
    }
    warnings
}

fn insecure_jwks(parent: &Parent, path: &str, warnings: &mut Vec<Warning>) {
    for (number, connection) in parent.connections.iter().enumerate() {
        if let Jwks::Remote(remote) = &connection.jwks
            && remote.insecure
        {
            warnings.push(Warning {
                path: format!("{path}.connections[{number}].jwks.insecure"),
                code: "insecure_jwks",
                message: format!(
                    "the keys come over plain http from `{}`: who can answer in its place can sign anybody in. Write an https `uri`",
                    remote.uri.host
                ),
            });
        }
    }
}

/// With mappings on, nobody can be given a role by hand: without an owner nobody ever is one.
fn no_owner(organization: &Organization, path: &str, warnings: &mut Vec<Warning>) {
    let Some(mappings) = organization.provisioning.mappings() else {
        return;
    };
    let top = organization.top_role();
    if organization.primary_owner.is_none() && !mappings.roles.iter().any(|mapping| mapping.role == *top) {
        warnings.push(Warning {
            path: format!("{path}.provisioning.group_mappings.roles"),
            code: "no_owner",
            message: format!(
                "no group gives `{top}`, so nobody can have it. Map a group to it, or write `primary_owner`"
            ),
        });
    }
}

fn no_directory(organization: &Organization, path: &str, warnings: &mut Vec<Warning>) {
    let served = organization.parent.directory.as_ref().is_some_and(|directory| directory.scim);
    if organization.provisioning.is_scim() && !served {
        warnings.push(Warning {
            path: format!("{path}.provisioning.mode"),
            code: "no_directory",
            message: "nobody will ever be provisioned. Write `directory: {scim: true, token_env: …}` for the parent"
                .to_owned(),
        });
    }
}

/// A group that gives two roles (or tiers) always gives the better one.
fn dead_mappings(organization: &Organization, path: &str, warnings: &mut Vec<Warning>) {
    let Some(mappings) = organization.provisioning.mappings() else {
        return;
    };
    let product = &organization.product;
    let roles = mappings.roles.iter().map(|mapping| {
        let rank = product.roles().position(|role| *role == mapping.role);
        (mapping.group.as_str(), rank, mapping.role.as_str())
    });
    let tiers = mappings.seat_tiers.iter().map(|mapping| {
        let rank = product.tiers.iter().position(|tier| *tier == mapping.tier);
        (mapping.group.as_str(), rank, mapping.tier.as_str())
    });
    for (field, mappings) in [("roles", roles.collect::<Vec<_>>()), ("seat_tiers", tiers.collect())] {
        let mut best: HashMap<&str, (Option<usize>, usize)> = HashMap::new();
        for (number, (group, rank, _)) in mappings.iter().enumerate() {
            let known = best.entry(*group).or_insert((*rank, number));
            if *rank < known.0 {
                *known = (*rank, number);
            }
        }
        for (number, (group, _, gives)) in mappings.iter().enumerate() {
            if best.get(group).is_some_and(|(_, best)| *best != number) {
                warnings.push(Warning {
                    path: format!("{path}.provisioning.group_mappings.{field}[{number}]"),
                    code: "dead_mapping",
                    message: format!(
                        "another mapping of this group gives as much as `{gives}` or more. Leave this one out"
                    ),
                });
            }
        }
    }
}

fn tiers_without_seats(organization: &Organization, path: &str, warnings: &mut Vec<Warning>) {
    for seat in organization.seats.iter().flat_map(|seats| &seats.tiers) {
        if seat.cap == Cap::Limited(0) {
            warnings.push(Warning {
                path: format!("{path}.seats.caps"),
                code: "tier_without_seats",
                message: format!("no seats of tier `{}`: nobody can have one. Write how many there are", seat.tier),
            });
        }
    }
}
