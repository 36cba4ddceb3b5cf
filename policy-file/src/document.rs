//! The whole document: from its top-level fields to a finished policy.

use usher_policy::model::{
    AUDIT_RETENTION, Credentials, DenialPages, Enforcement, HeaderNames, Policy, Routes, Sessions, StoreClient,
    Unmatched,
};

use super::catalog::Catalog;
use super::field_path::Segment;
use super::parent::{self, Family};
use super::reader::{Node, Recorded};
use super::registry::Registry;
use super::{denial_pages, options, sessions};

/// Reads the policy; faults are with the node.
pub(super) fn read<'d>(root: &Node<'d>) -> Result<Policy, Recorded> {
    root.object(|fields| {
        let mut registry = Registry::default();
        let version = fields.required("version", "1", version);
        let store_node = fields.field("store");
        let store = match &store_node {
            Some(node) => options::store(node, &mut registry),
            None => Ok(StoreClient::default()),
        };
        if let Ok(store) = &store {
            // The default's variable is the filter's as well.
            let _ = registry
                .secrets
                .enter(store.token_env.clone(), &fields.path("store").below(Segment::Member("token_env")));
        }
        let (catalog, products) = match Catalog::read(fields.field("products")) {
            Ok(catalog) => (catalog, Ok(())),
            Err((catalog, recorded)) => (catalog, Err(recorded)),
        };
        let parents_node = fields.field("parents");
        let families = match &parents_node {
            Some(node) => families(node, &catalog, &mut registry),
            None => Err(fields.fault(
                "parents",
                "missing. Write a list of customers, each with `id`, `plan`, `domains`, `connections`",
            )),
        };
        let credentials = fields.or("credentials", Credentials::default(), options::credentials);
        let sessions = fields.or("sessions", Sessions::default(), sessions::read);
        let headers = fields.or("headers", HeaderNames::default(), |node| options::headers(node, &credentials));
        let enforcement = fields.or("enforcement", Enforcement::Enforce, |node| {
            node.choice("enforcement", &[("enforce", Enforcement::Enforce), ("shadow", Enforcement::Shadow)])
        });
        let unmatched = fields.or("unmatched", Unmatched::Deny, |node| {
            node.choice("`unmatched` value", &[("deny", Unmatched::Deny), ("pass", Unmatched::Pass)])
        });
        let denial_pages = fields.or("denial_pages", DenialPages::default(), denial_pages::read);
        let admin_tokens = fields.or("admin_tokens", Vec::new(), |node| options::admin_tokens(node, &mut registry));
        let audit_retention = fields.or("audit", AUDIT_RETENTION, options::audit);
        let (parents, organizations): (Vec<_>, Vec<_>) =
            families?.into_iter().map(|family| (family.parent, family.organizations)).unzip();
        let organizations: Vec<_> = organizations.into_iter().flatten().collect();
        version?;
        products?;
        Ok(Policy {
            store: store?,
            routes: Routes::new(&organizations),
            parents,
            organizations,
            credentials: credentials?,
            sessions: sessions?,
            headers: headers?,
            enforcement: enforcement?,
            unmatched: unmatched?,
            denial_pages: denial_pages?,
            admin_tokens: admin_tokens?,
            audit_retention: audit_retention?,
        })
    })
}

fn families<'d>(node: &Node<'d>, catalog: &Catalog<'d>, registry: &mut Registry<'d>) -> Result<Vec<Family>, Recorded> {
    let mut number = 0;
    node.list(0..=100_000, |item| {
        number += 1;
        parent::read(item, number, catalog, registry)
    })
}

fn version(node: &Node<'_>) -> Result<(), Recorded> {
    match node.value().as_u64() {
        Some(1) => Ok(()),
        _ => Err(node.fault("unknown version. Write `version: 1`")),
    }
}
