//! What an assertion may and may not look like, by reason and by attack.

mod claimants;
mod hostile;
mod key_sets;
mod malformed;
mod precedence;
mod properties;
mod signatures;
mod signing;
mod verification;
mod world;
