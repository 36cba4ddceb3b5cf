//! The change feed, from its oldest entry to its newest: nothing missing, nothing twice, every page at the same cost.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Extent;
use super::client::{FILTER, Server, length, text};
use super::databases::Database;
use super::push::middle;
use super::report::Report;

/// Entries of a page.
const LIMIT: usize = 1000;

/// How often the first and the last whole page are read, in turns.
const TIMES: usize = 40;

pub(super) fn measure(server: &Server<'_>, database: &Database, extent: &Extent, report: &mut Report) -> Result<()> {
    database.append_changes(extent.changes.saturating_sub(database.newest_change()?))?;
    let mut filter = server.client(FILTER)?;
    let first = format!("/v1/changes?limit={LIMIT}");
    let (mut last, mut path, mut whole) = (0, first.clone(), first.clone());
    loop {
        let page = filter.get(&path)?;
        for change in page.get("changes").and_then(Value::as_array).context("a page of changes")? {
            let position = text(change, "position")?;
            let number: u64 = position.rsplit('-').next().unwrap_or_default().parse()?;
            ensure!(number == last + 1, "the feed has {number} after {last}");
            last = number;
        }
        if length(&page, "changes") < LIMIT {
            break;
        }
        whole.clone_from(&path);
        path = format!("{first}&after={}", text(&page, "position")?);
    }
    ensure!(last >= extent.changes, "the feed ends at {last}");
    let (mut near, mut far) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        near.push(server.cost(|| filter.get(&first))?.1);
        far.push(server.cost(|| filter.get(&whole))?.1);
    }
    let what = format!("{LIMIT} of {last} changes, none missing, first and last page");
    report.ends(&what, [middle(&near), middle(&far)]);
    Ok(())
}
