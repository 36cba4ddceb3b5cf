//! Doing what was planned: in batches, each one transaction that holds the right to reconcile and decides again.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::time::Instant;
use usher_policy::id::{MemberId, ParentId};
use usher_policy::member::Member;
use usher_policy::model::Organization;
use usher_policy::rules::directory::{DirectoryUser, decide, end_unknown};

use super::plan::{Plan, Target};
use super::report::{OrganizationReport, Report, Step};
use super::{SyncError, Task};
use crate::audit;
use crate::clock::mark;
use crate::database::{Database, DatabaseError, Lane, Lease, Transaction};
use crate::membership::Membership;
use crate::membership::directory::with_groups;
use crate::membership::followed::{Decided, Followed, Following, Guarded};
use crate::membership::waiting::Waiting;
use crate::scim::ResourceType;

/// How many members one transaction changes: others write in between.
const BATCH: usize = 100;

/// How long the right to reconcile is kept when nothing more is heard, in seconds.
const LEASE: u64 = 60;

/// Why, in the audit and in metrics.
const REASON: &str = "sync";

/// A reconciliation under way: nobody else reconciles the same parent. Dropped, it gives the right back.
pub(super) struct Run<'a> {
    memberships: &'a Membership,
    task: &'a Task<'a>,
    right: Right,
}

/// The right to reconcile a parent.
struct Right {
    database: Arc<dyn Database>,
    parent: ParentId,
    holder: String,
    is_given_back: bool,
}

/// What one transaction does.
#[derive(Clone, Copy)]
enum Work<'a> {
    /// Free seats go to those who wait, from one of them on.
    GiveSeats(Option<&'a Waiting>),
    /// Memberships begin or change; whose would end is left for the next plan.
    Renew(&'a [Target]),
    /// Memberships end.
    End(&'a [Target]),
}

impl<'a> Run<'a> {
    /// Takes the right to reconcile.
    pub(super) async fn begin(memberships: &'a Membership, task: &'a Task<'a>) -> Result<Self, SyncError> {
        let (database, parent) = (Arc::clone(&memberships.database), task.parent.clone());
        let right = Right { database, parent, holder: mark(), is_given_back: false };
        let run = Self { memberships, task, right };
        memberships.until_settled(|| run.take()).await?;
        Ok(run)
    }

    async fn take(&self) -> Result<(), SyncError> {
        let mut transaction = self.memberships.database.write(Lane::Long).await?;
        self.hold(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Does what was planned for one organization, until the time is over.
    pub(super) async fn apply(
        &self,
        plan: &Plan,
        report: &mut OrganizationReport,
        until: Instant,
    ) -> Result<(), SyncError> {
        let ends = plan.removals.chunks(BATCH).map(Work::End);
        let changes = plan.changes.chunks(BATCH).map(Work::Renew);
        let additions = plan.additions.chunks(BATCH).map(Work::Renew);
        self.all(plan, ends, report, until).await?;
        self.give_seats(plan, report, until).await?;
        self.all(plan, changes, report, until).await?;
        self.give_seats(plan, report, until).await?;
        self.all(plan, additions, report, until).await
    }

    /// Ends it: what was done goes to the audit, and the right is given back.
    pub(super) async fn end(mut self, report: &Report) -> Result<(), DatabaseError> {
        let held = || report.organizations.iter().filter(|report| report.held > 0);
        let now = self.memberships.now().as_secs();
        let mut transaction = self.memberships.database.write(Lane::Long).await?;
        if report.touched() > 0 || held().next().is_some() {
            let entry = audit::of_sync(self.task.parent, report.counts(), self.task.cause, now);
            transaction.append_audit(entry).await?;
        }
        transaction.release(self.task.parent, &self.right.holder).await?;
        transaction.commit().await?;
        self.right.is_given_back = true;
        for report in held() {
            self.memberships.metrics.removals_held(&report.organization, report.held);
            let (organization, removals) = (report.organization.as_str(), report.held);
            tracing::warn!(organization, removals, "more removals than allowed at once: nobody is removed");
        }
        Ok(())
    }

    async fn all<'w>(
        &self,
        plan: &Plan,
        works: impl Iterator<Item = Work<'w>>,
        report: &mut OrganizationReport,
        until: Instant,
    ) -> Result<(), SyncError> {
        for work in works {
            if Instant::now() >= until {
                break;
            }
            self.one(&plan.organization, work, report).await?;
        }
        Ok(())
    }

    async fn give_seats(&self, plan: &Plan, report: &mut OrganizationReport, until: Instant) -> Result<(), SyncError> {
        let mut after = None;
        while plan.gives_seats && Instant::now() < until {
            after = self.one(&plan.organization, Work::GiveSeats(after.as_ref()), report).await?;
            if after.is_none() {
                break;
            }
        }
        Ok(())
    }

    async fn one(
        &self,
        organization: &Arc<Organization>,
        work: Work<'_>,
        report: &mut OrganizationReport,
    ) -> Result<Option<Waiting>, SyncError> {
        let (followed, after) = self.memberships.until_settled(|| self.attempt(organization, work)).await?;
        self.memberships.tell(&followed, REASON);
        for done in followed.into_iter().flat_map(|followed| followed.done) {
            report.push(Step::new(done.before, done.after));
        }
        Ok(after)
    }

    async fn attempt(
        &self,
        organization: &Arc<Organization>,
        work: Work<'_>,
    ) -> Result<(Vec<Followed>, Option<Waiting>), SyncError> {
        let mut transaction = self.memberships.database.write(Lane::Long).await?;
        transaction.lock_directory(self.task.parent).await?;
        self.hold(&mut *transaction).await?;
        let done = match work {
            Work::End(targets) => (self.targets(&mut *transaction, organization, targets, Guarded::No).await?, None),
            Work::Renew(targets) => {
                (self.targets(&mut *transaction, organization, targets, Guarded::Never).await?, None)
            }
            Work::GiveSeats(after) => {
                let mut followed = Followed::nothing(organization);
                transaction.lock_organization(&organization.id).await?;
                let following = self.following(Guarded::Never);
                let memberships = self.memberships;
                let after = memberships
                    .give_free_seats(&mut *transaction, organization, following, &mut followed, after.cloned())
                    .await?;
                (vec![followed], after)
            }
        };
        transaction.commit().await?;
        Ok(done)
    }

    /// Holds the right for a while longer; only by the policy that is in force everywhere.
    async fn hold(&self, transaction: &mut dyn Transaction) -> Result<(), SyncError> {
        if transaction.policy_in_force().await?.as_deref() != Some(self.task.in_force.digest.as_str()) {
            return Err(SyncError::AnotherPolicy);
        }
        let now = self.memberships.now().as_secs();
        let lease = Lease { holder: &self.right.holder, now, until: now.saturating_add(LEASE) };
        if transaction.lease(self.task.parent, &lease).await? { Ok(()) } else { Err(SyncError::UnderWay) }
    }

    async fn targets(
        &self,
        transaction: &mut dyn Transaction,
        organization: &Arc<Organization>,
        targets: &[Target],
        guarded: Guarded,
    ) -> Result<Vec<Followed>, DatabaseError> {
        let (mut ids, mut members) = (Vec::new(), Vec::new());
        for target in targets {
            match target {
                Target::Unentitled(member) => members.push(member),
                Target::User(id) => ids.push(id.clone()),
            }
        }
        let mut users = transaction.users_with_ids(self.task.parent, &ids).await?;
        // In the order of the plan: of two who want one seat, the one gets it who was told.
        let order: HashMap<_, _> = ids.iter().zip(0..).collect();
        users.sort_by_key(|user| order.get(&user.id).copied().unwrap_or(usize::MAX));
        let users = with_groups(transaction, self.task.parent, &users).await?;
        let organizations = std::slice::from_ref(organization);
        let following = self.following(guarded);
        let mut all = self.memberships.follow(transaction, organizations, &users, following).await?;
        if !members.is_empty() {
            all.push(self.end_unentitled(transaction, organization, &members, following).await?);
        }
        Ok(all)
    }

    /// Ends memberships that no user of the directory entitles to.
    async fn end_unentitled(
        &self,
        transaction: &mut dyn Transaction,
        organization: &Arc<Organization>,
        members: &[&MemberId],
        following: Following<'_>,
    ) -> Result<Followed, DatabaseError> {
        let mut followed = Followed::nothing(organization);
        // Members before their organization, as everywhere.
        for id in members {
            transaction.member(&organization.id, id).await?;
        }
        transaction.lock_organization(&organization.id).await?;
        let mut frees = false;
        for id in members {
            let Some(member) = transaction.member(&organization.id, id).await? else { continue };
            let decided = self.ended(transaction, organization, member).await?;
            let memberships = self.memberships;
            frees |= memberships.apply(transaction, organization, &decided, following, &mut followed).await?;
        }
        if frees {
            self.memberships.pass_on(transaction, organization, following, &mut followed).await?;
        }
        Ok(followed)
    }

    /// What ends a membership, should nobody in the directory entitle to it even now.
    async fn ended(
        &self,
        transaction: &mut dyn Transaction,
        organization: &Organization,
        member: Member,
    ) -> Result<Decided, DatabaseError> {
        let user = member.directory_user.clone();
        if let Some(id) = &user
            && transaction.resource(self.task.parent, ResourceType::User, id.as_str()).await?.is_some()
        {
            return Ok(Decided::default());
        }
        let memberships = self.memberships;
        let facts = memberships.facts_for_directory(transaction, organization, Some(member.clone()), None).await?;
        let effects = match user {
            Some(id) => decide(organization, &DirectoryUser::gone(id), &facts),
            None => end_unknown(organization, &member, &facts),
        };
        Ok(Decided { effects, before: Some(member) })
    }

    fn following(&self, guarded: Guarded) -> Following<'_> {
        Following { cause: self.task.cause, action: REASON, guarded }
    }
}

impl Drop for Right {
    /// Also where a request was given up half way: nobody shall wait for the lease to run out.
    fn drop(&mut self) {
        if self.is_given_back {
            return;
        }
        let (database, parent) = (Arc::clone(&self.database), self.parent.clone());
        let holder = std::mem::take(&mut self.holder);
        tokio::spawn(async move {
            let released = async {
                let mut transaction = database.write(Lane::Long).await?;
                transaction.release(&parent, &holder).await?;
                transaction.commit().await
            };
            if let Err(error) = released.await {
                tracing::warn!(%error, "the right to reconcile could not be given back; it runs out by itself");
            }
        });
    }
}
