//! Looking at members: one, or a page of them.

use usher_policy::id::MemberId;
use usher_policy::member::Member;
use usher_policy::model::Organization;

use super::{Membership, MembershipError, existing};
use crate::database::{DatabaseError, Lane, MemberFilter};

/// Some members, and after whom to go on if there are more.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) members: Vec<Member>,
    pub(crate) next: Option<MemberId>,
}

impl Membership {
    /// One member.
    ///
    /// # Errors
    /// `NoSuchMember` and `Database`.
    pub(crate) async fn member(&self, organization: &Organization, id: &MemberId) -> Result<Member, MembershipError> {
        let mut snapshot = self.database.read(Lane::Short).await?;
        existing(&mut *snapshot, &organization.id, id).await
    }

    /// At most `limit` members after `after`. Who stays listed is met exactly once, whatever comes and goes meanwhile.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn members(
        &self,
        organization: &Organization,
        filter: &MemberFilter,
        after: Option<&MemberId>,
        limit: u32,
    ) -> Result<Page, DatabaseError> {
        let mut snapshot = self.database.read(Lane::Long).await?;
        // One more than asked for tells whether there are more.
        let mut members = snapshot.members(&organization.id, filter, after, limit.saturating_add(1)).await?;
        let more = members.len() > limit as usize;
        members.truncate(limit as usize);
        let next = members.last().filter(|_| more).map(|member| member.id.clone());
        Ok(Page { members, next })
    }
}
