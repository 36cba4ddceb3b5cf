//! A provider's keys (RFC 7517): the ones that can verify, and nothing else of the document.

/// The usable keys of a JWK set.
#[derive(Debug, Default)]
pub struct KeySet {}

/// The document is not a JWK set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeySetError(pub String);

impl KeySet {
    /// Reads a JWK set document.
    ///
    /// # Errors
    /// Not JSON, no `keys` array, too many keys, or none that can be used.
    pub fn parse(_document: &[u8]) -> Result<Self, KeySetError> {
        Ok(Self {})
    }
}
