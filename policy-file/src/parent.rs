//! `parents`: customers with their domains, connections, directory and organizations.

use std::sync::Arc;

use usher_policy::id::ParentId;
use usher_policy::model::{Directory, Organization, Parent, PatchResponse, Plan};

use super::catalog::Catalog;
use super::connection::{self, Around, Known};
use super::field_path::quoted;
use super::hosts;
use super::organization;
use super::reader::{Fields, Node, Recorded, listed};
use super::registry::{Once, Registry};

/// A parent and its organizations.
pub(super) struct Family {
    /// The parent.
    pub(super) parent: Arc<Parent>,
    /// Its organizations, in the order of the file.
    pub(super) organizations: Vec<Arc<Organization>>,
}

/// What an organization's fields are checked against; parts with a fault are checked against nothing.
pub(super) struct Household {
    /// What the parent has bought.
    pub(super) plan: Result<Plan, Recorded>,
    /// Its verified domains.
    pub(super) domains: Result<Vec<String>, Recorded>,
    /// Its connections.
    pub(super) connections: Result<Vec<Known>, Recorded>,
    /// The parent, where nothing is wrong with it.
    pub(super) parent: Result<Arc<Parent>, Recorded>,
}

/// Reads the parent with this number in the file.
pub(super) fn read<'d>(
    node: &Node<'d>,
    number: usize,
    catalog: &Catalog<'d>,
    registry: &mut Registry<'d>,
) -> Result<Family, Recorded> {
    node.object(|fields| {
        let household = household(fields, number, registry);
        let organizations = fields.or("organizations", Vec::new(), |node| {
            node.list(0..=100_000, |item| organization::read(item, &household, catalog, registry).map(Arc::new))
        });
        Ok(Family { organizations: organizations?, parent: household.parent? })
    })
}

fn household<'d>(fields: &mut Fields<'d>, number: usize, registry: &mut Registry<'d>) -> Household {
    let id = fields.required("id", "acme", |node| registry.parents.id(node)).map(ParentId::new);
    let plan = fields.required("plan", "enterprise", plan);
    let domains = fields.required("domains", "[acme.example]", |node| domains(node, registry));
    let connections = fields.required("connections", "[{id: okta, issuer: …}]", |node| {
        let mut around = Around {
            parent: number,
            domains: domains.as_deref().map_err(|recorded| *recorded),
            ids: &mut Once::default(),
            registry,
        };
        node.list(connection::COUNT, |item| Ok(connection::read(item, &mut around)))
    });
    let directory = fields.optional("directory", |node| directory(node, &plan, registry));
    let parent = assemble(id, plan.clone(), domains.clone(), &connections, directory).map(Arc::new);
    Household { plan, domains, connections, parent }
}

fn assemble(
    id: Result<ParentId, Recorded>,
    plan: Result<Plan, Recorded>,
    domains: Result<Vec<String>, Recorded>,
    connections: &Result<Vec<Known>, Recorded>,
    directory: Result<Option<Directory>, Recorded>,
) -> Result<Parent, Recorded> {
    let connections = connections.as_ref().map_err(|recorded| *recorded)?;
    let connections: Result<Vec<_>, _> = connections.iter().map(|known| known.connection.clone()).collect();
    Ok(Parent { id: id?, plan: plan?, domains: domains?, connections: connections?, directory: directory? })
}

fn plan(node: &Node<'_>) -> Result<Plan, Recorded> {
    let name = node.text(256)?;
    Plan::named(name).ok_or_else(|| {
        let known = listed(Plan::CATALOG.iter().map(|(known, _)| *known));
        node.fault(format!("unknown plan {}. Write one of {known}", quoted(name)))
    })
}

fn domains<'d>(node: &Node<'d>, registry: &mut Registry<'d>) -> Result<Vec<String>, Recorded> {
    node.list(1..=1_000, |item| {
        let domain = hosts::mail_domain(item)?;
        registry.domains.enter(domain.clone(), item.path()).map_err(|earlier| {
            item.fault(format!("{} is already at `{earlier}`: a domain belongs to one parent", quoted(&domain)))
        })?;
        Ok(domain)
    })
}

fn directory<'d>(
    node: &Node<'d>,
    plan: &Result<Plan, Recorded>,
    registry: &mut Registry<'d>,
) -> Result<Directory, Recorded> {
    node.object(|fields| {
        let scim = fields.or("scim", false, |node| {
            let scim = node.flag()?;
            match plan {
                Ok(plan) if scim && !plan.scim => Err(node.fault(format!(
                    "plan `{}` does not include SCIM. Write `plan: enterprise`, or leave `directory` out",
                    plan.name
                ))),
                _ => Ok(scim),
            }
        });
        // A directory that is served and has no token answers 401 to everybody.
        let token_env = match scim {
            Ok(true) => fields.required("token_env", "ACME_SCIM_TOKEN", |node| registry.secret(node)).map(Some),
            _ => fields.optional("token_env", |node| registry.secret(node)),
        };
        let patch_response = fields.or("patch_response", PatchResponse::default(), |node| {
            let name = node.text(256)?;
            PatchResponse::named(name)
                .ok_or_else(|| node.fault(format!("{} is neither `resource` nor `no_content`", quoted(name))))
        });
        Ok(Directory { scim: scim?, token_env: token_env?, patch_response: patch_response? })
    })
}
