//! The oracle's seats: who gets which, and whether there is room.

use super::Oracle;

impl Oracle {
    /// Gives, renews or leaves the seat.
    pub(super) fn seat(&mut self, at: usize, mapped: Option<&str>) {
        let tiers = self.policy.product.tiers;
        let held = self.members[at].tier.take();
        let seat = match (held, mapped) {
            (Some(held), Some(mapped)) if held != mapped && self.has_room(mapped) => Some(mapped.to_owned()),
            (Some(held), _) => Some(held),
            (None, Some(mapped)) => {
                let from = tiers.iter().position(|tier| *tier == mapped).unwrap();
                let to = if self.policy.falls_to_next_tier() { tiers.len() } else { from + 1 };
                self.first_with_room(&tiers[from..to])
            }
            (None, None) => match self.policy.default() {
                "highest_available" => self.first_with_room(tiers),
                "lowest_available" => self.first_with_room(&tiers.iter().rev().copied().collect::<Vec<_>>()),
                "remove" if self.is_owner(&self.members[at]) => self.first_with_room(tiers),
                "none" | "remove" => None,
                tier => self.first_with_room(&[tier]),
            },
        };
        let needs_none = tiers.is_empty() || self.policy.default() == "none" && mapped.is_none();
        self.members[at].status = if seat.is_some() || needs_none { "active" } else { "pending" };
        self.members[at].tier = seat;
        let waits = self.members[at].status == "pending";
        let since = self.members[at].pending_since.unwrap_or(self.now);
        self.members[at].pending_since = waits.then_some(since);
    }

    fn first_with_room(&self, tiers: &[&str]) -> Option<String> {
        tiers.iter().find(|tier| self.has_room(tier)).map(|tier| (*tier).to_owned())
    }

    pub(super) fn has_room(&self, tier: &str) -> bool {
        let taken = self.members.iter().filter(|member| member.tier.as_deref() == Some(tier)).count();
        match self.policy.seats.as_ref().and_then(|seats| seats.caps.as_ref()) {
            Some(caps) => caps.iter().any(|(named, cap)| *named == tier && taken < *cap as usize),
            None => true,
        }
    }
}
