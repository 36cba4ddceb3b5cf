//! Key sets from files, for connections whose keys the filter would fetch.

use std::rc::Rc;
use std::sync::Arc;

use usher_policy::Policy;
use usher_policy::model::Connection;
use usher_policy::token::keys::{KeySet, KeySetError};
use usher_policy::token::verify::KeySource;

/// Keys by connection.
#[derive(Debug, Default)]
pub(crate) struct KnownKeys {
    sets: Vec<(Arc<Connection>, Rc<KeySet>)>,
}

/// A `--jwks` cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KnownKeysError {
    /// Several parents have a connection with this id.
    #[error("--jwks {0}: several parents have a connection with this id; write PARENT/{0}")]
    Ambiguous(String),
    /// The file is no key set.
    #[error("--jwks {connection}: not a usable key set")]
    KeySet {
        /// The connection as it was named.
        connection: String,
        /// What is wrong.
        source: KeySetError,
    },
    /// No such connection.
    #[error("--jwks {0}: the policy has no connection with this id")]
    Unknown(String),
}

impl KnownKeys {
    /// Adds a key set document for a connection, named by its id or as `PARENT/CONNECTION`.
    ///
    /// # Errors
    /// There is not exactly one such connection, or the document is no key set.
    pub(crate) fn add(&mut self, policy: &Policy, name: &str, document: &[u8]) -> Result<(), KnownKeysError> {
        let mut named = policy.parents.iter().flat_map(|parent| {
            parent.connections.iter().filter(move |connection| {
                let id = connection.id.as_str();
                id == name
                    || name.split_once('/').is_some_and(|(owner, rest)| owner == parent.id.as_str() && rest == id)
            })
        });
        let connection = named.next().ok_or_else(|| KnownKeysError::Unknown(name.to_owned()))?;
        if named.next().is_some() {
            return Err(KnownKeysError::Ambiguous(name.to_owned()));
        }
        let keys =
            KeySet::parse(document).map_err(|source| KnownKeysError::KeySet { connection: name.to_owned(), source })?;
        self.sets.push((Arc::clone(connection), Rc::new(keys)));
        Ok(())
    }
}

impl KeySource for KnownKeys {
    fn keys(&self, connection: &Connection) -> Option<Rc<KeySet>> {
        // By identity: two parents may each have a connection `okta`.
        self.sets.iter().find(|(known, _)| std::ptr::eq(&**known, connection)).map(|(_, keys)| Rc::clone(keys))
    }
}
