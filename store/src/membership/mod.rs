//! What is done to memberships: facts are read, the rules decide, effects are written, in one transaction.

mod add;
mod attempts;
mod audit;
mod directory;
mod edit;
mod effects;
mod followed;
mod list;
mod login;
mod remove;
mod seats;
mod sketch;
mod sync;
mod tickets;
mod together;
mod upkeep;
mod waiting;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::timeout;
use usher_policy::id::{MemberId, OrganizationId};
use usher_policy::member::Member;
use usher_policy::model::Organization;
use usher_policy::rules::hand::{self, Refusal};

use crate::clock::{Clock, uuid_v7};
use crate::database::{Database, DatabaseError, Known, Lane, PATIENCE, Snapshot, Transaction, Upkeep};
use crate::metrics::Metrics;
use crate::places::{Place, Places};

pub(crate) use attempts::Attempt;
pub(crate) use directory::{all_of, as_the_rules_see, owners, that_map, with_groups};
pub(crate) use followed::{Followed, Following, Guarded};
pub(crate) use seats::SeatsInUse;
pub(crate) use sync::{Kind, OrganizationReport, Step, SyncError, Task};

/// The memberships of all organizations.
pub(crate) struct Membership {
    database: Arc<dyn Database>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    /// After whom to go on among those who wait for a seat, where there are more than are looked at at once.
    looked_at: Mutex<HashMap<OrganizationId, waiting::Waiting>>,
    /// How far the forgetting of old tickets is.
    walk: Mutex<tickets::Walk>,
    /// What this store has noted of upkeep last.
    upkeep: Mutex<Option<Upkeep>>,
    /// For the short transactions of all parents.
    places: Places,
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MembershipError {
    /// The database did not do its part; nothing was written.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// There is no such member.
    #[error("there is no member with this id")]
    NoSuchMember,
    /// The login could not have come from a filter with this policy.
    #[error("{0}; the filter's policy and the store's differ")]
    PolicyMismatch(&'static str),
    /// The rules forbid it.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl Membership {
    /// Memberships in this database.
    pub(crate) fn new(database: Arc<dyn Database>, clock: Arc<dyn Clock>, metrics: Arc<Metrics>) -> Self {
        let places = Places::shared(database.at_once());
        let walk = Mutex::new(tickets::Walk::starting(clock.now().as_secs()));
        Self { database, clock, metrics, looked_at: Mutex::default(), walk, upkeep: Mutex::default(), places }
    }

    /// Whether the database can be read and written.
    pub(crate) async fn ready(&self) -> Result<(), DatabaseError> {
        self.database.ready().await
    }

    /// Begins to read a directory.
    pub(crate) async fn read(&self) -> Result<Box<dyn Snapshot>, DatabaseError> {
        self.database.read(Lane::Long).await
    }

    /// Begins to write to a directory.
    pub(crate) async fn write(&self) -> Result<Box<dyn Transaction>, DatabaseError> {
        self.database.write(Lane::Long).await
    }

    /// Waits for one of the places for transactions which should be short; it is free again when what this gives is dropped.
    /// While something long holds what they want, each of them keeps a connection: no parent has more than it leaves to others.
    async fn place(&self, organization: &Organization) -> Result<Place, DatabaseError> {
        let place = timeout(PATIENCE, self.places.take(&organization.parent.id)).await.ok().and_then(Result::ok);
        place.ok_or_else(|| DatabaseError::Busy("others write".to_owned()))
    }

    fn now(&self) -> Duration {
        self.clock.now()
    }

    /// What decisions by hand need to know.
    async fn facts_for_hand(
        &self,
        read: &mut dyn Snapshot,
        organization: &Organization,
        member: Option<&Member>,
    ) -> Result<hand::Facts, DatabaseError> {
        let now = self.now();
        let ticket = match member.and_then(|member| member.identity.as_ref()) {
            Some(identity) => read.ticket(&organization.id, identity).await?,
            None => None,
        };
        let mapped_tier = match member {
            Some(member) if organization.provisioning.is_scim() => {
                directory::mapped_tier(read, organization, member).await?
            }
            Some(_) | None => None,
        };
        Ok(hand::Facts {
            ticket,
            mapped_tier,
            active_owners: read.active_with_role(&organization.id, organization.top_role()).await?,
            taken: seats::taken(read, organization).await?,
            new_id: new_id(now),
            now: now.as_secs(),
        })
    }

    /// Begins to change one member by hand: nobody else decides about them, or about the organization, until it ends.
    async fn change_by_hand(
        &self,
        organization: &OrganizationId,
        id: &MemberId,
    ) -> Result<(Box<dyn Transaction>, Member), MembershipError> {
        let known = existing(&mut *self.database.read(Lane::Short).await?, organization, id).await?;
        let by_identity = known.identity.as_ref().map(Known::ByIdentity);
        let person: Vec<_> = by_identity.into_iter().chain([Known::ByEmail(&known.email)]).collect();

        let mut transaction = self.database.write(Lane::Short).await?;
        transaction.lock(organization, &person).await?;
        let member = existing(&mut *transaction, organization, id).await?;
        if (&member.identity, &member.email) != (&known.identity, &known.email) {
            return Err(DatabaseError::Conflict("the member is known by something else now".to_owned()).into());
        }
        transaction.lock_organization(organization).await?;
        Ok((transaction, member))
    }
}

/// The member, who must be there.
async fn existing(
    read: &mut dyn Snapshot,
    organization: &OrganizationId,
    id: &MemberId,
) -> Result<Member, MembershipError> {
    read.member(organization, id).await?.ok_or(MembershipError::NoSuchMember)
}

/// A new member's id: in the order in which members came, as lists are.
fn new_id(now: Duration) -> MemberId {
    MemberId::new(uuid_v7(now).to_string())
}
