//! `usher members`: an operator's hand on the members of an organization.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::Failure;
use super::administration::Administration;
use crate::counted::counted;
use crate::csv;
use crate::output::{print, progress, tell};
use crate::store_client::{Answered, StoreClient, StoreClientError};
use crate::table::Table;

/// The names of a member's fields in JSON, which are the columns of an export.
const FIELDS: [&str; 14] = [
    "id",
    "organization",
    "email",
    "name",
    "issuer",
    "subject",
    "role",
    "seat_tier",
    "status",
    "source",
    "primary_owner",
    "created_at",
    "updated_at",
    "last_login_at",
];

/// The arguments of `usher members`.
#[derive(Debug, Args)]
pub(crate) struct Members {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List members, all pages
    List(List),
    /// Print all members as CSV for a spreadsheet; with --json, one member per line
    Export(List),
    /// Add a member by email
    Add(Add),
    /// Show one member
    Show(One),
    /// Change role or seat tier
    Change(Change),
    /// Keep a member out; the seat is kept
    Suspend(One),
    /// Let a suspended member in again
    Activate(One),
    /// Forget a member's identity, so that their next login links them again
    Unlink(One),
    /// Remove a member and free the seat. Where logins add members (`jit`), suspend them instead to keep them out
    Remove(One),
}

#[derive(Debug, Args)]
struct List {
    /// The organization's id
    #[arg(value_name = "ORG")]
    organization: String,
    /// Only the member with this email
    #[arg(long)]
    email: Option<String>,
    /// Only active, pending or suspended members
    #[arg(long)]
    status: Option<String>,
    /// Only members with this role
    #[arg(long)]
    role: Option<String>,
    #[command(flatten)]
    administration: Administration,
}

#[derive(Debug, Args)]
struct Add {
    /// The organization's id
    #[arg(value_name = "ORG")]
    organization: String,
    /// The email
    email: String,
    /// The display name
    #[arg(long)]
    name: Option<String>,
    /// The role; default: the product's
    #[arg(long)]
    role: Option<String>,
    /// The seat tier; default: as `seats.default` says
    #[arg(long, value_name = "TIER")]
    seat_tier: Option<String>,
    #[command(flatten)]
    administration: Administration,
}

#[derive(Debug, Args)]
struct One {
    /// The organization's id
    #[arg(value_name = "ORG")]
    organization: String,
    /// The member's id or email
    member: String,
    #[command(flatten)]
    administration: Administration,
}

#[derive(Debug, Args)]
#[group(id = "changes", required = true, multiple = true, args = ["role", "seat_tier"])]
struct Change {
    #[command(flatten)]
    one: One,
    /// The new role
    #[arg(long)]
    role: Option<String>,
    /// The new seat tier, or none to take the seat away
    #[arg(long, value_name = "TIER")]
    seat_tier: Option<String>,
}

impl Members {
    /// Does it and prints what came of it.
    ///
    /// # Errors
    /// The store cannot be asked or says no.
    pub(crate) fn run(&self) -> Result<ExitCode, Failure> {
        match &self.verb {
            Verb::List(list) => list.run()?,
            Verb::Export(list) => list.export()?,
            Verb::Add(add) => add.run()?,
            Verb::Show(one) => one.run(StoreClient::member)?,
            Verb::Change(change) => {
                let fields = change.fields();
                change.one.change(fields)?;
            }
            Verb::Suspend(one) => one.change(object(json!({"status": "suspended"})))?,
            Verb::Activate(one) => one.change(object(json!({"status": "active"})))?,
            Verb::Unlink(one) => one.change(object(json!({"unlink": true})))?,
            Verb::Remove(one) => one.remove()?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    fn run(&self) -> Result<(), Failure> {
        let client = self.administration.client()?;
        let mut members = Vec::new();
        for page in client.members(&self.organization, self.filters()) {
            members.extend(page.inspect_err(|_| progress("", true))?);
            progress(&format!("{} so far", counted(members.len(), "member")), false);
        }
        progress("", true);
        if self.administration.json {
            return Ok(print(&format!("{:#}\n", json!({"members": members})))?);
        }
        let mut table = Table::with_heads(&["EMAIL", "ROLE", "SEAT TIER", "STATUS", "SOURCE", "LAST LOGIN", "ID"]);
        for member in &members {
            table.row(
                ["email", "role", "seat_tier", "status", "source", "last_login_at", "id"]
                    .map(|name| field(member, name)),
            );
        }
        Ok(print(&table.text())?)
    }

    /// A page is printed before the next one is asked for: there may be more members than fit into memory.
    fn export(&self) -> Result<(), Failure> {
        let client = self.administration.client()?;
        if !self.administration.json {
            print(&csv::line(FIELDS))?;
        }
        let mut exported = 0;
        for page in client.members(&self.organization, self.filters()) {
            let page = page.inspect_err(|_| progress("", true))?;
            // Where both go to one terminal, the lines stand for themselves.
            progress("", true);
            for member in &page {
                match self.administration.json {
                    true => print(&format!("{member}\n"))?,
                    false => print(&csv::line(FIELDS.map(|name| cell(member, name))))?,
                }
            }
            exported += page.len();
            progress(&format!("{} so far", counted(exported, "member")), false);
        }
        progress("", true);
        Ok(())
    }

    fn filters(&self) -> Vec<(&str, &str)> {
        let filters = [("email", &self.email), ("status", &self.status), ("role", &self.role)];
        filters.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect()
    }
}

impl Add {
    fn run(&self) -> Result<(), Failure> {
        let optional = [("name", &self.name), ("role", &self.role), ("seat_tier", &self.seat_tier)];
        let mut member = Map::from_iter([("email".to_owned(), Value::from(self.email.as_str()))]);
        for (name, value) in optional {
            if let Some(value) = value {
                member.insert(name.to_owned(), Value::from(value.as_str()));
            }
        }
        let added = self.administration.client()?.add(&self.organization, member)?;
        show(&added, self.administration.json)
    }
}

impl Change {
    fn fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        if let Some(role) = &self.role {
            fields.insert("role".to_owned(), Value::from(role.as_str()));
        }
        if let Some(tier) = &self.seat_tier {
            let tier = if tier == "none" { Value::Null } else { Value::from(tier.as_str()) };
            fields.insert("seat_tier".to_owned(), tier);
        }
        fields
    }
}

impl One {
    fn run(&self, ask: impl Fn(&StoreClient, &str, &str) -> Result<Answered, StoreClientError>) -> Result<(), Failure> {
        let client = self.administration.client()?;
        let id = self.id(&client)?;
        show(&ask(&client, &self.organization, &id)?, self.administration.json)
    }

    fn change(&self, fields: Map<String, Value>) -> Result<(), Failure> {
        self.run(|client, organization, id| client.change(organization, id, fields.clone()))
    }

    fn remove(&self) -> Result<(), Failure> {
        let client = self.administration.client()?;
        let id = self.id(&client)?;
        let removed = client.remove(&self.organization, &id)?;
        warn(&removed);
        let text = if self.administration.json { json!({"removed": id}).to_string() } else { format!("removed {id}") };
        Ok(print(&format!("{text}\n"))?)
    }

    /// The member's id, looked up where an email was given.
    fn id(&self, client: &StoreClient) -> Result<String, Failure> {
        if !self.member.contains('@') {
            return Ok(self.member.clone());
        }
        let found = client.find(&self.organization, vec![("email", &self.member)])?;
        match found.first().and_then(|member| member.get("id")).and_then(Value::as_str) {
            Some(id) => Ok(id.to_owned()),
            None => Err(StoreClientError::Problem {
                code: "member_not_found".to_owned(),
                detail: format!("organization `{}` has no member with the email {}", self.organization, self.member),
            }
            .into()),
        }
    }
}

fn show(answered: &Answered, as_json: bool) -> Result<(), Failure> {
    warn(answered);
    if let Some(note) = pending(&answered.document) {
        tell(&note);
    }
    if as_json {
        return Ok(print(&format!("{:#}\n", answered.document))?);
    }
    let mut table = Table::default();
    // Whether one is the primary owner is no text.
    for name in FIELDS.into_iter().filter(|name| *name != "primary_owner") {
        table.row([name, field(&answered.document, name)]);
    }
    Ok(print(&table.text())?)
}

fn warn(answered: &Answered) {
    if let Some(code) = &answered.warning {
        let meaning = if code == "last_owner" { ": no active member has the top role any more" } else { "" };
        tell(&format!("warning: {code}{meaning}"));
    }
}

/// Why a member waits, and what ends it: the status alone looks as if it would pass by itself.
fn pending(member: &Value) -> Option<String> {
    if field(member, "status") != "pending" {
        return None;
    }
    let organization = field(member, "organization");
    Some(format!(
        "note: a pending member has no seat and is turned away: none is free, or `seats.default` gives none; \
         `usher seats {organization}` shows which are, and `usher members change {organization} {} --seat-tier TIER` gives one",
        field(member, "id"),
    ))
}

/// A cell of the export; empty where there is nothing.
fn cell<'a>(member: &'a Value, name: &str) -> &'a str {
    match member.get(name) {
        Some(Value::String(text)) => text,
        Some(Value::Bool(true)) => "true",
        Some(Value::Bool(false)) => "false",
        _ => "",
    }
}

fn field<'a>(member: &'a Value, name: &str) -> &'a str {
    member.get(name).and_then(Value::as_str).unwrap_or("-")
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}
