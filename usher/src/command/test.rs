//! `usher test`: a team's own scenarios, played by the rules alone; no network, no store, no environment.

mod find;
mod junit;
mod overwrite;
mod played;
mod report;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use self::played::{PlayedFile, Tally};
use super::Failure;
use crate::counted::counted;
use crate::output::{print, tell};
use crate::policy_file::PolicyFile;

/// Something failed.
const FAILED: u8 = 1;
/// A file is bad, or there is nothing to play.
const BAD: u8 = 2;

/// The arguments of `usher test`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 every scenario holds, 1 some do not, 2 a file is bad (nothing of it is played) or there is none.
A folder named `policies` and a file named usher.yaml hold policies, not scenarios. docs/scenarios.md describes the format.")]
pub(crate) struct Test {
    /// A folder with scenario files (*.yaml, *.yml), searched recursively; or one file
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The policy for files that name no `base`; default: usher.yaml in DIR, or in the folder above it
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Write the results as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Replace expectations that do not hold with what was seen; all other text stays as it is
    #[arg(long = "override")]
    rewrite: bool,
}

impl Test {
    /// Plays every scenario and tells what failed.
    ///
    /// # Errors
    /// The output cannot be written.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let bad = |message: &str| {
            tell(&report::printable(message));
            Ok(ExitCode::from(BAD))
        };
        if let Some(Err(error)) = self.policy.as_deref().map(PolicyFile::load) {
            return bad(&error.to_string());
        }
        let files = match find::scenario_files(&self.folder) {
            Ok(files) => files,
            Err(message) => return bad(&message),
        };
        let policy = self.policy.clone().or_else(|| find::policy_of(&self.folder));
        let mut tally = Tally::default();
        let mut all = Vec::new();
        for path in files {
            let file = PlayedFile::play(&path, policy.as_deref());
            self.tell(&file)?;
            tally.add(&file);
            if self.rewrite {
                self.overwrite(&file, policy.as_deref(), &mut tally)?;
            }
            all.push(file);
        }
        if let Some(path) = &self.junit
            && let Err(error) = std::fs::write(path, junit::report(&all))
        {
            return bad(&format!("error: {}: cannot be written: {error}", path.display()));
        }
        print(&format!("{tally}\n"))?;
        Ok(ExitCode::from(match () {
            () if tally.faulty > 0 => BAD,
            () if tally.failed > 0 => FAILED,
            () => 0,
        }))
    }

    fn tell(&self, file: &PlayedFile) -> Result<(), Failure> {
        match &file.outcome {
            Ok(played) => {
                for one in played {
                    print(&report::printable(&report::lines(one)))?;
                }
            }
            Err(faulty) => tell(&report::printable(&faulty.to_string())),
        }
        Ok(())
    }

    fn overwrite(&self, file: &PlayedFile, policy: Option<&Path>, tally: &mut Tally) -> Result<(), Failure> {
        match overwrite::overwrite(file, policy) {
            Ok(0) => {}
            Ok(rewritten) => {
                tally.rewrite(rewritten);
                let scenarios = counted(rewritten, "scenario");
                print(&report::printable(&format!("rewritten  {}: {scenarios}\n", file.path.display())))?;
            }
            Err(message) => tell(&report::printable(&format!("{}: not rewritten: {message}", file.path.display()))),
        }
        Ok(())
    }
}
