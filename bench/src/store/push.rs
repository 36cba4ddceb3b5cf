//! The initial push of an identity provider: users, then groups with their members.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::Extent;
use super::client::{Client, SCIM, Server, text};
use super::report::{Cost, Report};

/// How many requests a provider has under way.
const CLIENTS: usize = 4;

/// Members in one request.
const MEMBERS: usize = 1000;

/// How often a page is read.
const PAGES: usize = 20;

/// What is in the directory now.
pub(super) struct Pushed {
    pub(super) users: Vec<String>,
    /// The group of everyone.
    pub(super) everyone: String,
}

/// Pushes, a tenth at a time.
pub(super) fn measure(server: &Server<'_>, extent: &Extent, report: &mut Report) -> Result<Pushed> {
    let user = |n: usize| {
        let name = format!("user-{n}@acme.example");
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": name, "externalId": format!("okta-{n}"), "displayName": format!("User {n}"), "active": true,
            "name": {"givenName": "User", "familyName": n.to_string()},
            "emails": [{"value": name, "type": "work", "primary": true}],
        })
    };
    let users = push(server, report, "users", extent.users, "/scim/v2/acme/Users", user)?;

    let share = extent.users / extent.groups;
    let group = |n: usize| {
        let members: Vec<_> = users.iter().skip(n * share).take(share).map(|id| json!({"value": id})).collect();
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": format!("group-{n}"), "externalId": format!("g-{n}"), "members": members,
        })
    };
    push(server, report, "groups", extent.groups, "/scim/v2/acme/Groups", group)?;

    let mut client = server.client(SCIM)?;
    let everyone = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "everyone"});
    let everyone = text(&client.call("POST", "/scim/v2/acme/Groups", Some(&everyone), 201)?, "id")?;
    let (mut costs, mut pages) = (Vec::new(), Vec::new());
    for (n, members) in users.chunks(MEMBERS).enumerate() {
        let patch = adding(members);
        let path = format!("/scim/v2/acme/Groups/{everyone}");
        costs.push(server.cost(|| client.call("PATCH", &path, Some(&patch), 200))?.1);
        if n == 0 || n + 1 == users.len().div_ceil(MEMBERS) {
            pages.push(page(server, &mut client)?);
        }
    }
    report.ends("a thousand members more of one group, first and last tenth", ends(&costs));
    if let [small, large] = *pages {
        let many = users.len();
        report.ends(&format!("100 users with their groups, of which one has 1000 members, and {many}"), [small, large]);
    }
    Ok(Pushed { users, everyone })
}

/// What the first page of users costs.
fn page(server: &Server<'_>, client: &mut Client) -> Result<Cost> {
    let costs = (0..PAGES).map(|_| Ok(server.cost(|| client.get("/scim/v2/acme/Users?startIndex=1&count=100"))?.1));
    Ok(middle(&costs.collect::<Result<Vec<_>>>()?))
}

/// Adds users to a group.
pub(super) fn adding(users: &[String]) -> Value {
    let members: Vec<_> = users.iter().map(|id| json!({"value": id})).collect();
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "add", "path": "members", "value": members}],
    })
}

/// The middle cost of the first tenth and of the last.
pub(super) fn ends(costs: &[Cost]) -> [Cost; 2] {
    let tenth = (costs.len() / 10).max(1);
    let first: Vec<_> = costs.iter().take(tenth).copied().collect();
    let last: Vec<_> = costs.iter().rev().take(tenth).copied().collect();
    [middle(&first), middle(&last)]
}

/// The middle of some costs.
pub(super) fn middle(costs: &[Cost]) -> Cost {
    let of = |cost: fn(&Cost) -> std::time::Duration| {
        let mut sorted: Vec<_> = costs.iter().map(cost).collect();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    };
    Cost { wall: of(|cost| cost.wall), cpu: of(|cost| cost.cpu) }
}

fn push(
    server: &Server<'_>,
    report: &mut Report,
    what: &str,
    count: usize,
    path: &str,
    body: impl Fn(usize) -> Value + Sync,
) -> Result<Vec<String>> {
    let mut ids = vec![String::new(); count];
    let mut tenths = Vec::new();
    for tenth in 0..10 {
        let (from, to) = (count * tenth / 10, count * (tenth + 1) / 10);
        let many = u32::try_from(to - from)?;
        let (made, cost) = server.cost_of_one(many, || create(server, path, from..to, &body))?;
        for (n, id) in made {
            *ids.get_mut(n).context("a number of one that was pushed")? = id;
        }
        tenths.push(cost);
    }
    let rate = tenths.len() as f64 / tenths.iter().map(|cost| cost.wall.as_secs_f64()).sum::<f64>();
    report.line(&format!("{count} {what} pushed by SCIM"), &format!("{rate:.0} a second"));
    report.ends(&format!("one of the {what}, first and last tenth"), ends(&tenths));
    Ok(ids)
}

fn create(
    server: &Server<'_>,
    path: &str,
    numbers: std::ops::Range<usize>,
    body: &(impl Fn(usize) -> Value + Sync),
) -> Result<Vec<(usize, String)>> {
    let (next, made) = (AtomicUsize::new(numbers.start), Mutex::new(Vec::new()));
    let worker = || -> Result<()> {
        let mut client = server.client(SCIM)?;
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= numbers.end {
                return Ok(());
            }
            let id = text(&client.call("POST", path, Some(&body(n)), 201)?, "id")?;
            made.lock().map_err(|_| anyhow::anyhow!("a client failed"))?.push((n, id));
        }
    };
    super::together(CLIENTS, worker)?;
    Ok(made.into_inner().unwrap_or_default())
}
