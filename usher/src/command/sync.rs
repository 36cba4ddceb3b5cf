//! `usher sync`: memberships become what directory and policy say, in a running store; shown first, if wanted.

use std::process::ExitCode;

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Failure;
use super::administration::Administration;
use crate::counted::counted;
use crate::output::{print, progress, tell};
use crate::store_client::{StoreClient, StoreClientError};
use crate::table::Table;

/// Removals wait for `--confirm`.
const EXIT_HELD: u8 = 3;

/// Most requests for one parent; each does what it can in some seconds.
const MAX_CALLS: usize = 100_000;

/// The arguments of `usher sync`.
#[derive(Debug, Args)]
pub(crate) struct Sync {
    /// The parent's id; without it, all that the token may administer
    #[arg(value_name = "PARENT")]
    parent: Option<String>,
    /// Only show what would be added, changed and removed
    #[arg(long)]
    preview: bool,
    /// Also apply more removals than `guards.max_removals`
    #[arg(long)]
    confirm: bool,
    #[command(flatten)]
    administration: Administration,
}

/// What the store did to one parent's members, or would do.
#[derive(Debug, Deserialize, Serialize)]
struct Report {
    parent: String,
    preview: bool,
    done: bool,
    policy: String,
    organizations: Vec<Organization>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Organization {
    organization: String,
    added: u64,
    changed: u64,
    removed: u64,
    held: u64,
    changes: Vec<Value>,
    more: u64,
}

impl Sync {
    /// Does it, parent by parent, and prints what came of it. Exit 0; 3 where removals wait for `--confirm`.
    ///
    /// # Errors
    /// The store cannot be asked or says no; what was done until then is done, and the next call goes on.
    pub(crate) fn run(&self) -> Result<ExitCode, Failure> {
        let client = self.administration.client()?;
        let parents = match &self.parent {
            Some(parent) => vec![parent.clone()],
            None => client.parents()?,
        };
        let mut reports = Vec::new();
        for parent in &parents {
            let report = self.one(&client, parent)?;
            if !self.administration.json {
                print(&report.text())?;
            }
            reports.push(report);
        }
        if self.administration.json {
            print(&format!("{:#}\n", json!({ "parents": reports })))?;
        }
        let held: u64 = reports.iter().flat_map(|report| &report.organizations).map(|told| told.held).sum();
        if held == 0 {
            return Ok(ExitCode::SUCCESS);
        }
        tell(&waiting(held));
        Ok(ExitCode::from(EXIT_HELD))
    }

    /// Asks for one parent until all is done.
    fn one(&self, client: &StoreClient, parent: &str) -> Result<Report, Failure> {
        let mut all: Option<Report> = None;
        for _ in 0..MAX_CALLS {
            let part = client.sync::<Report>(parent, self.preview, self.confirm);
            let part = part.inspect_err(|_| progress("", true))?;
            let (done, touched) = (part.done || self.preview, part.touched());
            match &mut all {
                Some(all) => all.go_on(part),
                None => all = Some(part),
            }
            let so_far = all.as_ref().map_or(0, Report::touched);
            progress(&format!("{parent}: {} so far", counted(so_far, "member")), done);
            if done || touched == 0 {
                break;
            }
        }
        all.filter(|report| report.done || report.preview).ok_or_else(|| {
            let code = "no_headway".to_owned();
            let detail = format!("the members of `{parent}` change faster than they are reconciled; try again");
            StoreClientError::Problem { code, detail }.into()
        })
    }
}

impl Report {
    fn touched(&self) -> u64 {
        self.organizations.iter().map(|told| told.added + told.changed + told.removed).sum()
    }

    /// Takes in what the next request did.
    fn go_on(&mut self, next: Self) {
        self.done = next.done;
        for (told, next) in self.organizations.iter_mut().zip(next.organizations) {
            told.added += next.added;
            told.changed += next.changed;
            told.removed += next.removed;
            told.held = next.held;
            // The first request named as many as fit.
            told.more += next.more + u64::try_from(next.changes.len()).unwrap_or(u64::MAX);
        }
    }

    fn text(&self) -> String {
        if self.organizations.is_empty() {
            return format!("{}: no organization is in a scim mode, so there is nothing to reconcile\n", self.parent);
        }
        let mut table = Table::with_heads(&["ORGANIZATION", "WHAT", "EMAIL", "ROLE", "SEAT TIER", "STATUS", "SOURCE"]);
        for told in &self.organizations {
            for change in &told.changes {
                let [role, tier, status, source] =
                    ["role", "seat_tier", "status", "source"].map(|name| field(change, name));
                let text = |name: &str| change.get(name).and_then(Value::as_str).unwrap_or("-");
                table.row([&told.organization, text("change"), text("email"), &role, &tier, &status, &source]);
            }
        }
        let mut text =
            if self.organizations.iter().all(|told| told.changes.is_empty()) { String::new() } else { table.text() };
        for told in &self.organizations {
            text.push_str(&told.line(self.preview));
        }
        text
    }
}

impl Organization {
    fn line(&self, preview: bool) -> String {
        let Self { organization, added, changed, removed, held, more, .. } = self;
        let numbers = match preview {
            true => format!("would add {added}, change {changed}, remove {removed}"),
            false => format!("{added} added, {changed} changed, {removed} removed"),
        };
        let held = match held {
            0 => String::new(),
            1 => "; 1 removal waits".to_owned(),
            held => format!("; {held} removals wait"),
        };
        let more = if *more > 0 { format!("; {more} more than are listed") } else { String::new() };
        format!("{organization}: {numbers}{held}{more}\n")
    }
}

/// What is told of removals that the guard holds.
fn waiting(held: u64) -> String {
    let (are, they_are) = if held == 1 { ("is", "it is") } else { ("are", "they are") };
    format!(
        "{} {are} more than `guards.max_removals` allows at once, so nobody was removed; \
         look at who {they_are}, then run it with --confirm",
        counted(held, "removal")
    )
}

/// `user`, or `user -> admin` where it changes.
fn field(change: &Value, name: &str) -> String {
    let side = |side: &str| {
        let place = change.get(side).filter(|place| !place.is_null())?;
        Some(place.get(name).and_then(Value::as_str).unwrap_or("-").to_owned())
    };
    match (side("before"), side("after")) {
        (Some(before), Some(after)) if before != after => format!("{before} -> {after}"),
        (before, after) => after.or(before).unwrap_or_else(|| "-".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Organization, Report, waiting};

    fn report(preview: bool, changes: Value, more: u64) -> Report {
        let changes = changes.as_array().unwrap().clone();
        let organization =
            Organization { organization: "chat".to_owned(), added: 1, changed: 2, removed: 3, held: 4, changes, more };
        let (parent, policy) = ("acme".to_owned(), String::new());
        Report { parent, preview, done: true, policy, organizations: vec![organization] }
    }

    #[test]
    fn what_is_done_and_what_would_be_are_told_apart() {
        let change = json!([{
            "change": "change", "email": "a@b", "before": {"role": "user", "seat_tier": null, "status": "active", "source": "jit"},
            "after": {"role": "admin", "seat_tier": null, "status": "active", "source": "scim"},
        }]);
        let text = report(true, change, 0).text();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[1], "chat          change  a@b    user -> admin  -          active  jit -> scim");
        assert_eq!(lines[2], "chat: would add 1, change 2, remove 3; 4 removals wait");
        assert_eq!(
            report(false, json!([]), 7).text(),
            "chat: 1 added, 2 changed, 3 removed; 4 removals wait; 7 more than are listed\n"
        );
    }

    #[test]
    fn one_removal_that_waits_is_told_of_as_one() {
        assert!(waiting(1).starts_with("1 removal is more than "), "{}", waiting(1));
        assert!(waiting(2).starts_with("2 removals are more than "), "{}", waiting(2));
    }

    #[test]
    fn the_next_request_adds_to_the_numbers_and_what_waits_is_as_it_last_was() {
        let mut all = report(false, json!([]), 1);
        let mut next = report(false, json!([{}]), 5);
        next.organizations[0].held = 1;
        next.done = false;
        all.go_on(next);
        assert!(all.text().contains("; 1 removal waits; 7 more"), "{}", all.text());
        let told = &all.organizations[0];
        assert_eq!((told.added, told.changed, told.removed, told.held, told.more), (2, 4, 6, 1, 7));
        assert_eq!((all.done, all.touched()), (false, 12));
    }
}
