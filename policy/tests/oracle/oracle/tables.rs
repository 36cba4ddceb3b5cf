//! What the oracle reads straight off a policy: tables and their order.

use super::super::policy::Policy;

impl Policy {
    /// The most permissive role of these groups: the first of the product's that one of them is mapped to.
    pub(super) fn mapped_role(&self, groups: &[&str]) -> Option<&'static str> {
        let mapped = self.role_groups.as_deref().unwrap_or(&[]);
        first_mapped(self.product.roles, mapped, groups)
    }

    /// The highest tier of these groups.
    pub(super) fn mapped_tier(&self, groups: &[&str]) -> Option<&'static str> {
        first_mapped(self.product.tiers, &self.tier_groups, groups)
    }

    /// `seats.default`.
    pub(super) fn default(&self) -> &'static str {
        self.seats.as_ref().map_or("highest_available", |seats| seats.default)
    }

    /// `seats.when_full: next_tier`.
    pub(super) fn falls_to_next_tier(&self) -> bool {
        self.seats.as_ref().is_some_and(|seats| seats.when_full == "next_tier")
    }

    /// 0 is the most permissive.
    pub(crate) fn rank(&self, role: &str) -> usize {
        self.product.roles.iter().position(|known| *known == role).unwrap_or(self.product.roles.len())
    }

    /// Whether the parts may be had together (design §2, "Which modes may be had", "Seats").
    pub(crate) fn may_be_had(&self) -> bool {
        let has_mappings = self.role_groups.is_some();
        let scim_without_plan = self.mode == "scim" && self.plan == "team";
        let maps_by_hand = self.mode == "manual" && has_mappings;
        let maps_nothing = self.role_groups.as_ref().is_some_and(Vec::is_empty);
        let seats_without_tiers = self.seats.is_some() && self.product.tiers.is_empty();
        let maps_tiers = has_mappings && !self.tier_groups.is_empty();
        let removes_everybody = self.default() == "remove" && !maps_tiers;
        !(scim_without_plan || maps_by_hand || maps_nothing || seats_without_tiers || removes_everybody)
    }
}

fn first_mapped(order: &'static [&'static str], mapped: &[(&str, &str)], groups: &[&str]) -> Option<&'static str> {
    for value in order {
        for (group, to) in mapped {
            if to == value && groups.contains(group) {
                return Some(value);
            }
        }
    }
    None
}
