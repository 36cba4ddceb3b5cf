//! Which groups were found where, which mapping each matched, and what won.

use std::collections::HashSet;

use serde_json::{Map, Value, json};
use usher_policy::Reason;
use usher_policy::id::{Group, Role, Tier};
use usher_policy::model::{
    Connection, GroupRole, GroupTier, Mappings, Organization, Product, Provisioning, SeatDefault,
};
use usher_policy::rules::mapping::{self, Mapped};

use super::person::kind;
use super::trace::Told;
use super::words::{listed, quoted};
use crate::counted::counted;

/// The claim, and why no groups can be known from it where that is so.
pub(super) fn found(
    organization: &Organization,
    connection: &Connection,
    claims: &Map<String, Value>,
    groups: &Result<Vec<&str>, Reason>,
) -> Told {
    let path = &connection.claims.groups;
    let claim = quoted(path.as_str());
    let looked_at = match &organization.provisioning {
        Provisioning::JitMapped(_) => "",
        Provisioning::Scim | Provisioning::ScimMapped(_) => "; ignored: in mode `scim`, groups come from the directory",
        Provisioning::Manual | Provisioning::Jit => "; ignored: this organization maps no groups",
    };
    let (detail, names) = match groups {
        Ok(groups) => {
            let names = listed(groups.iter().copied());
            (format!("claim {claim} has {}: {names}", counted(groups.len(), "group")), Some(groups))
        }
        Err(Reason::GroupsOverage) => (
            format!(
                "claim {claim} was omitted by the provider because there are too many groups (`_claim_names` or `hasgroups` says \
                 so), which does not mean that there are none"
            ),
            None,
        ),
        Err(_) => {
            let found = path.find_in(claims);
            let mixed = if matches!(found, Some(Value::Array(_))) { ", but not of texts only" } else { "" };
            (
                format!(
                    "claim {claim} {}{mixed}: groups cannot be known, which does not mean that there are none",
                    kind(found.as_ref())
                ),
                None,
            )
        }
    };
    Told::with(format!("{detail}{looked_at}"), json!({"claim": path.as_str(), "groups": names}))
}

/// Which mapping each group matched, and the role and tier that won; `None` where the mode maps no token's groups.
pub(super) fn mapped(organization: &Organization, groups: &[&str]) -> Option<Told> {
    let Provisioning::JitMapped(mappings) = &organization.provisioning else {
        return None;
    };
    let product = &organization.product;
    let held: HashSet<&str> = groups.iter().copied().collect();
    let roles = matches(&held, "roles", &mappings.roles);
    let tiers = matches(&held, "seat_tiers", &mappings.seat_tiers);
    let unmapped = unmapped(mappings, groups);
    let Mapped { role, seat_tier } = mapping::map(mappings, product, groups);

    let mut told: Vec<String> = roles.iter().chain(&tiers).map(Match::told).collect();
    if !unmapped.is_empty() {
        told.push(format!("in no mapping: {}", listed(unmapped.iter().copied())));
    }
    told.extend(unmapped.iter().filter_map(|group| nearly(mappings, group)));
    told.push(role_won(product, &roles, role));
    told.extend(tier_won(organization, mappings, product, &tiers, seat_tier));
    Some(Told::with(
        told.join("; "),
        json!({
            "matched": roles.iter().chain(&tiers).map(Match::facts).collect::<Vec<_>>(),
            "unmatched": unmapped,
            "role": role,
            "seat_tier": seat_tier,
        }),
    ))
}

/// A mapping that one of the groups matched.
struct Match<'a> {
    mapping: String,
    group: &'a str,
    label: Option<&'a str>,
    gives: &'a str,
}

trait Mapping {
    fn parts(&self) -> (&Group, &str, Option<&str>);
}

impl Mapping for GroupRole {
    fn parts(&self) -> (&Group, &str, Option<&str>) {
        (&self.group, self.role.as_str(), self.label.as_deref())
    }
}

impl Mapping for GroupTier {
    fn parts(&self) -> (&Group, &str, Option<&str>) {
        (&self.group, self.tier.as_str(), self.label.as_deref())
    }
}

fn matches<'a>(held: &HashSet<&str>, list: &str, mappings: &'a [impl Mapping]) -> Vec<Match<'a>> {
    let numbered = mappings.iter().enumerate().map(|(number, mapping)| (number, mapping.parts()));
    numbered
        .filter(|(_, (group, ..))| held.contains(group.as_str()))
        .map(|(number, (group, gives, label))| Match {
            mapping: format!("{list}[{number}]"),
            group: group.as_str(),
            label,
            gives,
        })
        .collect()
}

impl Match<'_> {
    fn told(&self) -> String {
        let label = self.label.map(|label| format!(" ({label})")).unwrap_or_default();
        format!("group {}{label} matches {}: {}", quoted(self.group), self.mapping, quoted(self.gives))
    }

    fn facts(&self) -> Value {
        json!({"mapping": self.mapping, "group": self.group, "label": self.label, "gives": self.gives})
    }
}

/// The groups that no mapping names, each once, in the order of the claim.
fn unmapped<'a>(mappings: &Mappings, groups: &[&'a str]) -> Vec<&'a str> {
    let roles = mappings.roles.iter().map(|mapping| mapping.group.as_str());
    let tiers = mappings.seat_tiers.iter().map(|mapping| mapping.group.as_str());
    let known: HashSet<&str> = roles.chain(tiers).collect();
    let mut told = HashSet::new();
    groups.iter().copied().filter(|group| !known.contains(group) && told.insert(*group)).collect()
}

/// A mapping of nearly this group: groups are matched exactly, and letter case is what is most often overlooked.
fn nearly(mappings: &Mappings, group: &str) -> Option<String> {
    let roles = mappings.roles.iter().map(|mapping| &mapping.group).enumerate().map(|found| ("roles", found));
    let tiers = mappings.seat_tiers.iter().map(|mapping| &mapping.group).enumerate().map(|found| ("seat_tiers", found));
    let lower = group.to_lowercase();
    let (list, (number, known)) = roles.chain(tiers).find(|(_, (_, known))| known.as_str().to_lowercase() == lower)?;
    Some(format!("{} differs from {} of {list}[{number}] only in letter case", quoted(group), quoted(known.as_str())))
}

fn role_won(product: &Product, matched: &[Match<'_>], role: Option<&Role>) -> String {
    match role {
        None => "no group gives a role".to_owned(),
        Some(role) if matched.iter().all(|one| one.gives == role.as_str()) => format!("role {role}"),
        Some(role) => format!(
            "role {role}, the most permissive of these (the order is {})",
            listed(product.roles().map(Role::as_str))
        ),
    }
}

fn tier_won(
    organization: &Organization,
    mappings: &Mappings,
    product: &Product,
    matched: &[Match<'_>],
    tier: Option<&Tier>,
) -> Option<String> {
    if mappings.seat_tiers.is_empty() {
        return None;
    }
    let removes = organization.seats.as_ref().is_some_and(|seats| seats.default == SeatDefault::Remove);
    Some(match tier {
        None if removes => {
            "no group gives a seat tier, and `seats.default: remove` counts that as no mapped group".to_owned()
        }
        None => "no group gives a seat tier".to_owned(),
        Some(tier) if matched.iter().all(|one| one.gives == tier.as_str()) => format!("seat tier {tier}"),
        Some(tier) => format!(
            "seat tier {tier}, the highest of these (the order is {})",
            listed(product.tiers.iter().map(Tier::as_str))
        ),
    })
}
