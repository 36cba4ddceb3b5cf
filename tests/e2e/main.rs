//! End to end: what is shipped, run as it is shipped.

mod attack;
mod configuration;
mod credentials;
mod crowds;
mod drains;
mod edge_faults;
mod examples;
mod feed;
mod gateways;
mod guide;
mod hostile;
mod hostile_bytes;
mod hostile_credentials;
mod hostile_framing;
mod hostile_keys;
mod hostile_requests;
mod hostile_tokens;
mod incident;
mod key_faults;
#[cfg(test)]
mod kubernetes;
#[cfg(test)]
mod kubernetes_run;
mod oauth2;
mod observability;
mod operations;
mod passage;
mod races;
mod reloads;
mod restarts;
mod rulebook;
mod scenarios;
#[cfg(test)]
mod schemas;
mod secrets;
mod security_page;
#[cfg(test)]
#[expect(dead_code, reason = "the one server for all is for the store's tests")]
#[path = "../../store/tests/suite/server.rs"]
mod server;
mod sessions;
mod soak;
mod store_faults;
mod store_tls;
mod streams;
mod traces;
mod watched;
