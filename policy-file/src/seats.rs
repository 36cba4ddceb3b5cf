//! `seats`: how many of each tier, and who gets which.

use std::sync::Arc;

use usher_policy::id::Tier;
use usher_policy::model::{Cap, Product, Provisioning, SeatDefault, SeatTier, Seats, WhenFull};

use super::catalog;
use super::field_path::quoted;
use super::reader::{Node, Recorded, listed};

/// Reads the seats of an organization; `None` exactly where the product has no tiers.
pub(super) fn read(
    node: Option<Node<'_>>,
    product: &Result<Arc<Product>, Recorded>,
    provisioning: &Result<Provisioning, Recorded>,
) -> Result<Option<Seats>, Recorded> {
    let Some(node) = node else {
        let product = product.as_ref().map_err(|recorded| *recorded)?;
        return Ok((!product.tiers.is_empty()).then(|| unlimited(product)));
    };
    if let Ok(product) = product
        && product.tiers.is_empty()
    {
        return Err(node.fault(format!("product `{}` has no seat tiers. Leave `seats` out", product.name)));
    }
    node.object(|fields| {
        let caps = fields.optional("caps", |node| caps(node, product));
        let default = fields.or("default", SeatDefault::HighestAvailable, |node| default(node, product, provisioning));
        let when_full = fields.or("when_full", WhenFull::Deny, |node| {
            node.choice("`when_full` value", &[("deny", WhenFull::Deny), ("next_tier", WhenFull::NextTier)])
        });
        let (caps, default, when_full) = (caps?, default?, when_full?);
        let product = product.as_ref().map_err(|recorded| *recorded)?;
        let cap = |tier: &Tier| match &caps {
            Some(caps) => Cap::Limited(caps.iter().find(|(own, _)| own == tier).map_or(0, |(_, cap)| *cap)),
            None => Cap::Unlimited,
        };
        let tiers = product.tiers.iter().map(|tier| SeatTier { tier: tier.clone(), cap: cap(tier) }).collect();
        Ok(Some(Seats { tiers, default, when_full }))
    })
}

/// Whether a word means something else than a tier in `seats.default`.
pub(super) fn is_default_word(name: &str) -> bool {
    DEFAULTS.iter().any(|(word, _)| *word == name)
}

fn unlimited(product: &Product) -> Seats {
    let tiers = product.tiers.iter().map(|tier| SeatTier { tier: tier.clone(), cap: Cap::Unlimited }).collect();
    Seats { tiers, default: SeatDefault::HighestAvailable, when_full: WhenFull::Deny }
}

fn caps(node: &Node<'_>, product: &Result<Arc<Product>, Recorded>) -> Result<Vec<(Tier, u32)>, Recorded> {
    let read_all: Vec<_> = node
        .members(0..=64)?
        .into_iter()
        .map(|(name, node)| {
            let tier = catalog::tier_named(&node, name, product);
            let cap = node.whole(0..=u32::MAX);
            Ok((tier?, cap?))
        })
        .collect();
    read_all.into_iter().collect()
}

fn default(
    node: &Node<'_>,
    product: &Result<Arc<Product>, Recorded>,
    provisioning: &Result<Provisioning, Recorded>,
) -> Result<SeatDefault, Recorded> {
    let name = node.text(256)?;
    let default = match DEFAULTS.iter().find(|(word, _)| *word == name) {
        Some((_, default)) => default.clone(),
        None => {
            let tier = Tier::new(name);
            if let Ok(product) = product
                && !product.has_tier(&tier)
            {
                let tiers = product.tiers.iter().map(Tier::as_str);
                let known = listed(DEFAULTS.iter().map(|(word, _)| *word).chain(tiers));
                return Err(node.fault(format!("unknown default {}. Write one of {known}", quoted(name))));
            }
            SeatDefault::Tier(tier)
        }
    };
    let mapped =
        |provisioning: &Provisioning| provisioning.mappings().is_some_and(|mappings| !mappings.seat_tiers.is_empty());
    match provisioning {
        Ok(provisioning) if default == SeatDefault::Remove && !mapped(provisioning) => Err(node.fault(
            "`remove` would remove everybody where no group gives a tier. Write \
             `provisioning.group_mappings.seat_tiers`, or another default",
        )),
        _ => Ok(default),
    }
}

const DEFAULTS: &[(&str, SeatDefault)] = &[
    ("highest_available", SeatDefault::HighestAvailable),
    ("lowest_available", SeatDefault::LowestAvailable),
    ("none", SeatDefault::Nothing),
    ("remove", SeatDefault::Remove),
];
