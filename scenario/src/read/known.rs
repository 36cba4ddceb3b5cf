//! What a scenario may name: the organizations, roles, tiers and connections of its policy, and the story so far.

use std::cell::RefCell;
use std::collections::HashSet;

use usher_policy::Policy;
use usher_policy::model::Organization;
use usher_policy_file::{Node, Recorded};

use super::text;
use crate::token::ALGORITHMS;

/// What may be named in one story.
pub(super) struct Known<'a> {
    policy: &'a Policy,
    /// Who has had a token, where the story is known from its beginning.
    tokens: Option<RefCell<HashSet<String>>>,
}

impl<'a> Known<'a> {
    /// Under a policy; `tokens` of nobody yet, or of nobody knows whom.
    pub(super) fn new(policy: &'a Policy, tokens: Option<HashSet<String>>) -> Self {
        Self { policy, tokens: tokens.map(RefCell::new) }
    }

    /// The organization that a field names.
    pub(super) fn organization(&self, node: &Node<'_>) -> Result<String, Recorded> {
        let ids: Vec<&str> = self.policy.organization_ids().map(|id| id.as_str()).collect();
        text::known(node, "organization", &ids)
    }

    /// The organization with this name, or the first.
    pub(super) fn meant(&self, named: Option<&String>) -> Option<&'a Organization> {
        match named {
            Some(id) => self.policy.organization(id).map(AsRef::as_ref),
            None => self.policy.organizations.first().map(AsRef::as_ref),
        }
    }

    /// A token is made for a person.
    pub(super) fn logs_in(&self, person: &str) {
        if let Some(tokens) = &self.tokens {
            tokens.borrow_mut().insert(person.to_owned());
        }
    }

    /// Whether a person may have a token.
    pub(super) fn has_token(&self, person: &str) -> bool {
        self.tokens.as_ref().is_none_or(|tokens| tokens.borrow().contains(person))
    }
}

/// A role of the organization's product.
pub(super) fn role(node: &Node<'_>, organization: Option<&Organization>) -> Result<String, Recorded> {
    let Some(organization) = organization else { return text::name(node) };
    let roles: Vec<&str> = organization.product.roles().map(|role| role.as_str()).collect();
    text::known_of(node, "role", &of_product(organization), &roles)
}

/// A tier of the organization's product.
pub(super) fn tier(node: &Node<'_>, organization: Option<&Organization>) -> Result<String, Recorded> {
    let Some(organization) = organization else { return text::name(node) };
    let tiers: Vec<&str> = organization.product.tiers.iter().map(|tier| tier.as_str()).collect();
    text::known_of(node, "seat tier", &of_product(organization), &tiers)
}

fn of_product(organization: &Organization) -> String {
    format!(" of product `{}`", organization.product.name)
}

/// A connection of the organization's parent.
pub(super) fn connection(node: &Node<'_>, organization: Option<&Organization>) -> Result<String, Recorded> {
    let Some(organization) = organization else { return text::name(node) };
    let ids: Vec<&str> = organization.parent.connections.iter().map(|connection| connection.id.as_str()).collect();
    text::known(node, "connection", &ids)
}

/// An algorithm that the runner can sign with.
pub(super) fn algorithm(node: &Node<'_>) -> Result<String, Recorded> {
    text::known(node, "algorithm", &ALGORITHMS)
}
