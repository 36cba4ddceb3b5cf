//! From groups to the role and the tier: the most permissive and the highest of all that are mapped.

use std::collections::HashSet;

use crate::id::{Group, Role, Tier};
use crate::model::{Mappings, Product};

/// What a set of groups gives; each side of a mapping is looked at once, however many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapped<'a> {
    /// The most permissive role among those of the mapped groups; `None` in no mapped group.
    pub role: Option<&'a Role>,
    /// The highest tier among those of the mapped groups; `None` without one.
    pub seat_tier: Option<&'a Tier>,
}

/// Matches groups exactly, case-sensitively (design §2, "Groups").
pub fn map<'a>(mappings: &Mappings, product: &'a Product, groups: &[Group]) -> Mapped<'a> {
    let groups: HashSet<&Group> = groups.iter().collect();
    let roles: HashSet<&Role> =
        mappings.roles.iter().filter(|mapped| groups.contains(&mapped.group)).map(|mapped| &mapped.role).collect();
    let tiers: HashSet<&Tier> =
        mappings.seat_tiers.iter().filter(|mapped| groups.contains(&mapped.group)).map(|mapped| &mapped.tier).collect();
    Mapped {
        role: product.roles().find(|role| roles.contains(role)),
        seat_tier: product.tiers.iter().find(|tier| tiers.contains(tier)),
    }
}
