//! Scenarios: data that says who does what and what must come of it, played on a stage: the rules alone, or a whole system.

pub mod ask;
pub mod native;
pub mod play;
pub mod policy;
pub mod read;
pub mod step;
pub mod token;

use std::path::PathBuf;

use serde_json::Value;

use self::step::Step;

/// One story, with the policy it is played under; it begins without any member.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The file it stands in.
    pub file: PathBuf,
    /// What it shows.
    pub name: String,
    /// Why it cannot be played without Envoy, if it cannot.
    pub only_envoy: Option<String>,
    /// The policy, its keys not yet filled in.
    pub policy: Value,
    /// What happens.
    pub steps: Vec<Step>,
}

impl Scenario {
    /// Where it stands, for people.
    pub fn title(&self) -> String {
        let file = self.file.file_stem().unwrap_or_default().to_string_lossy();
        format!("{file}: {}", self.name)
    }
}
