//! From groups to the role and the tier: the most permissive and the highest of all that are mapped.

use crate::id::{Group, Role, Tier};
use crate::model::{Mappings, Product};

/// The most permissive role among those of the mapped groups; `None` in no mapped group.
pub fn role<'a>(mappings: &Mappings, product: &'a Product, groups: &[Group]) -> Option<&'a Role> {
    product
        .roles()
        .find(|role| mappings.roles.iter().any(|mapped| mapped.role == **role && groups.contains(&mapped.group)))
}

/// The highest tier among those of the mapped groups; `None` without one.
pub fn seat_tier<'a>(mappings: &Mappings, product: &'a Product, groups: &[Group]) -> Option<&'a Tier> {
    product
        .tiers
        .iter()
        .find(|tier| mappings.seat_tiers.iter().any(|mapped| mapped.tier == **tier && groups.contains(&mapped.group)))
}
