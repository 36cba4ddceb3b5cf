//! What may stand only once in the whole file, and where it stood first.

use std::collections::HashMap;

use usher_policy::model::HostPattern;

use super::field_path::{FieldPath, quoted};
use super::names;
use super::reader::{Node, Recorded};
use super::trust::Trusts;

/// The file's names so far.
#[derive(Default)]
pub(super) struct Registry<'d> {
    /// Parents by id.
    pub(super) parents: Once<'d>,
    /// Organizations by id: the store addresses them without their parent.
    pub(super) organizations: Once<'d>,
    /// Mail domains.
    pub(super) domains: Once<'d>,
    /// Hosts with their path prefix.
    routes: Once<'d>,
    /// Environment variables with a secret: a token of one kind opens nothing of another (design §6).
    pub(super) secrets: Once<'d>,
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
            node.fault(format!("`{name}` is already the secret of `{earlier}`. Use a separate variable"))
        })?;
        Ok(name)
    }

    /// Enters a host with its path prefix.
    ///
    /// # Errors
    /// Where both stood before.
    pub(super) fn route(
        &mut self,
        host: &HostPattern,
        path_prefix: Option<&str>,
        path: &FieldPath<'d>,
    ) -> Result<(), FieldPath<'d>> {
        let (wildcard, name) = match host {
            HostPattern::Exact(name) => ("", name),
            HostPattern::Suffix(name) => ("*.", name),
        };
        // No host has a slash, and every prefix begins with one.
        self.routes.enter(format!("{wildcard}{name}{}", path_prefix.unwrap_or_default()), path)
    }
}

/// The environment variable with the administrator's token (design §6).
const ADMIN_TOKEN: &str = "USHER_ADMIN_TOKEN";

/// Names of one kind and where they stood first.
#[derive(Default)]
pub(super) struct Once<'d>(HashMap<String, FieldPath<'d>>);

impl<'d> Once<'d> {
    /// Enters a name.
    ///
    /// # Errors
    /// Where it stood before.
    pub(super) fn enter(&mut self, key: String, path: &FieldPath<'d>) -> Result<(), FieldPath<'d>> {
        if let Some(earlier) = self.0.get(&key) {
            return Err(earlier.clone());
        }
        self.0.insert(key, path.clone());
        Ok(())
    }

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
