//! The policy that decides now, with the secrets it names; another can take its place while requests go on.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use usher_policy::Policy;

use crate::metrics::Metrics;
use crate::secrets::Secrets;

/// A policy and the secrets that it names: what one request goes by from beginning to end.
#[derive(Debug)]
pub(crate) struct InForce {
    pub(crate) policy: Arc<Policy>,
    /// What tells this policy from others: see [`digest`].
    pub(crate) digest: String,
    pub(crate) secrets: Secrets,
    /// Whether the database knows that this policy is in force.
    noted: watch::Sender<bool>,
}

impl InForce {
    fn new(policy: Arc<Policy>, digest: String, secrets: Secrets) -> Self {
        Self { policy, digest, secrets, noted: watch::Sender::new(false) }
    }

    /// The database knows now.
    pub(crate) fn is_noted(&self) {
        self.noted.send_replace(true);
    }

    /// Waits until the database knows.
    pub(crate) async fn noted(&self) {
        // It cannot fail: the sender is here.
        let _ = self.noted.subscribe().wait_for(|noted| *noted).await;
    }
}

/// The SHA-256 of a policy's text, in hexadecimal: what tells one version from another.
pub fn digest(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The policy in force. Clones are the same one.
#[derive(Clone)]
pub struct PolicyInForce {
    current: Arc<watch::Sender<Arc<InForce>>>,
    /// Why the newest policy that could not be put in force could not.
    refused: Arc<watch::Sender<String>>,
    metrics: Arc<Metrics>,
}

impl PolicyInForce {
    /// This policy, until it is replaced.
    pub(crate) fn new(policy: Arc<Policy>, digest: String, secrets: Secrets, metrics: Arc<Metrics>) -> Self {
        let current = watch::Sender::new(Arc::new(InForce::new(policy, digest, secrets)));
        Self { current: Arc::new(current), refused: Arc::default(), metrics }
    }

    /// What decides now. A request asks once, so that it is not decided by two policies.
    pub(crate) fn now(&self) -> Arc<InForce> {
        Arc::clone(&self.current.borrow())
    }

    /// Tells of the policy in force now, and of each that replaces it.
    pub(crate) fn follow(&self) -> watch::Receiver<Arc<InForce>> {
        self.current.subscribe()
    }

    /// Tells of policies that could not be put in force: why the newest could not.
    pub(crate) fn follow_refusals(&self) -> watch::Receiver<String> {
        self.refused.subscribe()
    }

    /// Puts another policy in force for every request that begins after this.
    pub fn replace(&self, policy: Arc<Policy>, digest: String, secrets: Secrets) {
        let (organizations, told) = (policy.organizations.len(), digest.clone());
        self.current.send_replace(Arc::new(InForce::new(policy, digest, secrets)));
        self.metrics.policy_load("replaced");
        tracing::info!(organizations, digest = told, "another policy is in force");
    }

    /// A policy could not be put in force: the one before stays. `why` goes to the log and to the audit.
    pub fn refuse(&self, why: &dyn std::fmt::Display) {
        self.refused.send_replace(why.to_string());
        self.metrics.policy_load("refused");
        tracing::error!(%why, "the policy in force stays: the new one cannot be used");
    }
}
