//! Lists, page by page: the last page must cost what the first one does.

use anyhow::{Result, ensure};
use serde_json::Value;

use super::Extent;
use super::client::{ADMIN, SCIM, Server, length};
use super::push::middle;
use super::report::Report;

/// Entries of a page.
const COUNT: usize = 100;

/// How often the first and the last page are read, in turns.
const TIMES: usize = 60;

pub(super) fn measure(server: &Server<'_>, extent: &Extent, report: &mut Report) -> Result<()> {
    let mut directory = server.client(SCIM)?;
    for (what, many, more) in [("Users", extent.users, ""), ("Groups", extent.groups, "&excludedAttributes=members")] {
        let (mut first, mut last) = (Vec::new(), Vec::new());
        let far = many.saturating_sub(COUNT) + 1;
        for _ in 0..TIMES {
            for (start, costs) in [(1, &mut first), (far, &mut last)] {
                let path = format!("/scim/v2/acme/{what}?startIndex={start}&count={COUNT}{more}");
                let (page, cost) = server.cost(|| directory.get(&path))?;
                ensure!(length(&page, "Resources") >= COUNT.min(many), "a page of {what} is not whole");
                costs.push(cost);
            }
        }
        report.ends(&format!("{COUNT} of {many} {what}, first and last page"), [middle(&first), middle(&last)]);
    }

    let mut operator = server.client(ADMIN)?;
    let first = format!("/v1/organizations/staff/members?limit={COUNT}");
    let (mut seen, mut last) = (0, first.clone());
    loop {
        let page = operator.get(&last)?;
        seen += length(&page, "members");
        match page.get("next").and_then(Value::as_str) {
            Some(next) => last = format!("{first}&cursor={next}"),
            None => break,
        }
    }
    ensure!(seen == extent.users, "{seen} members of {} are listed", extent.users);
    let (mut near, mut far) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        near.push(server.cost(|| operator.get(&first))?.1);
        far.push(server.cost(|| operator.get(&last))?.1);
    }
    report.ends(&format!("a page of {seen} members, first and last"), [middle(&near), middle(&far)]);
    Ok(())
}
