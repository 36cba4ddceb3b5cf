//! What the store needs of a database to keep directories: users, groups, and who is in which group.

use std::collections::HashMap;

use async_trait::async_trait;
use usher_policy::id::{DirectoryUserId, MemberId, OrganizationId, ParentId};
use usher_policy::member::Member;
use usher_policy::rules::seats::Taken;

use super::DatabaseError;
use crate::scim::{GroupOfUser, Lookup, ResourceType, Stored};

/// Where a resource stands among those of its kind: they stand in the order in which they came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(pub(crate) u64);

/// What can be asked about directories in a snapshot. Lists of ids are bounded by who asks.
#[async_trait]
pub(crate) trait DirectorySnapshot: Send {
    /// The resource with this id.
    async fn resource(
        &mut self,
        parent: &ParentId,
        kind: ResourceType,
        id: &str,
    ) -> Result<Option<Stored>, DatabaseError>;

    /// At most `limit` resources that the look-up finds, after a place.
    async fn resources(
        &mut self,
        parent: &ParentId,
        kind: ResourceType,
        lookup: &Lookup,
        after: Place,
        limit: u32,
    ) -> Result<Vec<(Place, Stored)>, DatabaseError>;

    /// How many resources there are, and the place after which the first `skipped` are passed. As quick at the end of a
    /// long list as at its beginning.
    async fn place(
        &mut self,
        parent: &ParentId,
        kind: ResourceType,
        skipped: u64,
    ) -> Result<(u64, Place), DatabaseError>;

    /// The groups of these users, with the user's id.
    async fn groups_of(
        &mut self,
        parent: &ParentId,
        users: &[String],
    ) -> Result<Vec<(String, GroupOfUser)>, DatabaseError>;

    /// At most `limit` of a group's members after `after`, in the order of their ids.
    async fn members_of(
        &mut self,
        parent: &ParentId,
        group: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<String>, DatabaseError>;

    /// Those of the users who are in the group.
    async fn members_among(
        &mut self,
        parent: &ParentId,
        group: &str,
        users: &[String],
    ) -> Result<Vec<String>, DatabaseError>;

    /// Those of the ids that are ids of users.
    async fn users_among(&mut self, parent: &ParentId, ids: &[String]) -> Result<Vec<String>, DatabaseError>;

    /// The users with these emails, of each at most so many, and those whose `userName` is one of them; in no order.
    async fn users_with_emails(
        &mut self,
        parent: &ParentId,
        keys: &[String],
        of_each: u32,
    ) -> Result<Vec<Stored>, DatabaseError>;

    /// The member whom this user of the directory entitles.
    async fn member_of_directory_user(
        &mut self,
        organization: &OrganizationId,
        user: &DirectoryUserId,
    ) -> Result<Option<Member>, DatabaseError>;

    /// At most `limit` members who wait for a seat, the longest wait first, after one of them.
    async fn waiting(
        &mut self,
        organization: &OrganizationId,
        after: Option<(u64, &MemberId)>,
        limit: u32,
    ) -> Result<Vec<Member>, DatabaseError>;

    /// How many members the organization has.
    async fn member_count(&mut self, organization: &OrganizationId) -> Result<u32, DatabaseError>;

    /// Seats taken and members who wait, of every organization that has any.
    async fn seats_of_all(&mut self) -> Result<HashMap<OrganizationId, (Taken, u32)>, DatabaseError>;
}

/// What can be done to directories in a transaction.
#[async_trait]
pub(crate) trait DirectoryTransaction: DirectorySnapshot {
    /// Keeps others from changing the directory until this ends. Before anything else is locked.
    async fn lock_directory(&mut self, parent: &ParentId) -> Result<(), DatabaseError>;

    /// Adds a resource, behind all others.
    async fn create_resource(&mut self, parent: &ParentId, resource: &Stored) -> Result<(), DatabaseError>;

    /// Writes a resource anew.
    async fn update_resource(&mut self, parent: &ParentId, resource: &Stored) -> Result<(), DatabaseError>;

    /// Takes a resource away: a group with its memberships, a user out of all groups, which change at `now` (Unix
    /// seconds) by that.
    async fn remove_resource(
        &mut self,
        parent: &ParentId,
        kind: ResourceType,
        id: &str,
        now: u64,
    ) -> Result<(), DatabaseError>;

    /// Puts users into a group; gives those who were not in it. They are users of the directory.
    async fn add_to_group(
        &mut self,
        parent: &ParentId,
        group: &str,
        users: &[String],
    ) -> Result<Vec<String>, DatabaseError>;

    /// Takes users out of a group; gives those who were in it.
    async fn remove_from_group(
        &mut self,
        parent: &ParentId,
        group: &str,
        users: &[String],
    ) -> Result<Vec<String>, DatabaseError>;
}
