//! Removing a member by hand.

use usher_policy::id::MemberId;
use usher_policy::model::Organization;
use usher_policy::rules::hand::{self, Handled};

use super::effects::{self, Decider};
use super::{Membership, MembershipError, existing};

impl Membership {
    /// Removes a member.
    ///
    /// # Errors
    /// `NoSuchMember`, `Refused` and `Database`.
    pub(crate) async fn remove(&self, organization: &Organization, id: &MemberId) -> Result<Handled, MembershipError> {
        let mut transaction = self.database.write().await?;
        let member = existing(&mut *transaction, &organization.id, id).await?;
        let facts = self.facts_for_hand(&mut *transaction, organization, Some(&member)).await?;
        let handled = hand::remove(organization, &member, &facts)?;
        effects::write(&mut *transaction, organization, &handled.effects, Decider::Hand, facts.now).await?;
        transaction.commit().await?;
        self.metrics.removal(&organization.id, "hand");
        Ok(handled)
    }
}
