//! The one place where a signature is checked: by the host where it can, else by jwt-simple.

use super::keys::KeySet;
use crate::model::Algorithm;

/// Something that can check signatures; all of them must agree on what they support.
pub trait SignatureVerifier {
    /// Whether `signature` over `message` was made with `key`.
    fn verify(&self, algorithm: Algorithm, key: &KeySet, message: &[u8], signature: &[u8]) -> bool;
}
