//! How an organization's seats are used.

use std::sync::Arc;

use usher_policy::id::{OrganizationId, Tier};
use usher_policy::model::{Cap, Organization};
use usher_policy::rules::seats::Taken;

use super::Membership;
use crate::database::{DatabaseError, Lane, Snapshot, Transaction};

/// The seats of one organization.
#[derive(Clone, Debug)]
pub(crate) struct SeatsInUse {
    /// Every tier of the product, highest first.
    pub(crate) tiers: Vec<SeatUse>,
    /// Members who wait for a seat.
    pub(crate) pending: u32,
}

/// The seats of one tier.
#[derive(Clone, Debug)]
pub(crate) struct SeatUse {
    pub(crate) tier: Tier,
    /// `None` is without a limit.
    pub(crate) cap: Option<u32>,
    pub(crate) used: u32,
}

impl Membership {
    /// Caps, seats in use and members who wait.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn seats(&self, organization: &Organization) -> Result<SeatsInUse, DatabaseError> {
        let mut snapshot = self.database.read(Lane::Short).await?;
        let taken = snapshot.seats_taken(&organization.id).await?;
        let pending = snapshot.pending(&organization.id).await?;
        Ok(in_use(organization, &taken, pending))
    }

    /// The same of all these organizations, at one moment.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn seats_of_all<'a>(
        &self,
        organizations: &'a [Arc<Organization>],
    ) -> Result<Vec<(&'a OrganizationId, SeatsInUse)>, DatabaseError> {
        let mut all = self.database.read(Lane::Short).await?.seats_of_all().await?;
        let of = organizations.iter().map(|organization| {
            let (taken, pending) = all.remove(&organization.id).unwrap_or_default();
            (&organization.id, in_use(organization, &taken, pending))
        });
        Ok(of.collect())
    }
}

fn in_use(organization: &Organization, taken: &Taken, pending: u32) -> SeatsInUse {
    let tiers = organization.seats.iter().flat_map(|seats| &seats.tiers).map(|seat| SeatUse {
        tier: seat.tier.clone(),
        cap: match seat.cap {
            Cap::Limited(cap) => Some(cap),
            Cap::Unlimited => None,
        },
        used: taken.of(&seat.tier),
    });
    SeatsInUse { tiers: tiers.collect(), pending }
}

/// The tiers with a cap: where there is none nothing is counted, for there is room however many there are.
pub(super) fn limited(organization: &Organization) -> impl Iterator<Item = &Tier> {
    let tiers = organization.seats.iter().flat_map(|seats| &seats.tiers);
    tiers.filter(|seat| matches!(seat.cap, Cap::Limited(_))).map(|seat| &seat.tier)
}

/// Seats taken, for a decision.
pub(super) async fn taken(read: &mut dyn Snapshot, organization: &Organization) -> Result<Taken, DatabaseError> {
    match limited(organization).next() {
        Some(_) => read.seats_taken(&organization.id).await,
        None => Ok(Taken::default()),
    }
}

/// Gives back the seat of one tier and takes one of another. No seat left is a conflict: the decision was made on counts
/// that are no longer true.
pub(super) async fn exchange(
    transaction: &mut dyn Transaction,
    organization: &Organization,
    back: Option<&Tier>,
    wanted: Option<&Tier>,
) -> Result<(), DatabaseError> {
    if back == wanted {
        return Ok(());
    }
    // Counts are locked in the order of the tiers' names, whichever way a member moves.
    let back_first = back < wanted;
    if let Some(tier) = back.filter(|_| back_first) {
        transaction.free_seat(&organization.id, tier).await?;
    }
    if let Some(tier) = wanted {
        let mut seats = organization.seats.iter().flat_map(|seats| &seats.tiers);
        let cap = seats.find(|seat| seat.tier == *tier).map_or(Cap::Limited(0), |seat| seat.cap);
        if !transaction.take_seat(&organization.id, tier, cap).await? {
            return Err(DatabaseError::Conflict("the last free seat was taken".to_owned()));
        }
    }
    if let Some(tier) = back.filter(|_| !back_first) {
        transaction.free_seat(&organization.id, tier).await?;
    }
    Ok(())
}
