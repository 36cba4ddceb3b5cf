//! The whole system as a stage for scenarios.

pub mod envoy;

mod denial;

pub use denial::{denied, said};
