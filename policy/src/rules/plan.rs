//! The plan of a login: what the store shall do, from the mode, the identity and the mappings alone.

use serde::{Deserialize, Serialize};

use super::mapping::{self, Mapped};
use crate::Reason;
use crate::id::{Role, Tier};
use crate::model::{Mappings, Organization, Provisioning, SeatDefault};

/// What the store shall do at a login (design §5, step 5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Plan {
    /// Make a member if there is none, and give this role (and tier, where one is mapped) anew.
    Assign {
        /// The most permissive role of all mapped groups.
        role: Role,
        /// The highest tier of all mapped groups, if any is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seat_tier: Option<Tier>,
    },
    /// Make a member with this role if there is none; leave the role of one who is.
    Ensure {
        /// The product's default role.
        role: Role,
    },
    /// Remove the member, if there is one: the login is denied for this reason.
    Remove {
        /// `not_assigned` or `no_mapped_group`.
        reason: Reason,
    },
    /// There must be a member already.
    Require,
}

/// What the verified claims say about one login, as far as the plan needs it.
#[derive(Clone, Copy, Debug)]
pub struct Presented<'a> {
    /// Whether the assignment shows; `true` where the connection names none.
    pub assigned: bool,
    /// The groups, or why they cannot be known; looked at only where the mode maps the token's groups.
    pub groups: Result<&'a [&'a str], Reason>,
}

/// The plan for a login, or the reason for which no store needs to be asked.
///
/// # Errors
/// `not_assigned` where the mode does not remove for it, `groups_overage` and `missing_claim` where groups are mapped.
pub fn plan(organization: &Organization, presented: Presented<'_>) -> Result<Plan, Reason> {
    match (&organization.provisioning, presented.assigned) {
        // "A valid assertion without it is denied `not_assigned`, and in jit mode (with or without mappings) that attempt
        // removes the member".
        (Provisioning::Jit | Provisioning::JitMapped(_), false) => Ok(Plan::Remove { reason: Reason::NotAssigned }),
        (Provisioning::Manual | Provisioning::Scim | Provisioning::ScimMapped(_), false) => Err(Reason::NotAssigned),
        // "Must be a member already."
        (Provisioning::Manual, true) => Ok(Plan::Require),
        // "Must have been provisioned by the directory"; "groups in a token are ignored in scim modes".
        (Provisioning::Scim | Provisioning::ScimMapped(_), true) => Ok(Plan::Require),
        // "Made a member with the default role if not yet one"; the role is "changed by hand, never by a login".
        (Provisioning::Jit, true) => Ok(Plan::Ensure { role: organization.product.default_role.clone() }),
        // `missing_claim` and `groups_overage`: "neither counts as "no groups", and neither removes anyone".
        (Provisioning::JitMapped(mappings), true) => Ok(mapped(organization, mappings, presented.groups?)),
    }
}

fn mapped(organization: &Organization, mappings: &Mappings, groups: &[&str]) -> Plan {
    let Mapped { role, seat_tier } = mapping::map(mappings, &organization.product, groups);
    match (role, seat_tier) {
        // "`remove` (counts as being in no mapped group, for holders too)".
        (Some(_), None) if needs_mapped_tier(organization) => Plan::Remove { reason: Reason::NoMappedGroup },
        // "Made a member if in at least one role-mapped group"; "most permissive role of all mapped groups"; "a tier mapping
        // gives the highest mapped tier".
        (Some(role), seat_tier) => Plan::Assign { role: role.clone(), seat_tier: seat_tier.cloned() },
        // "In no mapped group any more: removed by the denied login attempt".
        (None, _) => Plan::Remove { reason: Reason::NoMappedGroup },
    }
}

fn needs_mapped_tier(organization: &Organization) -> bool {
    organization.seats.as_ref().is_some_and(|seats| seats.default == SeatDefault::Remove)
}

/// Whether a plan is one that this organization's rules can give: the store's check against a filter with another policy.
pub fn fits(organization: &Organization, plan: &Plan) -> bool {
    match (&organization.provisioning, plan) {
        (Provisioning::Manual | Provisioning::Scim | Provisioning::ScimMapped(_), Plan::Require) => true,
        (Provisioning::Jit, Plan::Ensure { role }) => *role == organization.product.default_role,
        (Provisioning::Jit | Provisioning::JitMapped(_), Plan::Remove { reason: Reason::NotAssigned }) => true,
        (Provisioning::JitMapped(_), Plan::Remove { reason: Reason::NoMappedGroup }) => true,
        (Provisioning::JitMapped(mappings), Plan::Assign { role, seat_tier }) => {
            let maps_tier = match seat_tier {
                Some(tier) => mappings.seat_tiers.iter().any(|mapped| mapped.tier == *tier),
                None => !needs_mapped_tier(organization),
            };
            maps_tier && mappings.roles.iter().any(|mapped| mapped.role == *role)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Plan, Presented, fits, plan};
    use crate::Reason;
    use crate::id::{Role, Tier};
    use crate::model::{Organization, Provisioning, SeatDefault};
    use crate::rules::testing::{assign, ensure, mappings, organization, with_seats};
    use proptest::prelude::*;

    const NO_GROUP: Plan = Plan::Remove { reason: Reason::NoMappedGroup };
    const UNASSIGNED: Plan = Plan::Remove { reason: Reason::NotAssigned };

    fn planned(organization: &Organization, assigned: bool, groups: Result<&[&str], Reason>) -> Result<Plan, Reason> {
        let planned = plan(organization, Presented { assigned, groups });
        if let Ok(plan) = &planned {
            assert!(fits(organization, plan), "what is planned fits: {plan:?}");
        }
        planned
    }

    fn modes() -> [(Provisioning, Plan); 5] {
        [
            (Provisioning::Manual, Plan::Require),
            (Provisioning::Jit, ensure()),
            (Provisioning::JitMapped(mappings()), assign("user", None)),
            (Provisioning::Scim, Plan::Require),
            (Provisioning::ScimMapped(mappings()), Plan::Require),
        ]
    }

    #[test]
    fn each_mode_has_its_plan() {
        for (mode, expected) in modes() {
            let organization = organization(mode);
            assert_eq!(planned(&organization, true, Ok(&["staff"])), Ok(expected));
        }
    }

    #[test]
    fn groups_matter_only_where_the_token_is_mapped() {
        for (mode, expected) in modes() {
            let mapped = matches!(mode, Provisioning::JitMapped(_));
            let organization = organization(mode);
            for reason in [Reason::MissingClaim, Reason::GroupsOverage] {
                let expected = if mapped { Err(reason) } else { Ok(expected.clone()) };
                assert_eq!(planned(&organization, true, Err(reason)), expected);
            }
        }
    }

    #[test]
    fn not_assigned_removes_in_jit_modes_and_comes_before_the_groups() {
        for (mode, _) in modes() {
            let removes = mode.is_jit();
            let organization = organization(mode);
            for groups in [Ok(["staff"].as_slice()), Err(Reason::GroupsOverage)] {
                let expected = if removes { Ok(UNASSIGNED) } else { Err(Reason::NotAssigned) };
                assert_eq!(planned(&organization, false, groups), expected);
            }
        }
    }

    #[test]
    fn the_most_permissive_role_and_the_highest_tier_win() {
        let organization = with_seats(organization(Provisioning::JitMapped(mappings())), 1, 1);
        for (groups, expected) in [
            (vec!["staff"], assign("user", None)),
            (vec!["staff", "admins", "unknown"], assign("admin", None)),
            (vec!["admins", "owners", "staff"], assign("owner", None)),
            (vec!["staff", "basic"], assign("user", Some("standard"))),
            (vec!["power", "basic", "staff"], assign("user", Some("premium"))),
            (vec!["power"], NO_GROUP),
            (vec!["Staff"], NO_GROUP),
            (vec!["staff "], NO_GROUP),
            (vec![], NO_GROUP),
        ] {
            assert_eq!(planned(&organization, true, Ok(&groups)), Ok(expected.clone()), "{groups:?}");
            // Among many they are looked up in another way.
            let names: Vec<String> = (0..20).map(|number| format!("other-{number}")).collect();
            let many: Vec<&str> = names.iter().map(String::as_str).chain(groups).collect();
            assert_eq!(planned(&organization, true, Ok(&many)), Ok(expected), "{many:?}");
        }
    }

    #[test]
    fn default_remove_counts_no_mapped_tier_as_no_mapped_group() {
        let mut organization = with_seats(organization(Provisioning::JitMapped(mappings())), 1, 1);
        organization.seats.as_mut().unwrap().default = SeatDefault::Remove;
        assert_eq!(planned(&organization, true, Ok(&["staff"])), Ok(NO_GROUP));
        assert_eq!(planned(&organization, true, Ok(&["staff", "basic"])), Ok(assign("user", Some("standard"))));
    }

    #[test]
    fn a_plan_of_another_policy_does_not_fit() {
        let admin = Plan::Ensure { role: Role::new("admin") };
        let mapped = assign("user", Some("standard"));
        for (mode, own) in modes() {
            let jit = mode.is_jit();
            let has_mappings = matches!(mode, Provisioning::JitMapped(_));
            let organization = organization(mode);
            for plan in [Plan::Require, ensure(), admin.clone(), mapped.clone(), NO_GROUP, UNASSIGNED] {
                let expected =
                    plan == own || jit && plan == UNASSIGNED || has_mappings && (plan == NO_GROUP || plan == mapped);
                assert_eq!(fits(&organization, &plan), expected, "{:?} {plan:?}", organization.provisioning);
            }
        }
        let organization = organization(Provisioning::JitMapped(mappings()));
        let other_reason = Plan::Remove { reason: Reason::Expired };
        let other_tier = Plan::Assign { role: Role::new("user"), seat_tier: Some(Tier::new("gold")) };
        for plan in [assign("king", None), other_tier, other_reason] {
            assert!(!fits(&organization, &plan), "{plan:?}");
        }
        let mut organization = with_seats(organization, 1, 1);
        assert!(fits(&organization, &assign("user", None)));
        organization.seats.as_mut().unwrap().default = SeatDefault::Remove;
        assert!(!fits(&organization, &assign("user", None)), "without a mapped tier, they are in no mapped group");
        assert!(fits(&organization, &assign("user", Some("standard"))));
    }

    fn rank(organization: &Organization, plan: &Plan) -> Option<usize> {
        match plan {
            Plan::Assign { role, .. } => organization.product.roles().position(|known| known == role),
            _ => None,
        }
    }

    proptest! {
        #[test]
        fn order_does_not_matter_and_more_groups_never_lower_the_role(
            groups in proptest::sample::subsequence(vec!["staff", "admins", "owners", "basic", "power", "x"], 0..6).prop_shuffle(),
            more in proptest::sample::select(vec!["staff", "admins", "owners", "basic", "power", "y"]),
        ) {
            let organization = with_seats(organization(Provisioning::JitMapped(mappings())), 1, 1);
            let plan = planned(&organization, true, Ok(&groups)).unwrap();
            let mut sorted = groups.clone();
            sorted.sort_unstable();
            prop_assert_eq!(&plan, &planned(&organization, true, Ok(&sorted)).unwrap());
            let mut grown = groups;
            grown.push(more);
            let grown = planned(&organization, true, Ok(&grown)).unwrap();
            let (before, after) = (rank(&organization, &plan), rank(&organization, &grown));
            // Roles are ranked most permissive first; no role at all is the lowest.
            prop_assert!(after.unwrap_or(usize::MAX) <= before.unwrap_or(usize::MAX));
        }
    }
}
