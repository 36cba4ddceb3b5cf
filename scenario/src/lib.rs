//! Scenarios: data that says who does what and what must come of it, played on a stage: the rules alone, or a whole system.

pub mod ask;
pub mod cast;
pub mod expect;
pub mod native;
pub mod play;
pub mod policy;
pub mod read;
pub mod refusal;
pub mod rewrite;
pub mod step;
pub mod token;
pub mod yaml;

mod claims;

use std::path::PathBuf;

use serde_json::Value;

use self::refusal::Refused;
use self::step::{Beginning, Step};

pub use cast::Cast;

/// One story, with the policy it is played under.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The file it stands in.
    pub file: PathBuf,
    /// Its place among the file's scenarios, from 0.
    pub index: usize,
    /// The line it begins on, from 1.
    pub line: usize,
    /// What it shows.
    pub name: String,
    /// Why it cannot be played without Envoy, if it cannot.
    pub only_envoy: Option<String>,
    /// The policy, the runner's keys not yet filled in.
    pub policy: Value,
    /// Who is there when it begins.
    pub before: Vec<Beginning>,
    /// What happens.
    pub steps: Vec<Step>,
    /// Why its policy must be refused when it loads; then nothing happens.
    pub refused: Vec<Refused>,
}

impl Scenario {
    /// Where it stands, for people.
    pub fn title(&self) -> String {
        let file = self.file.file_stem().unwrap_or_default().to_string_lossy();
        format!("{file}: {}", self.name)
    }
}
