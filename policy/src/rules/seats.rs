//! The one seat allocator: every path that gives a seat asks here.

use crate::id::Tier;

/// How many seats of each tier are taken; tiers that nobody holds may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken(Vec<(Tier, u32)>);

impl Taken {
    /// Counts by tier, as the store read them.
    pub fn new(counts: Vec<(Tier, u32)>) -> Self {
        Self(counts)
    }

    /// How many hold this tier.
    pub fn of(&self, tier: &Tier) -> u32 {
        self.0.iter().find(|(known, _)| known == tier).map_or(0, |(_, count)| *count)
    }
}
