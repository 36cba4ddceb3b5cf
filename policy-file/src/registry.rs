//! What may stand only once in the whole file, and where it stood first.

use std::collections::HashMap;
use std::hash::Hash;

use usher_policy::model::HostPattern;

use super::field_path::{FieldPath, quoted};
use super::names;
use super::reader::{Node, Recorded};
use super::trust::Trusts;

/// The file's names so far.
#[derive(Default)]
pub(super) struct Registry<'d> {
    /// Parents by id.
    pub(super) parents: Once<'d, String>,
    /// Organizations by id: the store addresses them without their parent.
    pub(super) organizations: Once<'d, String>,
    /// Mail domains.
    pub(super) domains: Once<'d, String>,
    /// Hosts with their path prefix.
    pub(super) routes: Once<'d, (HostPattern, Option<String>)>,
    /// Environment variables with a secret: a token of one kind opens nothing of another (design §6).
    pub(super) secrets: Once<'d, String>,
    /// Issuers with their audience.
    pub(super) trusts: Trusts<'d>,
}

impl<'d> Registry<'d> {
    /// Reads `token_env` and refuses a variable that something else has.
    pub(super) fn secret(&mut self, node: &Node<'d>) -> Result<String, Recorded> {
        let name = names::env(node)?;
        if name == ADMIN_TOKEN {
            return Err(node.fault(format!("`{ADMIN_TOKEN}` is the administrator's. Write another variable")));
        }
        self.secrets.enter(name.clone(), node.path()).map_err(|earlier| {
            node.fault(format!("`{name}` is already the secret of `{earlier}`. Write a variable of its own"))
        })?;
        Ok(name)
    }
}

/// The environment variable with the administrator's token (design §6).
const ADMIN_TOKEN: &str = "USHER_ADMIN_TOKEN";

/// Keys of one kind and where they stood first.
pub(super) struct Once<'d, K>(HashMap<K, FieldPath<'d>>);

impl<K> Default for Once<'_, K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<'d, K: Hash + Eq> Once<'d, K> {
    /// Enters a key.
    ///
    /// # Errors
    /// Where it stood before.
    pub(super) fn enter(&mut self, key: K, path: &FieldPath<'d>) -> Result<(), FieldPath<'d>> {
        if let Some(earlier) = self.0.get(&key) {
            return Err(earlier.clone());
        }
        self.0.insert(key, path.clone());
        Ok(())
    }
}

impl<'d> Once<'d, String> {
    /// Whether a name was entered.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Reads an id and refuses one that is taken.
    pub(super) fn id(&mut self, node: &Node<'d>) -> Result<String, Recorded> {
        let id = names::id(node)?;
        self.enter(id.to_owned(), node.path())
            .map_err(|earlier| node.fault(format!("{} is already the id at `{earlier}`. Write another", quoted(id))))?;
        Ok(id.to_owned())
    }
}
