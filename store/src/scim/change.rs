//! One change of a directory: everything that a request does, memberships included, in one transaction.

mod others;

use std::sync::Arc;

use serde_json::{Map, Value, json};
use usher_policy::id::Group;
use usher_policy::model::Organization;
use usher_policy::rules::directory::DirectoryUser;

use super::error::{ScimError, ScimErrorKind};
use super::filter::Lookup;
use super::projection::Projection;
use super::request::DirectoryRequest;
use super::resource::{Document, ResourceType, Stored};
use super::show;
use crate::audit;
use crate::clock::uuid_v7;
use crate::database::{DatabaseError, Place, Transaction};
use crate::http::Problem;
use crate::membership::{self, Attempt, Followed, Following, Guarded};

/// Most users whose memberships one request changes at once. Beyond, the directory is changed and memberships wait for
/// a sync: nobody else could write meanwhile.
const MAX_FOLLOWED: usize = 10_000;

/// A directory that is being changed: locked until the commit.
pub(super) struct Change<'a> {
    request: &'a DirectoryRequest,
    pub(super) transaction: Box<dyn Transaction>,
    /// What is done, in the words of the audit.
    action: &'static str,
    followed: Vec<Followed>,
    /// Unix seconds.
    pub(super) now: u64,
}

/// Why a change was not made; nothing was written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Refused(#[from] ScimError),
}

impl<'a> Change<'a> {
    /// Begins it. `action` is what the audit calls it.
    pub(super) async fn begin(request: &'a DirectoryRequest, action: &'static str) -> Result<Self, DatabaseError> {
        let mut transaction = request.app.memberships.write().await?;
        transaction.lock_directory(&request.parent).await?;
        Ok(Self { request, transaction, action, followed: Vec::new(), now: request.app.clock.now().as_secs() })
    }

    /// An id for a new resource.
    pub(super) fn new_id(&self) -> String {
        uuid_v7(self.request.app.clock.now()).to_string()
    }

    /// The resource with this id, in a version that the request may change.
    pub(super) async fn existing(&mut self, kind: ResourceType, id: &str) -> Result<Stored, Failure> {
        let found = self.transaction.resource(&self.request.parent, kind, id).await?;
        let stored = found.ok_or_else(|| not_found(kind))?;
        if self.request.may_change(stored.version) {
            Ok(stored)
        } else {
            let detail = "the resource has changed since; read it again";
            Err(ScimError::new(ScimErrorKind::PreconditionFailed, detail).into())
        }
    }

    /// Refuses a name that another resource has.
    pub(super) async fn unique(
        &mut self,
        kind: ResourceType,
        document: &Document,
        before: Option<&Stored>,
    ) -> Result<(), Failure> {
        let name = kind.required();
        let key = document.folded(name).unwrap_or_default();
        if before.is_some_and(|before| before.document.folded(name).as_ref() == Some(&key)) {
            return Ok(());
        }
        let lookup = match kind {
            ResourceType::Group => Lookup::DisplayName(key),
            ResourceType::User => Lookup::UserName(key),
        };
        let taken = self.transaction.resources(&self.request.parent, kind, &lookup, Place::default(), 1).await?;
        if taken.is_empty() {
            return Ok(());
        }
        Err(ScimError::new(ScimErrorKind::Uniqueness, format!("`{name}` belongs to another {}", kind.name())).into())
    }

    /// Lets memberships follow a user who is not what they were before.
    pub(super) async fn follow_user(&mut self, before: Option<&Stored>, after: Option<&Stored>) -> Result<(), Failure> {
        let Some(of) = after.or(before) else { return Ok(()) };
        let mut user = self.as_the_rules_see(of).await?;
        user.active &= after.is_some();
        let email_before = before.and_then(|before| membership::as_the_rules_see(before, &[]).email);
        let was_active = before.is_none_or(|before| before.document.is_active());
        // What a guard holds back is not done by the next request about the same person, who asks for nothing of the kind.
        let ends_it = (was_active && !user.active) || user.email != email_before;
        let guarded = if ends_it { Guarded::No } else { Guarded::Never };
        let organizations = self.request.organizations();
        self.follow(&organizations, &[user], guarded).await
    }

    /// Lets memberships follow users who came into a group or left it, or whose group has other values now.
    pub(super) async fn follow_group(&mut self, values: &[Group], users: &[String]) -> Result<(), Failure> {
        let organizations = membership::that_map(self.request.organizations(), values);
        if organizations.is_empty() || users.is_empty() {
            return Ok(());
        }
        if users.len() > MAX_FOLLOWED {
            let (parent, users) = (self.request.parent.as_str(), users.len());
            tracing::warn!(parent, users, "too many users at once: their memberships wait for a sync");
            return Ok(());
        }
        let parent = &self.request.parent;
        let mut known = self.transaction.users_with_ids(parent, users).await?;
        // In one order, whatever the database makes of it: of two who want one seat, the one gets it who came first.
        known.sort_by(|one, other| one.id.cmp(&other.id));
        let known = membership::with_groups(&mut *self.transaction, parent, &known).await?;
        self.follow(&organizations, &known, Guarded::Yes).await
    }

    /// Notes the change in the audit.
    pub(super) async fn note(&mut self, before: Option<Value>, after: Option<Value>) -> Result<(), DatabaseError> {
        let entry =
            audit::of_directory(&self.request.parent, self.action, before, after, &self.request.cause, self.now);
        self.transaction.append_audit(entry).await
    }

    /// The resource as the answer to the change shows it.
    pub(super) async fn shown(
        &mut self,
        stored: &Stored,
        projection: &Projection,
    ) -> Result<Map<String, Value>, DatabaseError> {
        show::after_change(&mut *self.transaction, self.request, stored, projection).await
    }

    /// Ends it. When this returns, everything is on disk.
    pub(super) async fn commit(self) -> Result<(), DatabaseError> {
        self.transaction.commit().await?;
        self.request.app.memberships.tell(&self.followed, "directory");
        Ok(())
    }

    async fn follow(
        &mut self,
        organizations: &[Arc<Organization>],
        users: &[DirectoryUser],
        guarded: Guarded,
    ) -> Result<(), Failure> {
        let followed = self.followed_in(organizations, users, guarded).await?;
        self.hand_on(followed).await
    }

    async fn followed_in(
        &mut self,
        organizations: &[Arc<Organization>],
        users: &[DirectoryUser],
        guarded: Guarded,
    ) -> Result<Vec<Followed>, Failure> {
        let following = Following { cause: &self.request.cause, action: self.action, guarded };
        let memberships = &self.request.app.memberships;
        Ok(memberships.follow(&mut *self.transaction, organizations, users, following).await?)
    }

    async fn as_the_rules_see(&mut self, user: &Stored) -> Result<DirectoryUser, DatabaseError> {
        let groups = self.transaction.groups_of(&self.request.parent, std::slice::from_ref(&user.id)).await?;
        let groups: Vec<_> = groups.into_iter().map(|(_, group)| group).collect();
        Ok(membership::as_the_rules_see(user, &groups))
    }
}

/// What of a resource the audit shows.
pub(super) fn seen(resource: &Stored) -> Value {
    let document = &resource.document;
    match resource.kind {
        ResourceType::Group => json!({
            "id": resource.id,
            "display_name": document.text("displayName"),
            "external_id": document.text("externalId"),
            "members": resource.members,
        }),
        ResourceType::User => json!({
            "id": resource.id,
            "user_name": document.text("userName"),
            "display_name": document.text("displayName"),
            "external_id": document.text("externalId"),
            "emails": document.emails(),
            "active": document.is_active(),
        }),
    }
}

/// There is no such resource in this directory.
pub(super) fn not_found(kind: ResourceType) -> ScimError {
    ScimError::new(ScimErrorKind::NotFound, format!("the directory has no {} with this id", kind.name()))
}

impl Attempt for Failure {
    fn conflict(&self) -> Option<&str> {
        match self {
            Self::Database(error) => error.conflict(),
            Self::Refused(_) => None,
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Database(error) => error.into(),
            Failure::Refused(error) => error.into(),
        }
    }
}
