//! The policy that decides now, with the secrets it names; another can take its place while requests go on.

use std::sync::Arc;

use tokio::sync::watch;
use usher_policy::Policy;

use crate::metrics::Metrics;
use crate::secrets::Secrets;

/// A policy and the secrets that it names: what one request goes by from beginning to end.
#[derive(Debug)]
pub(crate) struct InForce {
    pub(crate) policy: Arc<Policy>,
    pub(crate) secrets: Secrets,
}

/// The policy in force. Clones are the same one.
#[derive(Clone)]
pub struct PolicyInForce {
    current: Arc<watch::Sender<Arc<InForce>>>,
    metrics: Arc<Metrics>,
}

impl PolicyInForce {
    /// This policy, until it is replaced.
    pub(crate) fn new(policy: Arc<Policy>, secrets: Secrets, metrics: Arc<Metrics>) -> Self {
        let current = watch::Sender::new(Arc::new(InForce { policy, secrets }));
        Self { current: Arc::new(current), metrics }
    }

    /// What decides now. A request asks once, so that it is not decided by two policies.
    pub(crate) fn now(&self) -> Arc<InForce> {
        Arc::clone(&self.current.borrow())
    }

    /// Puts another policy in force for every request that begins after this.
    pub fn replace(&self, policy: Arc<Policy>, secrets: Secrets) {
        let organizations = policy.organizations.len();
        self.current.send_replace(Arc::new(InForce { policy, secrets }));
        self.metrics.policy_load("replaced");
        tracing::info!(organizations, "another policy is in force");
    }

    /// A policy could not be put in force: the one before stays. `why` goes to the log.
    pub fn refuse(&self, why: &dyn std::fmt::Display) {
        self.metrics.policy_load("refused");
        tracing::error!(%why, "the policy in force stays: the new one cannot be used");
    }
}
