//! End to end: what is shipped, run as it is shipped.

mod configuration;
mod feed;
mod hostile;
mod key_faults;
mod passage;
mod races;
mod restarts;
mod rulebook;
mod scenarios;
mod store_faults;
