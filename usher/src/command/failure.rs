//! Why a subcommand could not do its work: one list, and how it is told.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use usher_store::{SecretsError, StartError, TlsError};

use crate::discover::DiscoverError;
use crate::explain::{AssumedError, ClaimsError, KnownKeysError, LogLineError};
use crate::output::{OutputError, tell};
use crate::policy_file::LoadError;
use crate::render::RenderError;
use crate::render::envoy::AdditionsError;
use crate::store_client::{StoreClientError, without_user};

/// Why a subcommand could not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// What shall be added to a bootstrap cannot be.
    #[error("--with {}", path.display())]
    Additions {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: AdditionsError,
    },
    /// What is assumed of the store cannot be.
    #[error(transparent)]
    Assumed(#[from] AssumedError),
    /// The claims cannot stand in for a token.
    #[error(transparent)]
    Claims(#[from] ClaimsError),
    /// A collector's address is none.
    #[error("--otlp-endpoint (or OTEL_EXPORTER_OTLP_ENDPOINT) {}: must be http://HOST:PORT or https://HOST:PORT, optionally with a path", without_user(.0))]
    Collector(String),
    /// The demo cannot run.
    #[error("the demo cannot run")]
    Demo(#[source] Box<dyn Error + Send + Sync>),
    /// The provider's metadata cannot be had or used.
    #[error(transparent)]
    Discover(#[from] DiscoverError),
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
    /// What is wanted is not the name of a file, and that is what was given.
    #[error("{flag} {0}: is a file; write `{flag} @{0}`", path.display())]
    FileWithoutAt {
        /// The flag.
        flag: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// Keys that were given cannot be used.
    #[error(transparent)]
    Keys(#[from] KnownKeysError),
    /// `USHER_LOG` is no log filter.
    #[error("USHER_LOG: {0}")]
    LogFilter(String),
    /// What was given is no line about a denial.
    #[error(transparent)]
    LogLine(#[from] LogLineError),
    /// A file that a flag names has no certificates.
    #[error("{flag} {}: is not a PEM bundle of certificate authorities", path.display())]
    NoBundle {
        /// The flag.
        flag: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// The output cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The policy file cannot be read or has faults.
    #[error(transparent)]
    Policy(#[from] LoadError),
    /// The policy cannot be rendered.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The system has no thread or signal to give.
    #[error("cannot start")]
    Runtime(#[source] io::Error),
    /// The secrets in the environment cannot be used.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The store did not do it.
    #[error(transparent)]
    StoreClient(#[from] StoreClientError),
    /// The store cannot start.
    #[error(transparent)]
    StoreStart(#[from] StartError),
    /// The store's certificate, key or authorities cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A file cannot be written.
    #[error("{}: cannot be written", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
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
            tell(&self.to_string());
            return;
        }
        let mut message = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let told = error.to_string();
            // Some libraries put the cause into the words of the effect.
            if !message.ends_with(&told) {
                message = format!("{message}: {told}");
            }
            cause = error.source();
        }
        tell(&format!("error: {message}"));
    }
}
