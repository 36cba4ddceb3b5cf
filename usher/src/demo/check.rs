//! `usher demo --check`: makes every call, removes a member, and compares what is seen with what is expected.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::Value;

use super::calls::{
    AFTER_REMOVAL, BEFORE_REMOVAL, CALLS, CHAT, Call, FIRST, LISTED_AFTER, REMOVED, SEATS_AFTER, Ticket,
};
use super::client::Client;
use super::people::Person;
use crate::store_client::StoreClient;
use crate::table::Table;

/// Longest wait until a removal ends a live session: the change feed takes a fraction of it.
const REMOVAL_LIMIT: Duration = Duration::from_secs(10);
/// Time between two looks.
const POLL: Duration = Duration::from_millis(100);

/// What was made of all calls.
#[derive(Debug)]
pub(super) struct Report {
    /// Expected and seen, call by call.
    pub(super) table: String,
    /// How many calls there were.
    pub(super) calls: usize,
    /// How many were not as expected.
    pub(super) failures: usize,
}

/// Makes every call.
///
/// # Errors
/// Something does not answer at all.
pub(super) fn run(client: &Client, store: &StoreClient) -> anyhow::Result<Report> {
    let mut checks = Checks::default();
    for call in CALLS {
        checks.add(call.title, call.expected, &client.call(call)?);
    }
    removal(&mut checks, client, store)?;
    let members = store.find(CHAT, vec![])?;
    for (name, expected) in LISTED_AFTER {
        checks.add(&format!("{name} in the store's list"), expected, &listed(&members, name));
    }
    checks.add("the store's seats", SEATS_AFTER, &seats(store)?);
    Ok(checks.report())
}

/// Someone signs in, is removed by an operator, and comes back with the same ticket.
fn removal(checks: &mut Checks, client: &Client, store: &StoreClient) -> anyhow::Result<()> {
    let call = Call { ticket: Ticket::Of(REMOVED), ..FIRST };
    let ticket = client.ticket("token", REMOVED)?;
    checks.add("a user, soon removed", BEFORE_REMOVAL, &client.present(Some(&ticket), &call)?);

    let email = Person::named(REMOVED).map(Person::email).unwrap_or_default();
    let found = store.find(CHAT, vec![("email", &email)])?;
    let id = found.first().and_then(|member| member.get("id")).and_then(Value::as_str);
    store.remove(CHAT, id.with_context(|| format!("{email} is not listed"))?)?;

    let deadline = Instant::now() + REMOVAL_LIMIT;
    let seen = loop {
        let seen = client.present(Some(&ticket), &call)?;
        if seen == AFTER_REMOVAL || Instant::now() > deadline {
            break seen;
        }
        thread::sleep(POLL);
    };
    checks.add("a removed member, with the ticket from before", AFTER_REMOVAL, &seen);
    Ok(())
}

fn listed(members: &[Value], name: &str) -> String {
    let email = Person::named(name).map(Person::email);
    let field = |member: &Value, name: &str| member.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
    match members.iter().find(|member| email.as_deref() == member.get("email").and_then(Value::as_str)) {
        Some(member) => ["role", "seat_tier", "status"].map(|name| field(member, name)).join(" "),
        None => "not listed".to_owned(),
    }
}

fn seats(store: &StoreClient) -> anyhow::Result<String> {
    let seats = store.seats(CHAT)?.document;
    let number = |value: Option<&Value>| value.map_or_else(|| "-".to_owned(), Value::to_string);
    let tiers = seats.get("tiers").and_then(Value::as_array).into_iter().flatten();
    let mut seen: Vec<String> = tiers
        .map(|tier| {
            let name = tier.get("tier").and_then(Value::as_str).unwrap_or("-");
            format!("{name} {}/{}", number(tier.get("used")), number(tier.get("cap")))
        })
        .collect();
    seen.push(format!("pending {}", number(seats.get("pending"))));
    Ok(seen.join(", "))
}

#[derive(Default)]
struct Checks {
    rows: Vec<[String; 3]>,
}

impl Checks {
    fn add(&mut self, call: &str, expected: &str, seen: &str) {
        self.rows.push([call.to_owned(), expected.to_owned(), seen.to_owned()]);
    }

    fn report(self) -> Report {
        let mut table = Table::with_heads(&["CALL", "EXPECTED", "SEEN", "OK"]);
        let mut failures = 0;
        for [call, expected, seen] in &self.rows {
            let good = expected == seen;
            failures += usize::from(!good);
            table.row([call.as_str(), expected, seen, if good { "yes" } else { "NO" }]);
        }
        Report { table: table.text(), calls: self.rows.len(), failures }
    }
}

#[cfg(test)]
mod tests {
    use super::Checks;

    #[test]
    fn a_call_that_is_not_as_expected_is_counted_and_shown() {
        let mut checks = Checks::default();
        checks.add("one", "200", "200");
        checks.add("two", "403 no_mapped_group", "200 owner");
        let report = checks.report();
        assert_eq!((report.calls, report.failures), (2, 1));
        let shown: Vec<_> = report.table.lines().map(|line| line.rsplit("  ").next().unwrap()).collect();
        assert_eq!(shown, ["OK", "yes", "NO"]);
    }
}
