//! The rules of usher: facts go in, a plan or a verdict comes out; no I/O, no clock, no host.

pub mod id;
pub mod json;
pub mod member;
pub mod model;
pub mod reason;
pub mod rules;
pub mod scan;
pub mod token;
pub mod wire;

pub use model::Policy;
pub use reason::{Language, Reason};
