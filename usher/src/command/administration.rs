//! What the commands that administer a store share: where it is, the token, and how answers are shown.

use std::io::{self, Write as _};

use clap::Args;

use super::Failure;
use crate::store_client::{StoreClient, StoreClientError, TOKEN_ENV};

/// Which store, and in which form answers are shown. The token comes from the environment alone.
#[derive(Debug, Args)]
pub(super) struct Administration {
    /// The store; the administration token is read from the environment variable USHER_ADMIN_TOKEN
    #[arg(long, value_name = "URL", env = "USHER_STORE_URL", default_value = "http://127.0.0.1:7070")]
    store: String,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

impl Administration {
    pub(super) fn client(&self) -> Result<StoreClient, StoreClientError> {
        StoreClient::new(&self.store, std::env::var(TOKEN_ENV).ok().as_deref())
    }
}

pub(super) fn print(text: &str) -> Result<(), Failure> {
    io::stdout().write_all(text.as_bytes()).map_err(Failure::Output)
}
