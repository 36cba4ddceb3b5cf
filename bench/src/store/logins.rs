//! Logins, in turns with the SQL that they come down to, by as many clients.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::Result;
use serde_json::json;

use super::Extent;
use super::bare::Bare;
use super::client::{FILTER, Server};
use super::databases::Database;
use super::report::Report;
use crate::stats::Spread;

/// How many call at once.
pub(super) const CLIENTS: usize = 8;

/// Who logs in: different people, so that nobody waits for the same one.
pub(super) const PEOPLE: u64 = 1000;

/// When the first assertions were signed.
pub(super) const SIGNED: u64 = 1_700_000_000;

pub(super) fn measure(server: &Server<'_>, database: &Database, extent: &Extent, report: &mut Report) -> Result<()> {
    let (next, age) = (AtomicU64::new(0), AtomicU64::new(0));
    // Everyone once, so that they are members and their last login is written.
    let mut first = server.client(FILTER)?;
    for person in 0..PEOPLE {
        log_in(&mut first, person, 0)?;
    }
    let bare = Bare::new(database)?;
    for (what, renews) in [("known and unchanged", false), ("with a newer assertion, which is written", true)] {
        let (mut of_store, mut of_bare) = (Vec::new(), Vec::new());
        for _ in 0..extent.rounds {
            of_store.push(rate(extent, |deadline| {
                let mut client = server.client(FILTER)?;
                let mut done = 0;
                while Instant::now() < deadline {
                    let person = next.fetch_add(1, Ordering::Relaxed) % PEOPLE;
                    // Each assertion is newer than any before.
                    let newer = if renews { age.fetch_add(1, Ordering::Relaxed) + 1 } else { 0 };
                    log_in(&mut client, person, newer)?;
                    done += 1;
                }
                Ok(done)
            })?);
            of_bare.push(bare.rate(extent.span, renews)?);
        }
        let (of_store, of_bare) = (Spread::of(&of_store).median, Spread::of(&of_bare).median);
        let figure = format!("{of_store:.0} a second, {of_bare:.0} of bare SQL: {:.2}", of_store / of_bare);
        report.line(&format!("logins, {what}"), &figure);
    }
    Ok(())
}

fn log_in(client: &mut super::client::Client, person: u64, newer: u64) -> Result<()> {
    let login = json!({
        "connection": "okta", "issuer": "https://acme.okta.example", "subject": format!("sub-{person}"),
        "email": format!("door-{person}@acme.example"), "issued_at": SIGNED + newer,
        "plan": {"do": "ensure", "role": "user"},
    });
    client.call("POST", "/v1/organizations/doors/logins", Some(&login), 200).map(drop)
}

/// How many a second all clients do together.
fn rate(extent: &Extent, work: impl Fn(Instant) -> Result<u64> + Sync) -> Result<f64> {
    let (began, done) = (Instant::now(), AtomicU64::new(0));
    super::together(CLIENTS, || {
        done.fetch_add(work(began + extent.span)?, Ordering::Relaxed);
        Ok(())
    })?;
    Ok(done.into_inner() as f64 / began.elapsed().as_secs_f64())
}
