//! `access`, `bypass` and `path_prefix`: paths in their one normal form, and what they ask for.

use std::sync::Arc;

use usher_policy::model::{AccessRule, BypassRule, PathRule, Product};
use usher_policy::rules::path::NormalPath;

use super::catalog;
use super::field_path::quoted;
use super::names;
use super::reader::{Node, Recorded};

/// Most rules of one kind in one organization: every request walks them.
const MAX_RULES: usize = 1_000;

/// Reads `access`.
pub(super) fn access(node: &Node<'_>, product: &Result<Arc<Product>, Recorded>) -> Result<Vec<AccessRule>, Recorded> {
    node.list(0..=MAX_RULES, |item| {
        item.object(|fields| {
            let path = fields.required("path", "/admin/", rule_path);
            let methods = fields.optional("methods", methods);
            let roles = fields.optional("roles", |node| node.distinct(1..=64, |item| catalog::role(item, product)));
            let seat_tiers = fields.optional("seat_tiers", |node| match product {
                Ok(product) if product.tiers.is_empty() => {
                    Err(node.fault(format!("product `{}` has no seat tiers. Leave it out", product.name)))
                }
                _ => node.distinct(1..=64, |item| catalog::tier(item, product)),
            });
            let (roles, seat_tiers) = (roles?, seat_tiers?);
            if roles.is_none() && seat_tiers.is_none() {
                return Err(item.fault("asks for nothing. Write `roles` or `seat_tiers`"));
            }
            Ok(AccessRule { path: path?, methods: methods?, roles, seat_tiers })
        })
    })
}

/// Reads `bypass`.
pub(super) fn bypass(node: &Node<'_>) -> Result<Vec<BypassRule>, Recorded> {
    node.list(0..=MAX_RULES, |item| {
        item.object(|fields| {
            let path = fields.required("path", "/healthz", rule_path);
            let methods = fields.optional("methods", methods);
            Ok(BypassRule { path: path?, methods: methods? })
        })
    })
}

/// Reads `path_prefix`; a trailing slash changes nothing and is dropped.
pub(super) fn path_prefix(node: &Node<'_>) -> Result<String, Recorded> {
    let path = normal_path(node)?;
    match path.strip_suffix('/').unwrap_or(path) {
        "" => Err(node.fault("`/` matches every path. Omit `path_prefix`, or write one like `/eu`")),
        prefix => Ok(prefix.to_owned()),
    }
}

fn rule_path(node: &Node<'_>) -> Result<PathRule, Recorded> {
    normal_path(node).map(PathRule::parse)
}

/// A path as rules are matched against it; anything else would never match (design §3, "Paths").
fn normal_path<'d>(node: &Node<'d>) -> Result<&'d str, Recorded> {
    let text = node.text(4096)?;
    if !text.starts_with('/') {
        return Err(node.fault(format!("{} is not a path: begin it with `/`", quoted(text))));
    }
    if text.contains('?') {
        return Err(node.fault(format!("{} has a query, which is ignored. Write only the path", quoted(text))));
    }
    if text.contains('*') {
        // Taken literally, a rule meant for everything below would never match, and so protect nothing.
        let message = "has a `*`, which is no wildcard here. A path that ends in `/` matches everything below it";
        return Err(node.fault(format!("{} {message}", quoted(text))));
    }
    match NormalPath::parse(text.as_bytes()) {
        Ok(path) if path.as_str() == text => Ok(text),
        Ok(path) => {
            Err(node.fault(format!("{} is compared in its normal form. Write {}", quoted(text), quoted(path.as_str()))))
        }
        Err(_) => Err(node.fault(format!(
            "{} can be read in more than one way. Write it without `//`, dot segments, `;`, `#`, `\\`, `%2F`, `%5C`, \
             control characters, double encoding, or bytes that are neither ASCII nor encoded UTF-8",
            quoted(text)
        ))),
    }
}

fn methods(node: &Node<'_>) -> Result<Vec<String>, Recorded> {
    node.distinct(1..=64, names::method)
}
