//! The two stages of every scenario: the rules alone, and the whole system.

pub mod envoy;
pub mod native;

mod denial;
mod world;

pub use denial::denied;
