//! Removing a member by hand.

use usher_policy::id::MemberId;
use usher_policy::model::Organization;
use usher_policy::rules::hand::{self, Handled};

use super::effects::{self, Why};
use super::{Membership, MembershipError};
use crate::audit::Cause;

impl Membership {
    /// Removes a member.
    ///
    /// # Errors
    /// `NoSuchMember`, `Refused` and `Database`.
    pub(crate) async fn remove(
        &self,
        organization: &Organization,
        id: &MemberId,
        cause: &Cause,
    ) -> Result<Handled, MembershipError> {
        let _place = self.place(organization).await?;
        let handled = self.until_settled(|| self.try_remove(organization, id, cause)).await?;
        self.metrics.removal(&organization.id, "hand");
        Ok(handled)
    }

    async fn try_remove(
        &self,
        organization: &Organization,
        id: &MemberId,
        cause: &Cause,
    ) -> Result<Handled, MembershipError> {
        let (mut transaction, member) = self.change_by_hand(&organization.id, id).await?;
        let facts = self.facts_for_hand(&mut *transaction, organization, Some(&member)).await?;
        let handled = hand::remove(organization, &member, &facts)?;
        let why = Why { cause, reason: "removed by hand", before: Some(&member) };
        effects::write(&mut *transaction, organization, &handled.effects, &why, facts.now).await?;
        transaction.commit().await?;
        Ok(handled)
    }
}
