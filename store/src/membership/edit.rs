//! Changing a member by hand.

use std::sync::Arc;

use usher_policy::id::MemberId;
use usher_policy::model::Organization;
use usher_policy::rules::hand::{self, Edit, Handled};

use super::effects::{self, Why};
use super::{Membership, MembershipError};
use crate::audit::Cause;

impl Membership {
    /// Changes a member.
    ///
    /// # Errors
    /// `NoSuchMember`, `Refused` and `Database`.
    pub(crate) async fn edit(
        &self,
        organization: &Arc<Organization>,
        id: &MemberId,
        edit: &Edit,
        cause: &Cause,
    ) -> Result<Handled, MembershipError> {
        let _place = self.place(organization).await?;
        self.until_settled(|| self.try_edit(organization, id, edit, cause)).await
    }

    async fn try_edit(
        &self,
        organization: &Arc<Organization>,
        id: &MemberId,
        edit: &Edit,
        cause: &Cause,
    ) -> Result<Handled, MembershipError> {
        let (mut transaction, member) = self.change_by_hand(&organization.id, id).await?;
        let facts = self.facts_for_hand(&mut *transaction, organization, Some(&member)).await?;
        let handled = hand::edit(organization, &member, edit, &facts)?;
        let why = Why { cause, reason: "changed by hand", before: Some(&member) };
        effects::write(&mut *transaction, organization, &handled.effects, &why, facts.now).await?;
        let frees_seat = effects::frees_seat(Some(&member), &handled.effects);
        let followed = if frees_seat && organization.provisioning.is_scim() {
            Some(self.pass_seats_on(&mut *transaction, organization, cause).await?)
        } else {
            None
        };
        transaction.commit().await?;
        self.tell(followed.as_slice(), "directory");
        Ok(handled)
    }
}
