//! Adding a member by hand.

use usher_policy::id::Email;
use usher_policy::model::Organization;
use usher_policy::rules::hand::{self, Addition, Handled};

use super::effects::{self, Why};
use super::{Membership, MembershipError};
use crate::audit::Cause;
use crate::database::{Known, Lane};

impl Membership {
    /// Adds a member.
    ///
    /// # Errors
    /// `Refused` and `Database`.
    pub(crate) async fn add(
        &self,
        organization: &Organization,
        addition: &Addition,
        cause: &Cause,
    ) -> Result<Handled, MembershipError> {
        let _place = self.place(organization).await?;
        self.until_settled(|| self.try_add(organization, addition, cause)).await
    }

    async fn try_add(
        &self,
        organization: &Organization,
        addition: &Addition,
        cause: &Cause,
    ) -> Result<Handled, MembershipError> {
        let mut transaction = self.database.write(Lane::Short).await?;
        // What is no email belongs to nobody; the rules say so.
        let same_email = match Email::parse(&addition.email) {
            Some(email) => {
                transaction.lock(&organization.id, &[Known::ByEmail(&email)]).await?;
                transaction.member_with_email(&organization.id, &email).await?
            }
            None => None,
        };
        transaction.lock_organization(&organization.id).await?;
        let facts = self.facts_for_hand(&mut *transaction, organization, None).await?;
        let handled = hand::add(organization, addition, same_email.as_ref(), &facts)?;
        let why = Why { cause, reason: "added by hand", before: None };
        effects::write(&mut *transaction, organization, &handled.effects, &why, facts.now).await?;
        transaction.commit().await?;
        Ok(handled)
    }
}
