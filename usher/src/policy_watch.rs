//! A policy file that may change while the store runs: read again on SIGHUP and when the file is another.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::Signal;
use tokio::time::{MissedTickBehavior, interval};
use usher_store::{PolicyInForce, Secrets};

use crate::policy_file::PolicyFile;

/// How often the file is looked at. A mounted volume changes by a link that is swapped, which no watch on a file sees.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A policy file, and how it was when it was last read.
#[derive(Debug)]
pub(crate) struct PolicyWatch {
    path: PathBuf,
    seen: Version,
}

impl PolicyWatch {
    /// Call it before the file is first read, so that no change is missed.
    pub(crate) fn begin(path: &Path) -> Self {
        Self { path: path.to_owned(), seen: Version::of(path) }
    }

    /// Puts each new policy of the file in force; a broken one leaves the old in force and is logged. Never ends.
    pub(crate) async fn follow(mut self, in_force: PolicyInForce, mut hangup: Signal) {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let is_told = tokio::select! {
                _ = hangup.recv() => true,
                _ = looks.tick() => false,
            };
            let now = Version::of(&self.path);
            if now == self.seen && !is_told {
                continue;
            }
            self.seen = now;
            let path = self.path.clone();
            // A large policy takes seconds to parse: requests go on meanwhile.
            match tokio::task::spawn_blocking(move || read(&path)).await {
                Ok(Ok((policy, digest, secrets))) => in_force.replace(Arc::new(policy), digest, secrets),
                Ok(Err(why)) => in_force.refuse(&why),
                Err(error) => in_force.refuse(&error),
            }
        }
    }
}

/// As far as a look at the file tells; `None` while there is none.
#[derive(Debug, PartialEq, Eq)]
struct Version(Option<(u64, u64, u64, i64, i64)>);

impl Version {
    fn of(path: &Path) -> Self {
        let known = std::fs::metadata(path).ok();
        Self(known.map(|file| (file.dev(), file.ino(), file.size(), file.mtime(), file.mtime_nsec())))
    }
}

fn read(path: &Path) -> Result<(usher_policy::Policy, String, Secrets), String> {
    let file = PolicyFile::load(path).map_err(|error| error.to_string())?;
    let (digest, policy) = (file.digest(), file.policy);
    let secrets = Secrets::from_env(&policy, |name| std::env::var(name).ok()).map_err(|error| error.to_string())?;
    Ok((policy, digest, secrets))
}
