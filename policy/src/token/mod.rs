//! From a credential's bytes to what its issuer vouches for; claims can be read only after verification.

pub mod claimant;
pub mod keys;
pub mod parse;
pub mod signature;
pub mod verify;

pub use claimant::Claimant;
pub use parse::Assertion;
pub use verify::{VerifiedAssertion, VerifyError, verify};
