//! `organizations`: one product instance of a parent each.

use std::sync::Arc;

use usher_policy::id::OrganizationId;
use usher_policy::model::{Connection, Guards, HostPattern, Organization, Provisioning};

use super::catalog::Catalog;
use super::connection::Known;
use super::field_path::quoted;
use super::parent::Household;
use super::reader::{Fields, Node, Recorded, listed};
use super::registry::Registry;
use super::{access, hosts, owner, provisioning, seats};

/// Reads one organization of a parent.
pub(super) fn read<'d>(
    node: &Node<'d>,
    household: &Household,
    catalog: &Catalog<'d>,
    registry: &mut Registry<'d>,
) -> Result<Organization, Recorded> {
    node.object(|fields| {
        let id = fields.required("id", "acme-chat", |node| registry.organizations.id(node)).map(OrganizationId::new);
        let product = fields.required("product", "claude", |node| catalog.product(node));
        let path_prefix = fields.optional("path_prefix", access::path_prefix);
        let hosts = fields.required("hosts", "[chat.acme.example]", |node| hosts(node, &path_prefix, registry));
        let connections = connections(fields, household);
        let primary_owner = fields.optional("primary_owner", |node| owner::read(node, household, &connections));
        let provisioning =
            fields.or("provisioning", Provisioning::Manual, |node| provisioning::read(node, household, &product));
        let seats = seats::read(fields.field("seats"), &product, &provisioning);
        let guards = fields.or("guards", Guards::default(), guards);
        let access = fields.or("access", Vec::new(), |node| access::access(node, &product));
        let bypass = fields.or("bypass", Vec::new(), access::bypass);
        Ok(Organization {
            id: id?,
            parent: household.parent.clone()?,
            product: product?,
            connections: connections?,
            hosts: hosts?,
            path_prefix: path_prefix?,
            primary_owner: primary_owner?,
            provisioning: provisioning?,
            seats: seats?,
            guards: guards?,
            access: access?,
            bypass: bypass?,
        })
    })
}

fn hosts<'d>(
    node: &Node<'d>,
    path_prefix: &Result<Option<String>, Recorded>,
    registry: &mut Registry<'d>,
) -> Result<Vec<HostPattern>, Recorded> {
    node.list(1..=256, |item| {
        let host = hosts::pattern(item)?;
        if let Ok(path_prefix) = path_prefix {
            registry.route(&host, path_prefix.as_deref(), item.path()).map_err(|earlier| {
                item.fault(format!(
                    "the same host and path prefix are already at `{earlier}`. Write another host, or tell them apart by `path_prefix`"
                ))
            })?;
        }
        Ok(host)
    })
}

/// The connections that open the organization; all of the parent's where none are named.
fn connections(fields: &mut Fields<'_>, household: &Household) -> Result<Vec<Arc<Connection>>, Recorded> {
    let known = household.connections.as_deref().map_err(|recorded| *recorded);
    let named = fields.optional("connections", |node| {
        node.distinct(1..=64, |item| {
            let name = item.text(256)?;
            let known = known?;
            known.iter().position(|known| known.is(name)).ok_or_else(|| {
                let ids = listed(known.iter().filter_map(|known| known.id.as_ref()).map(|id| id.as_str()));
                item.fault(format!("unknown connection {}. The parent has {ids}", quoted(name)))
            })
        })
    });
    let (named, known) = (named?, known?);
    match named {
        Some(numbers) => numbers.into_iter().filter_map(|number| known.get(number)).map(usable).collect(),
        None => known.iter().map(usable).collect(),
    }
}

fn usable(known: &Known) -> Result<Arc<Connection>, Recorded> {
    known.connection.clone()
}

fn guards(node: &Node<'_>) -> Result<Guards, Recorded> {
    node.object(|fields| {
        let default = Guards::default();
        let max_removals =
            fields.or("max_removals", (default.max_removals_members, default.max_removals_percent), |node| {
                node.object(|fields| {
                    let members = fields.or("members", default.max_removals_members, |node| node.whole(0..=1_000_000));
                    let percent = fields.or("percent", default.max_removals_percent, |node| node.whole(0..=100));
                    Ok((members?, percent?))
                })
            });
        let removals_by_login =
            fields.or("removals_by_login", default.removals_by_login, |node| node.whole(0..=1_000_000));
        let (max_removals_members, max_removals_percent) = max_removals?;
        Ok(Guards { max_removals_members, max_removals_percent, removals_by_login: removals_by_login? })
    })
}
