//! The product catalog: what is built in, and what `products` adds or replaces.

use std::collections::BTreeMap;
use std::sync::Arc;

use usher_policy::id::{Role, Tier};
use usher_policy::model::Product;

use super::field_path::quoted;
use super::names;
use super::reader::{Node, Recorded, listed};
use super::seats;

/// The products of the file by name, those with a fault included.
pub(super) struct Catalog<'d>(BTreeMap<&'d str, Result<Arc<Product>, Recorded>>);

impl<'d> Catalog<'d> {
    /// The built-in products (design §1).
    pub(super) fn built_in() -> Self {
        let mut products = BTreeMap::new();
        for (name, roles, tiers) in BUILT_IN {
            let roles: Vec<Role> = roles.iter().copied().map(Role::new).collect();
            let tiers = tiers.iter().copied().map(Tier::new).collect();
            let product = Product::new(name, roles, tiers, Role::new(DEFAULT_ROLE));
            products.extend(product.map(|product| (*name, Ok(Arc::new(product)))));
        }
        Self(products)
    }

    /// The built-in products with those of `products` added or put in their place.
    pub(super) fn read(node: Option<Node<'d>>) -> Result<Self, (Self, Recorded)> {
        let mut catalog = Self::built_in();
        let members = match node.map(|node| node.members(0..=64)) {
            None => return Ok(catalog),
            Some(Ok(members)) => members,
            Some(Err(recorded)) => return Err((catalog, recorded)),
        };
        let mut outcome = Ok(());
        for (name, node) in members {
            let product = product(name, &node).map(Arc::new);
            if let Err(recorded) = &product {
                outcome = Err(*recorded);
            }
            catalog.0.insert(name, product);
        }
        match outcome {
            Ok(()) => Ok(catalog),
            Err(recorded) => Err((catalog, recorded)),
        }
    }

    /// The product that a field names.
    pub(super) fn product(&self, node: &Node<'_>) -> Result<Arc<Product>, Recorded> {
        let name = node.text(256)?;
        match self.0.get(name) {
            Some(product) => product.clone(),
            None => {
                let known = listed(self.0.keys().copied());
                Err(node
                    .fault(format!("unknown product {}. Known: {known}; define others under `products`", quoted(name))))
            }
        }
    }
}

/// A role of the product; where the product has a fault itself, any name will do.
pub(super) fn role(node: &Node<'_>, product: &Result<Arc<Product>, Recorded>) -> Result<Role, Recorded> {
    let role = Role::new(node.text(256)?);
    match product {
        Ok(product) if !product.has_role(&role) => {
            let known = listed(product.roles().map(Role::as_str));
            Err(node.fault(format!("unknown role {}. Product `{}` has {known}", quoted(role.as_str()), product.name)))
        }
        _ => Ok(role),
    }
}

/// A seat tier of the product; where the product has a fault itself, any name will do.
pub(super) fn tier(node: &Node<'_>, product: &Result<Arc<Product>, Recorded>) -> Result<Tier, Recorded> {
    tier_named(node, node.text(256)?, product)
}

/// The same for a name that is not the node's own value, but its key.
pub(super) fn tier_named(
    node: &Node<'_>,
    name: &str,
    product: &Result<Arc<Product>, Recorded>,
) -> Result<Tier, Recorded> {
    let tier = Tier::new(name);
    match product {
        Ok(product) if !product.has_tier(&tier) => {
            let known = listed(product.tiers.iter().map(Tier::as_str));
            Err(node.fault(format!("unknown seat tier {}. Product `{}` has {known}", quoted(name), product.name)))
        }
        _ => Ok(tier),
    }
}

fn product(name: &str, node: &Node<'_>) -> Result<Product, Recorded> {
    let name = names::plain_id(node, name);
    node.object(|fields| {
        let roles = fields
            .required("roles", "[owner, user]", |node| node.distinct(1..=64, |item| names::id(item).map(Role::new)));
        let tiers = fields.or("seat_tiers", Vec::new(), |node| {
            let tiers = node.distinct(0..=64, |item| names::id(item).map(Tier::new))?;
            match tiers.iter().find(|tier| seats::is_default_word(tier.as_str())) {
                Some(tier) => Err(node.fault(format!("`{tier}` is reserved in `seats.default`. Write another name"))),
                None => Ok(tiers),
            }
        });
        let default_role = fields.optional("default_role", |node| {
            let role = Role::new(node.text(256)?);
            match &roles {
                Ok(roles) if !roles.contains(&role) => {
                    let known = listed(roles.iter().map(Role::as_str));
                    Err(node.fault(format!("unknown role {}. `roles` has {known}", quoted(role.as_str()))))
                }
                _ => Ok(role),
            }
        });
        let (roles, tiers, default_role) = (roles.clone()?, tiers?, default_role?);
        let empty = || fields.fault("roles", "must not be empty");
        let last = roles.last().cloned().ok_or_else(empty)?;
        Product::new(name?, roles, tiers, default_role.unwrap_or(last)).ok_or_else(empty)
    })
}

/// The default role of both built-in products.
const DEFAULT_ROLE: &str = "user";

/// Name, roles with the most permissive first, seat tiers with the highest first.
const BUILT_IN: &[(&str, &[&str], &[&str])] = &[
    ("claude", &["owner", "admin", "user"], &["premium", "standard"]),
    ("console", &["admin", "developer", "billing", "claude_code_user", "user"], &[]),
];
