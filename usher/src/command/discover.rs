//! `usher discover`: a connection for an OpenID provider, from its discovery document.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::Failure;
use crate::discover::{self, Trust, Wish};
use crate::output::print;

/// The longest file of authorities that is read, in bytes.
const MAX_AUTHORITIES: usize = 4 * 1024 * 1024;

/// The arguments of `usher discover`.
#[derive(Debug, Args)]
pub(crate) struct Discover {
    /// The provider, exactly as in the `iss` of its tokens
    #[arg(value_name = "ISSUER")]
    issuer: String,
    /// The connection's id; default: derived from the issuer's host
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// The Envoy cluster through which the filter fetches the keys; default: derived from the issuer's host
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// An audience (`aud`) of the application; may be repeated
    #[arg(long, value_name = "AUD")]
    audience: Vec<String>,
    /// Certificate authorities to trust instead of the public ones, PEM
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Allow plain http to other machines
    #[arg(long)]
    insecure: bool,
    /// How long to wait for each answer, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=300))]
    timeout: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Discover {
    /// Prints a stanza to paste under a parent's `connections`.
    ///
    /// # Errors
    /// The provider's metadata or keys cannot be had or used.
    pub(crate) fn run(&self) -> Result<ExitCode, Failure> {
        let trust = match &self.ca {
            Some(path) => {
                let pem =
                    super::read_bounded(path, MAX_AUTHORITIES).map_err(|source| Failure::file("--ca", path, source))?;
                Trust::pem(&pem)?
            }
            None => Trust::Public,
        };
        let wish = Wish {
            issuer: &self.issuer,
            id: self.id.as_deref(),
            cluster: self.cluster.as_deref(),
            audiences: &self.audience,
            insecure: self.insecure,
            timeout: Duration::from_secs(self.timeout),
        };
        let connection = discover::discover(&wish, trust)?;
        let text = if self.json { format!("{:#}\n", discover::json(&connection)) } else { discover::yaml(&connection) };
        print(&text)?;
        Ok(ExitCode::SUCCESS)
    }
}
