//! The store as its callers meet it: a real server over HTTP, on real SQLite files.

#[cfg(test)]
mod auth;
#[cfg(test)]
mod by_hand;
#[cfg(test)]
mod concurrency;
#[cfg(test)]
mod durability;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod listing;
#[cfg(test)]
mod logins;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod start;
