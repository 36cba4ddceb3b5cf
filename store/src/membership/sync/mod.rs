//! Reconciliation of a parent's scim-mode organizations: what directory and policy say is planned on a snapshot, then done
//! in batches that each decide again. Cut off at any point, the next one goes on: what is done is not in its plan.

mod apply;
mod plan;
mod report;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use usher_policy::id::ParentId;
use usher_policy::model::Organization;

use self::apply::Run;
use self::plan::{Plan, plan};
use self::report::Report;
pub(crate) use self::report::{Kind, OrganizationReport, Step};
use super::Membership;
use super::attempts::Attempt;
use crate::audit::Cause;
use crate::database::{DatabaseError, Lane};
use crate::in_force::InForce;

/// How long one request writes, once it has planned: whoever asked asks again for the rest, and sees how far it is.
const BUDGET: Duration = Duration::from_secs(10);

/// How long it is waited until the database knows which policy is in force here.
const NOTED_WITHIN: Duration = Duration::from_secs(2);

/// Most plans in one request: what changes meanwhile is planned again.
const MAX_ROUNDS: usize = 8;

/// What is to be reconciled, by which policy, for whom.
pub(crate) struct Task<'a> {
    pub(crate) in_force: &'a InForce,
    pub(crate) parent: &'a ParentId,
    /// Whether removals go ahead however many they are.
    pub(crate) confirmed: bool,
    pub(crate) cause: &'a Cause,
}

/// Why memberships were not reconciled, or not further.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SyncError {
    /// Another replica put another policy in force later.
    #[error(
        "another replica has put another policy in force since: ask one with that policy, or put this one in force again"
    )]
    AnotherPolicy,
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// Another reconciliation of the same parent is under way.
    #[error("another sync of this parent is under way; it is over in a moment, or a minute after its end was missed")]
    UnderWay,
}

impl Task<'_> {
    fn organizations(&self) -> Vec<Arc<Organization>> {
        super::all_of(self.in_force.policy.organizations_of(self.parent))
    }
}

impl Membership {
    /// What a reconciliation would do now; nothing is written or locked.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn preview_sync(&self, task: &Task<'_>) -> Result<Report, DatabaseError> {
        let plans = self.plan(task, &task.organizations()).await?;
        let organizations: Vec<_> = plans.into_iter().map(|plan| plan.report).collect();
        let done = !organizations.iter().any(OrganizationReport::has_work);
        Ok(Report { done, organizations })
    }

    /// Reconciles, for a bounded time. Not `done` is to be asked for again.
    ///
    /// # Errors
    /// See [`SyncError`]; what was done until then is done.
    pub(crate) async fn sync(&self, task: &Task<'_>) -> Result<Report, SyncError> {
        let organizations = task.organizations();
        let mut report = Report::begin(&organizations);
        // Right after a policy came in force. Where it cannot be noted, the database does not answer here either.
        let _ = timeout(NOTED_WITHIN, task.in_force.noted()).await;
        let run = Run::begin(self, task).await?;
        let result = self.rounds(task, &run, &organizations, &mut report).await;
        run.end(&report).await?;
        result.map(|()| report)
    }

    async fn rounds(
        &self,
        task: &Task<'_>,
        run: &Run<'_>,
        organizations: &[Arc<Organization>],
        report: &mut Report,
    ) -> Result<(), SyncError> {
        let mut until = None;
        for _ in 0..MAX_ROUNDS {
            let plans = self.plan(task, organizations).await?;
            for (report, plan) in report.organizations.iter_mut().zip(&plans) {
                report.hold(&plan.report);
            }
            if !plans.iter().any(|plan| plan.report.has_work()) {
                report.done = true;
                return Ok(());
            }
            // However long it took to plan, something is done.
            let until = *until.get_or_insert_with(|| Instant::now() + BUDGET);
            let before = report.touched();
            for (report, plan) in report.organizations.iter_mut().zip(&plans) {
                run.apply(plan, report, until).await?;
            }
            // What is planned and cannot be done is planned again by whoever asks again, not for ever here.
            if Instant::now() >= until || report.touched() == before {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn plan(&self, task: &Task<'_>, organizations: &[Arc<Organization>]) -> Result<Vec<Plan>, DatabaseError> {
        let mut snapshot = self.database.read(Lane::Long).await?;
        plan(&mut *snapshot, task.parent, organizations, task.confirmed, self.now().as_secs()).await
    }

    /// Notes that this replica put the policy with this digest in force: the one by which memberships are reconciled.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn put_policy_in_force(&self, digest: &str) -> Result<(), DatabaseError> {
        let mut transaction = self.database.write(Lane::Short).await?;
        transaction.put_policy_in_force(digest, self.now().as_secs()).await?;
        transaction.commit().await.map(drop)
    }
}

impl Attempt for SyncError {
    fn conflict(&self) -> Option<&str> {
        match self {
            Self::Database(error) => error.conflict(),
            Self::AnotherPolicy | Self::UnderWay => None,
        }
    }
}
