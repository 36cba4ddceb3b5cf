//! End to end: what is shipped, run as it is shipped.

mod attack;
mod configuration;
mod edge_faults;
mod examples;
mod feed;
mod gateways;
mod guide;
mod hostile;
mod hostile_framing;
mod hostile_requests;
mod hostile_tokens;
mod incident;
mod key_faults;
mod oauth2;
mod observability;
mod passage;
mod races;
mod restarts;
mod rulebook;
mod scenarios;
mod secrets;
mod security_page;
mod soak;
mod store_faults;
mod store_tls;
mod watched;
