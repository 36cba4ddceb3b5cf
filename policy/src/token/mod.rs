//! From a credential's bytes to what its issuer vouches for; claims can be read only after verification.

pub mod base64url;
pub mod claimant;
mod claims;
mod der;
mod groups;
pub mod keys;
pub mod parse;
mod roca;
pub mod signature;
#[cfg(test)]
mod tests;
pub mod verify;

pub use claimant::Claimant;
pub use keys::{Key, KeySet, KeySetError};
pub use parse::{Assertion, Stated};
pub use signature::{JwtSimple, SignatureVerifier};
pub use verify::{KeySource, VerifiedAssertion, VerifyError, recall, verify};
