//! The plan of a login: what the store shall do, from the mode, the identity and the mappings alone.

use serde::{Deserialize, Serialize};

use super::mapping;
use crate::Reason;
use crate::id::{Group, Role, Tier};
use crate::model::{Organization, Provisioning, SeatDefault};

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
    pub groups: Result<&'a [Group], Reason>,
}

/// The plan for a login, or the reason for which no store needs to be asked.
///
/// # Errors
/// `not_assigned` where the mode does not remove for it, `groups_overage` and `missing_claim` where groups are mapped.
pub fn plan(organization: &Organization, presented: Presented<'_>) -> Result<Plan, Reason> {
    if !presented.assigned {
        return match organization.provisioning.is_jit() {
            true => Ok(Plan::Remove { reason: Reason::NotAssigned }),
            false => Err(Reason::NotAssigned),
        };
    }
    match &organization.provisioning {
        Provisioning::Manual | Provisioning::Scim | Provisioning::ScimMapped(_) => Ok(Plan::Require),
        Provisioning::Jit => Ok(Plan::Ensure { role: organization.product.default_role.clone() }),
        Provisioning::JitMapped(mappings) => {
            let groups = presented.groups?;
            let role = mapping::role(mappings, &organization.product, groups);
            let seat_tier = mapping::seat_tier(mappings, &organization.product, groups);
            let removed_by_default = seat_tier.is_none()
                && organization.seats.as_ref().is_some_and(|seats| seats.default == SeatDefault::Remove);
            match role {
                Some(role) if !removed_by_default => {
                    Ok(Plan::Assign { role: role.clone(), seat_tier: seat_tier.cloned() })
                }
                Some(_) | None => Ok(Plan::Remove { reason: Reason::NoMappedGroup }),
            }
        }
    }
}

/// Whether a plan is one that this organization's rules can give: the store's check against a filter with another policy.
pub fn fits(organization: &Organization, plan: &Plan) -> bool {
    match (&organization.provisioning, plan) {
        (Provisioning::Manual | Provisioning::Scim | Provisioning::ScimMapped(_), Plan::Require) => true,
        (Provisioning::Jit, Plan::Ensure { role }) => *role == organization.product.default_role,
        (Provisioning::Jit | Provisioning::JitMapped(_), Plan::Remove { reason: Reason::NotAssigned }) => true,
        (Provisioning::JitMapped(_), Plan::Remove { reason: Reason::NoMappedGroup }) => true,
        (Provisioning::JitMapped(mappings), Plan::Assign { role, seat_tier }) => {
            mappings.roles.iter().any(|mapped| mapped.role == *role)
                && seat_tier.as_ref().is_none_or(|tier| mappings.seat_tiers.iter().any(|mapped| mapped.tier == *tier))
        }
        _ => false,
    }
}
