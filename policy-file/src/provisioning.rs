//! `provisioning`: the mode, and which groups give which role and tier.

use std::sync::Arc;

use usher_policy::id::Group;
use usher_policy::model::{GroupRole, GroupTier, Mappings, Product, Provisioning};

use super::catalog;
use super::parent::Household;
use super::reader::{Node, Recorded};

/// Most mappings of one kind in one organization.
const MAX_MAPPINGS: usize = 100_000;

/// Reads the mode with its mappings, and refuses what cannot be had together (design §2, "Which modes may be had").
pub(super) fn read(
    node: &Node<'_>,
    household: &Household,
    product: &Result<Arc<Product>, Recorded>,
) -> Result<Provisioning, Recorded> {
    node.object(|fields| {
        let mode = fields.or("mode", Mode::Manual, |node| mode(node, household));
        let mappings_node = fields.field("group_mappings");
        let mappings = mappings_node.as_ref().map(|node| mappings(node, product)).transpose();
        if let (Ok(Mode::Manual), Some(node)) = (&mode, &mappings_node) {
            return Err(node.fault("mode `manual` maps no groups. Write `mode: jit` or `mode: scim`, or omit them"));
        }
        Ok(match (mode?, mappings?) {
            (Mode::Manual, _) => Provisioning::Manual,
            (Mode::Jit, None) => Provisioning::Jit,
            (Mode::Jit, Some(mappings)) => Provisioning::JitMapped(mappings),
            (Mode::Scim, None) => Provisioning::Scim,
            (Mode::Scim, Some(mappings)) => Provisioning::ScimMapped(mappings),
        })
    })
}

#[derive(Clone, Copy)]
enum Mode {
    Jit,
    Manual,
    Scim,
}

fn mode(node: &Node<'_>, household: &Household) -> Result<Mode, Recorded> {
    let mode = node.choice("mode", &[("manual", Mode::Manual), ("jit", Mode::Jit), ("scim", Mode::Scim)])?;
    match &household.plan {
        Ok(plan) if matches!(mode, Mode::Scim) && !plan.scim => Err(node.fault(format!(
            "plan `{}` does not include SCIM for any organization of the parent. Write `mode: jit` or `mode: manual`, \
             or give the parent `plan: enterprise`",
            plan.name
        ))),
        _ => Ok(mode),
    }
}

fn mappings(node: &Node<'_>, product: &Result<Arc<Product>, Recorded>) -> Result<Mappings, Recorded> {
    node.object(|fields| {
        let roles = fields.required("roles", "[{group: staff, role: user}]", |node| {
            node.list(1..=MAX_MAPPINGS, |item| role_mapping(item, product))
        });
        let seat_tiers = fields.or("seat_tiers", Vec::new(), |node| match product {
            Ok(product) if product.tiers.is_empty() => {
                Err(node.fault(format!("product `{}` has no seat tiers. Leave it out", product.name)))
            }
            _ => node.list(0..=MAX_MAPPINGS, |item| tier_mapping(item, product)),
        });
        Ok(Mappings { roles: roles?, seat_tiers: seat_tiers? })
    })
}

fn role_mapping(node: &Node<'_>, product: &Result<Arc<Product>, Recorded>) -> Result<GroupRole, Recorded> {
    node.object(|fields| {
        let group = fields.required("group", "staff", group);
        let role = fields.required("role", "user", |node| catalog::role(node, product));
        let label = fields.optional("label", label);
        Ok(GroupRole { group: group?, role: role?, label: label? })
    })
}

fn tier_mapping(node: &Node<'_>, product: &Result<Arc<Product>, Recorded>) -> Result<GroupTier, Recorded> {
    node.object(|fields| {
        let group = fields.required("group", "power-users", group);
        let tier = fields.required("tier", "premium", |node| catalog::tier(node, product));
        let label = fields.optional("label", label);
        Ok(GroupTier { group: group?, tier: tier?, label: label? })
    })
}

fn group(node: &Node<'_>) -> Result<Group, Recorded> {
    node.text(1024).map(Group::new)
}

fn label(node: &Node<'_>) -> Result<String, Recorded> {
    node.text(256).map(str::to_owned)
}
