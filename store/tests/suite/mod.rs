//! The store as its callers meet it: a real server over HTTP, on a real database; `sqlite.rs` and `postgres.rs` run it all.

mod audit;
mod auth;
mod by_hand;
mod changes;
mod concurrency;
mod counts;
pub(crate) mod database;
mod durability;
mod errors;
pub(crate) mod harness;
mod injection;
mod listing;
mod logins;
mod openapi;
mod operations;
mod races;
mod reply;
pub(crate) mod scim;
pub(crate) mod server;
mod start;
mod sync;
mod tickets;
