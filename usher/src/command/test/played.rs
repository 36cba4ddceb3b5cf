//! What came of each file and each of its scenarios.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use usher_scenario::Scenario;
use usher_scenario::native;
use usher_scenario::play::Failed;
use usher_scenario::read::{self, Faulty};

/// A scenario file that was read and, where it has no fault, played.
#[derive(Debug)]
pub(super) struct PlayedFile {
    /// Where it stands.
    pub(super) path: PathBuf,
    /// Its text, as it was read.
    pub(super) text: String,
    /// Its scenarios, or its faults.
    pub(super) outcome: Result<Vec<Played>, Faulty>,
}

/// A scenario that was played, or not.
#[derive(Debug)]
pub(super) struct Played {
    /// The scenario.
    pub(super) scenario: Scenario,
    /// What came of it.
    pub(super) result: Outcome,
    /// How long it took.
    pub(super) took: Duration,
}

/// What came of a scenario.
#[derive(Debug)]
pub(super) enum Outcome {
    /// All is as it was written.
    Passed,
    /// Some steps are not.
    Failed(Vec<Failed>),
    /// It could not be played to its end.
    Broken(String),
    /// It needs Envoy, and says why.
    NotRun(String),
}

impl PlayedFile {
    /// Reads and plays a file; `policy` is for files that name no base.
    pub(super) fn play(path: &Path, policy: Option<&Path>) -> Self {
        let text = read::text(path);
        let scenarios = match &text {
            Ok(text) => read::scenarios(path, text, policy),
            Err(faulty) => Err(faulty.clone()),
        };
        let outcome = scenarios.map(|scenarios| scenarios.into_iter().map(Played::play).collect());
        Self { path: path.to_owned(), text: text.unwrap_or_default(), outcome }
    }
}

impl Played {
    fn play(scenario: Scenario) -> Self {
        let begun = Instant::now();
        let result = match &scenario.only_envoy {
            Some(why) => Outcome::NotRun(why.clone()),
            None => result(&scenario),
        };
        Self { scenario, result, took: begun.elapsed() }
    }
}

fn result(scenario: &Scenario) -> Outcome {
    match native::perform(scenario) {
        Ok(failed) if failed.is_empty() => Outcome::Passed,
        Ok(failed) => Outcome::Failed(failed),
        Err(error) => Outcome::Broken(format!("{error:#}")),
    }
}

/// How many scenarios passed, failed, and so on.
#[derive(Debug, Default)]
pub(super) struct Tally {
    passed: usize,
    /// Scenarios that do not hold.
    pub(super) failed: usize,
    not_run: usize,
    rewritten: usize,
    /// Files with faults.
    pub(super) faulty: usize,
}

impl Tally {
    /// Counts a file.
    pub(super) fn add(&mut self, file: &PlayedFile) {
        let Ok(played) = &file.outcome else {
            self.faulty += 1;
            return;
        };
        for one in played {
            match one.result {
                Outcome::Passed => self.passed += 1,
                Outcome::Failed(_) | Outcome::Broken(_) => self.failed += 1,
                Outcome::NotRun(_) => self.not_run += 1,
            }
        }
    }

    /// So many that failed hold now.
    pub(super) fn rewrite(&mut self, rewritten: usize) {
        self.rewritten += rewritten;
        self.failed = self.failed.saturating_sub(rewritten);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        let rest = [(self.rewritten, "rewritten"), (self.not_run, "not run here"), (self.faulty, "files are bad")];
        for (count, what) in rest.into_iter().filter(|(count, _)| *count > 0) {
            let what = if (count, what) == (1, "files are bad") { "file is bad" } else { what };
            write!(f, ", {count} {what}")?;
        }
        Ok(())
    }
}
