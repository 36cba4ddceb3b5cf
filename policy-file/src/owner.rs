//! `primary_owner`: an email, or an email with the connection it comes through.

use std::sync::Arc;

use usher_policy::id::Email;
use usher_policy::model::{Connection, PrimaryOwner};

use super::field_path::quoted;
use super::parent::Household;
use super::reader::{Node, Recorded, listed};

/// Reads the owner of an organization with these connections.
pub(super) fn read(
    node: &Node<'_>,
    household: &Household,
    connections: &Result<Vec<Arc<Connection>>, Recorded>,
) -> Result<PrimaryOwner, Recorded> {
    if !node.is_object() {
        let email = email(node, household)?;
        return match connections {
            Ok(connections) if connections.len() > 1 => {
                let known = listed(connections.iter().map(|connection| connection.id.as_str()));
                Err(node.fault(format!(
                    "the organization has several connections ({known}). Write through which one the owner signs in, \
                     like `{{email: {email}, connection: {}}}`",
                    connections.first().map_or("okta", |connection| connection.id.as_str())
                )))
            }
            Ok(connections) => {
                spoken_for(node, &email, connections.first())?;
                Ok(PrimaryOwner { email, connection: None })
            }
            Err(recorded) => Err(*recorded),
        };
    }
    node.object(|fields| {
        let email_node = fields.field("email");
        let email = match &email_node {
            Some(node) => email(node, household),
            None => Err(fields.fault("email", "missing. Write for example `email: ada@acme.example`")),
        };
        let connection = fields.optional("connection", |node| {
            let id = node.text(256)?;
            let connections = connections.as_ref().map_err(|recorded| *recorded)?;
            connections.iter().find(|connection| connection.id.as_str() == id).ok_or_else(|| {
                let known = listed(connections.iter().map(|connection| connection.id.as_str()));
                node.fault(format!("unknown connection {}. The organization has {known}", quoted(id)))
            })
        })?;
        let connections = connections.as_ref().map_err(|recorded| *recorded)?;
        if connection.is_none() && connections.len() > 1 {
            let known = listed(connections.iter().map(|connection| connection.id.as_str()));
            return Err(
                fields.fault("connection", format!("missing. The organization has several; write one of {known}"))
            );
        }
        let email = email?;
        if let Some(node) = &email_node {
            spoken_for(node, &email, connection.or(connections.first()))?;
        }
        Ok(PrimaryOwner { email, connection: connection.map(|connection| connection.id.clone()) })
    })
}

fn email(node: &Node<'_>, household: &Household) -> Result<Email, Recorded> {
    let text = node.text(1024)?;
    let Some(email) = Email::parse(text) else {
        return Err(node.fault(format!("{} is not an email address. Write one like `ada@acme.example`", quoted(text))));
    };
    match &household.domains {
        Ok(domains) if !domains.contains(&email.domain()) => {
            let known = listed(domains.iter().map(String::as_str));
            Err(node.fault(format!(
                "domain {} is not in the parent's `domains`, which are {known}",
                quoted(&email.domain())
            )))
        }
        _ => Ok(email),
    }
}

/// A connection that lists other domains would never let this owner in.
fn spoken_for(node: &Node<'_>, email: &Email, connection: Option<&Arc<Connection>>) -> Result<(), Recorded> {
    let Some(connection) = connection else {
        return Ok(());
    };
    match &connection.domains {
        Some(domains) if !domains.contains(&email.domain()) => {
            let known = listed(domains.iter().map(String::as_str));
            Err(node.fault(format!(
                "connection `{}` does not vouch for domain {}, only for {known}",
                connection.id,
                quoted(&email.domain())
            )))
        }
        _ => Ok(()),
    }
}
