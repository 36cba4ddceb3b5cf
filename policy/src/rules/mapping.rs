//! From groups to the role and the tier: the most permissive and the highest of all that are mapped.

use std::borrow::Borrow;
use std::collections::HashSet;

use crate::id::{Role, Tier};
use crate::model::{Mappings, Product};
use crate::scan::is_same;

/// What a set of groups gives; each side of a mapping is looked at once, however many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapped<'a> {
    /// The most permissive role among those of the mapped groups; `None` in no mapped group.
    pub role: Option<&'a Role>,
    /// The highest tier among those of the mapped groups; `None` without one.
    pub seat_tier: Option<&'a Tier>,
}

/// While there are no more groups than this, they are looked through for each that is mapped; with more a table finds them.
const FEW: usize = 8;

/// Matches groups exactly, case-sensitively (design §2, "Groups").
pub fn map<'a>(mappings: &Mappings, product: &'a Product, groups: &[impl Borrow<str>]) -> Mapped<'a> {
    let names = groups.iter().map(Borrow::borrow);
    let table: HashSet<&str> = if groups.len() > FEW { names.clone().collect() } else { HashSet::new() };
    let is_in = |group: &str| match groups.len() > FEW {
        true => table.contains(group),
        false => names.clone().any(|name| is_same(name.as_bytes(), group.as_bytes())),
    };
    let roles = mappings.roles.iter().filter(|mapped| is_in(mapped.group.as_str())).map(|mapped| &mapped.role);
    let tiers = mappings.seat_tiers.iter().filter(|mapped| is_in(mapped.group.as_str())).map(|mapped| &mapped.tier);
    Mapped { role: first(product.roles(), roles), seat_tier: first(product.tiers.iter(), tiers) }
}

/// The first in an order of those that are named.
fn first<'a, 'b, T: PartialEq + 'a + 'b>(
    order: impl Iterator<Item = &'a T> + Clone,
    named: impl Iterator<Item = &'b T>,
) -> Option<&'a T> {
    let mut first = None;
    for name in named {
        // Only what comes before the first so far can take its place.
        let before = first.map_or(usize::MAX, |(rank, _)| rank);
        first = order.clone().enumerate().take(before).find(|(_, one)| *one == name).or(first);
    }
    first.map(|(_, one)| one)
}
