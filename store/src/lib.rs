//! The membership store: members, seats, logins and their changes over HTTP, on SQLite or PostgreSQL.

mod audit;
mod clock;
mod database;
mod feed;
mod http;
mod in_force;
mod membership;
mod metrics;
mod places;
mod scim;
mod secrets;
mod server;
mod tls;
mod token_use;
mod trace;

pub use clock::{Clock, SystemClock};
pub use database::OpenError;
pub use in_force::{PolicyInForce, digest};
pub use secrets::{ADMIN_TOKEN_ENV, MIN_SECRET_LEN, PREVIOUS_SUFFIX, Secrets, SecretsError};
pub use server::{Config, Server, StartError};
pub use tls::{Tls, TlsError};
pub use trace::TRACE_TARGET;
