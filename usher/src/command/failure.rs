//! Why a subcommand could not do its work: one list, and how it is told.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use crate::policy_file::LoadError;
use crate::render::envoy::RenderError;

/// Why a subcommand could not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A file that a flag names cannot be read.
    #[error("{flag} {}: cannot be read", path.display())]
    File {
        /// The flag.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The output cannot be written.
    #[error("the output could not be written")]
    Output(#[source] io::Error),
    /// The policy file cannot be read or has faults.
    #[error(transparent)]
    Policy(#[from] LoadError),
    /// The policy cannot be rendered.
    #[error(transparent)]
    Render(#[from] RenderError),
}

impl Failure {
    /// A file that a flag names cannot be read.
    pub(super) fn file(flag: &'static str, path: &Path, source: io::Error) -> Self {
        Self::File { flag, path: path.to_owned(), source }
    }

    /// Tells it on stderr, with what caused it.
    pub(crate) fn report(&self) {
        if let Self::Policy(LoadError::Faulty { .. }) = self {
            // Lines that begin with the file's name, as editors understand them.
            eprintln!("{self}");
            return;
        }
        let mut message = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            message = format!("{message}: {error}");
            cause = error.source();
        }
        eprintln!("error: {message}");
    }
}
