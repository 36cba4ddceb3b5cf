//! `usher ready`: whether a store is ready, for what runs a command as a health check.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use ureq::http::StatusCode;
use ureq::tls::TlsConfig;

use super::Failure;
use super::administration::Place;
use crate::output::print;
use crate::store_client::{StoreClientError, address, agent};

/// Longest wait for an answer: who asks has little patience.
const READY_TIMEOUT: Duration = Duration::from_secs(3);

/// The arguments of `usher ready`.
#[derive(Debug, Args)]
pub(crate) struct Ready {
    #[command(flatten)]
    place: Place,
}

impl Ready {
    /// Asks once, and prints the answer.
    ///
    /// # Errors
    /// Nothing answers within 3 s, or it is no store.
    pub(crate) fn run(&self) -> Result<ExitCode, Failure> {
        let is_ready = is_ready(&self.place.store, self.place.tls()?)?;
        print(if is_ready { "ready\n" } else { "not ready\n" })?;
        Ok(if is_ready { ExitCode::SUCCESS } else { ExitCode::from(3) })
    }
}

/// Whether a store is ready; no token is needed for it, and none is sent.
///
/// # Errors
/// Nothing answers, or it is no store.
fn is_ready(base: &str, tls: TlsConfig) -> Result<bool, StoreClientError> {
    let base = address(base)?;
    let url = format!("{base}/readyz");
    let asked = agent(tls).get(&url).config().timeout_global(Some(READY_TIMEOUT)).build().call();
    match asked.map(|answer| answer.status()) {
        Ok(StatusCode::OK) => Ok(true),
        Ok(StatusCode::SERVICE_UNAVAILABLE) => Ok(false),
        Ok(status) => Err(StoreClientError::Answer { url, status: status.as_u16() }),
        Err(source) => Err(StoreClientError::unreachable(&base, source)),
    }
}
