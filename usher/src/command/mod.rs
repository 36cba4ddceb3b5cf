//! The subcommands, one module each.

mod check;
mod failure;
mod render;

use std::process::ExitCode;

use clap::Subcommand;

pub(crate) use failure::Failure;

/// What `usher` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check a policy file: every fault with file, line and field; warnings of lock-outs and dead mappings
    Check(check::Check),
    /// Print a gateway's configuration, complete and ready to run
    Render(render::Render),
}

impl Command {
    /// Runs it to its end.
    ///
    /// # Errors
    /// It could not do its work.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match self {
            Self::Check(check) => check.run(),
            Self::Render(render) => render.run(),
        }
    }
}
