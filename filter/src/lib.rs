//! The proxy-wasm filter: host calls at the rim (`host`), a pure flow inside (`flow`), a worker that joins the two.

mod census;
mod clock;
mod config;
mod credential;
mod feed;
mod flow;
mod glance;
mod header_map;
mod headers;
mod host;
mod json_object;
mod keys;
mod log_line;
mod metrics;
#[cfg(feature = "trap")]
mod probe;
mod raw;
mod reply;
mod session;
mod signature;
mod store_call;
mod tags;
mod trace_context;
mod vm;
mod worker;
