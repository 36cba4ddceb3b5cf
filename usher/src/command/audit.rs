//! `usher audit`: who changed what, when, why, by which request, in a running store.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use super::Failure;
use super::administration::Administration;
use crate::output::{print, progress, tell};
use crate::table::Table;

/// The arguments of `usher audit`.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// Only what concerns this organization
    #[arg(value_name = "ORG")]
    organization: Option<String>,
    /// Only what concerns this member, by id
    #[arg(long, value_name = "ID")]
    member: Option<String>,
    /// Only what happened since then, in seconds since the Unix epoch
    #[arg(long, value_name = "UNIX")]
    since: Option<u64>,
    /// Only what this request did, by the id that logs and denial pages show
    #[arg(long, value_name = "ID")]
    request: Option<String>,
    // `--json` prints one entry a line, for tools that read a log.
    #[command(flatten)]
    administration: Administration,
}

impl Audit {
    /// Prints every entry, oldest first, page by page.
    ///
    /// # Errors
    /// The store cannot be asked or says no.
    pub(crate) fn run(&self) -> Result<ExitCode, Failure> {
        let client = self.administration.client()?;
        let since = self.since.map(|since| since.to_string());
        let filters = [("organization", &self.organization), ("member", &self.member), ("since", &since)];
        let filters: Vec<(&str, &str)> =
            filters.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect();
        let mut table = Table::with_heads(&["AT", "WHO", "WHAT", "ORGANIZATION", "MEMBER", "CHANGE", "WHY", "REQUEST"]);
        let (mut cursor, mut read, mut shown) = (None, 0, 0_usize);
        loop {
            let page = client.audit(&filters, cursor.as_deref());
            // Where both go to one terminal, the lines stand for themselves.
            progress("", true);
            let page = page?;
            let asked_for = |entry: &&Value| match &self.request {
                Some(request) => entry.get("request_id").and_then(Value::as_str) == Some(request),
                None => true,
            };
            for entry in page.entries.iter().filter(asked_for) {
                shown += 1;
                if self.administration.json {
                    print(&format!("{entry}\n"))?;
                } else {
                    row(&mut table, entry);
                }
            }
            read += page.entries.len();
            match page.next {
                Some(next) => {
                    progress(&format!("{read} entries so far"), false);
                    cursor = Some(next);
                }
                None => break,
            }
        }
        if !self.administration.json {
            print(&table.text())?;
        }
        if shown == 0 {
            tell("no entries: nothing happened there, or there is no organization, member or request with this id");
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn row(table: &mut Table, entry: &Value) {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or("-");
    let who = match text("actor_name") {
        "" => text("actor").to_owned(),
        name => format!("{} {name}", text("actor")),
    };
    let email = ["after", "before"].iter().find_map(|side| entry.get(side)?.get("email")?.as_str());
    let notes = entry.get("notes").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let why: Vec<&str> = std::iter::once(text("reason")).chain(notes).collect();
    table.row([
        text("at"),
        &who,
        text("action"),
        text("organization"),
        email.unwrap_or_else(|| text("member")),
        &change(entry),
        &why.join(", "),
        text("request_id"),
    ]);
}

/// What is other than before: `role user -> admin`.
fn change(entry: &Value) -> String {
    let fields = ["role", "seat_tier", "status", "source", "email", "subject", "digest"];
    let side = |side: &str, field: &str| match entry.get(side).and_then(|shown| shown.get(field)) {
        Some(Value::String(text)) => Some(text.clone()),
        _ => None,
    };
    let changed = fields.iter().filter_map(|field| match (side("before", field), side("after", field)) {
        (before, after) if before == after => None,
        (before, after) => {
            let shown = |side: Option<String>| side.unwrap_or_else(|| "-".to_owned());
            Some(format!("{field} {} -> {}", shown(before), shown(after)))
        }
    });
    let changed: Vec<String> = changed.collect();
    if changed.is_empty() { "-".to_owned() } else { changed.join(", ") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::change;

    #[test]
    fn a_change_is_what_is_other_than_before() {
        let shown = |before, after| change(&json!({"before": before, "after": after}));
        let member = json!({"role": "user", "seat_tier": null, "status": "active"});
        assert_eq!(shown(member.clone(), member.clone()), "-");
        let seated = json!({"role": "admin", "seat_tier": "premium", "status": "active"});
        assert_eq!(shown(member.clone(), seated), "role user -> admin, seat_tier - -> premium");
        assert_eq!(shown(json!(null), member), "role - -> user, status - -> active");
    }
}
