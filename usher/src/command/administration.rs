//! What the commands that administer a store share: where it is, the token, and the form of answers.

use clap::Args;

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
