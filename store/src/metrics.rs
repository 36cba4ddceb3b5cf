//! What is counted and measured, for Prometheus; each server has its own, nothing is global.

use std::time::Duration;

use metrics::{counter, gauge, histogram, with_local_recorder};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use metrics_util::MetricKindMask;
use usher_policy::id::OrganizationId;
use usher_policy::rules::effects::Note;
use usher_policy::wire::Answer;

use crate::membership::SeatsInUse;

/// How often [`Metrics::upkeep`] wants to be called.
pub(crate) const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// How long a gauge that nobody sets is shown: long enough for its last value to outlast a database that is away; that of an
/// organization that is in no policy any more goes.
const GAUGE_KEPT: Duration = Duration::from_secs(60 * 60);

/// Upper bounds of the latency buckets, in seconds; 0.5 is the filter's default timeout.
const LATENCY_BUCKETS: &[f64] = &[0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

/// The store's metrics.
pub(crate) struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

impl Metrics {
    /// Metrics that all begin at zero.
    ///
    /// # Errors
    /// When the buckets are refused.
    pub(crate) fn new() -> Result<Self, BuildError> {
        Self::with_gauges_kept(GAUGE_KEPT)
    }

    fn with_gauges_kept(gauge_kept: Duration) -> Result<Self, BuildError> {
        let recorder = PrometheusBuilder::new()
            .set_buckets(LATENCY_BUCKETS)?
            .idle_timeout(MetricKindMask::GAUGE, Some(gauge_kept))
            .build_recorder();
        let handle = recorder.handle();
        let metrics = Self { recorder, handle };
        metrics.begin();
        Ok(metrics)
    }

    /// What alerts ask for is there from the start: of a counter that begins with its first event, nobody sees it rise.
    fn begin(&self) {
        self.record(|| {
            counter!("usher_store_panics_total").increment(0);
            counter!("usher_store_database_failures_total").increment(0);
            counter!("usher_store_clock_leaps_total").increment(0);
            for result in ["replaced", "refused"] {
                counter!("usher_store_policy_loads_total", "result" => result).increment(0);
            }
        });
    }

    /// The same for what is counted by organization.
    pub(crate) fn begin_organization(&self, organization: &OrganizationId) {
        self.record(|| {
            for name in ["usher_store_policy_mismatches_total", "usher_store_removals_held_total"] {
                counter!(name, "organization" => organization.to_string()).increment(0);
            }
        });
    }

    /// A login was answered; a preview writes nothing.
    pub(crate) fn login(&self, organization: &OrganizationId, answer: Answer, preview: bool) {
        self.record(|| {
            let (answer, preview) = (answer_name(answer), if preview { "true" } else { "false" });
            counter!("usher_store_logins_total", "organization" => organization.to_string(), "answer" => answer,
                "preview" => preview)
            .increment(1);
        });
    }

    /// A login was refused: the filter's policy is not the store's.
    pub(crate) fn policy_mismatch(&self, organization: &OrganizationId) {
        self.record(|| {
            counter!("usher_store_policy_mismatches_total", "organization" => organization.to_string()).increment(1);
        });
    }

    /// A policy was `replaced` by another, or the other was `refused`.
    pub(crate) fn policy_load(&self, result: &'static str) {
        self.record(|| counter!("usher_store_policy_loads_total", "result" => result).increment(1));
    }

    /// The clock was found to have leapt ahead.
    pub(crate) fn clock_leap(&self) {
        self.record(|| counter!("usher_store_clock_leaps_total").increment(1));
    }

    /// Removals that the directory wants wait for an operator's word.
    pub(crate) fn removals_held(&self, organization: &OrganizationId, removals: u64) {
        self.record(|| {
            counter!("usher_store_removals_held_total", "organization" => organization.to_string()).increment(removals);
        });
    }

    /// A member was removed by a `login`, by `hand` or by the `directory`.
    pub(crate) fn removal(&self, organization: &OrganizationId, by: &'static str) {
        self.record(|| {
            counter!("usher_store_removals_total", "organization" => organization.to_string(), "by" => by).increment(1);
        });
    }

    /// A decision had something to note.
    pub(crate) fn note(&self, organization: &OrganizationId, note: Note) {
        self.record(|| {
            counter!("usher_store_notes_total", "organization" => organization.to_string(), "note" => note.name())
                .increment(1);
        });
    }

    /// A request was answered. `route` is a template, never a path: labels stay few.
    pub(crate) fn request(&self, route: String, status: u16, took: Duration) {
        self.record(|| {
            histogram!("usher_store_request_duration_seconds", "route" => route, "status" => status.to_string())
                .record(took.as_secs_f64());
        });
    }

    /// A handler panicked: a bug.
    pub(crate) fn panic(&self) {
        self.record(|| counter!("usher_store_panics_total").increment(1));
    }

    /// So many transactions were put on disk by one commit.
    pub(crate) fn commit(&self, transactions: usize) {
        self.record(|| {
            counter!("usher_store_commits_total").increment(1);
            counter!("usher_store_transactions_total").increment(u64::try_from(transactions).unwrap_or(u64::MAX));
        });
    }

    /// Others changed the same at the same time: a transaction begins again.
    pub(crate) fn conflict(&self) {
        self.record(|| counter!("usher_store_conflicts_total").increment(1));
    }

    /// So many polls of the change feed wait.
    pub(crate) fn polls_waiting(&self, polls: usize) {
        self.record(|| gauge!("usher_store_polls_waiting").set(u32::try_from(polls).map_or(f64::MAX, f64::from)));
    }

    /// The database did not do its part.
    pub(crate) fn database_failure(&self) {
        self.record(|| counter!("usher_store_database_failures_total").increment(1));
    }

    /// How an organization's seats are used now. A tier without a limit has no cap to show.
    pub(crate) fn seats(&self, organization: &OrganizationId, seats: &SeatsInUse) {
        self.record(|| {
            for seat in &seats.tiers {
                let labels = [("organization", organization.to_string()), ("seat_tier", seat.tier.to_string())];
                gauge!("usher_store_seats_used", &labels).set(f64::from(seat.used));
                if let Some(cap) = seat.cap {
                    gauge!("usher_store_seats_cap", &labels).set(f64::from(cap));
                }
            }
            gauge!("usher_store_members_pending", "organization" => organization.to_string())
                .set(f64::from(seats.pending));
        });
    }

    /// Everything in the Prometheus text format.
    pub(crate) fn render(&self) -> String {
        self.handle.render()
    }

    /// Folds what was measured into its buckets, so that memory stays bounded when nobody asks.
    pub(crate) fn upkeep(&self) {
        self.handle.run_upkeep();
    }

    fn record(&self, record: impl FnOnce()) {
        with_local_recorder(&self.recorder, record);
    }
}

fn answer_name(answer: Answer) -> &'static str {
    match answer {
        Answer::Absent => "absent",
        Answer::Conflict => "conflict",
        Answer::Kept => "kept",
        Answer::Member => "member",
        Answer::Pending => "pending",
        Answer::Removed => "removed",
        Answer::Replayed => "replayed",
        Answer::Revoked => "revoked",
        Answer::Suspended => "suspended",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gauges_of_an_organization_that_has_gone_go_too() {
        let kept = Duration::from_secs(1);
        let metrics = Metrics::with_gauges_kept(kept).unwrap();
        let (stays, goes) = (OrganizationId::new("stays"), OrganizationId::new("goes"));
        let seats = SeatsInUse { tiers: Vec::new(), pending: 1 };
        let shown = |organization: &str| {
            metrics.render().contains(&format!("usher_store_members_pending{{organization=\"{organization}\"}} 1"))
        };
        metrics.removals_held(&goes, 1);
        for organization in [&stays, &goes] {
            metrics.seats(organization, &seats);
        }
        assert!(shown("stays") && shown("goes"));
        std::thread::sleep(2 * kept);
        metrics.seats(&stays, &seats);
        assert!(shown("stays") && !shown("goes"));
        assert!(metrics.render().contains("removals_held_total{organization=\"goes\"} 1"), "a counter stays");
        metrics.seats(&goes, &seats);
        assert!(shown("goes"), "it is in the policy again");
    }
}
