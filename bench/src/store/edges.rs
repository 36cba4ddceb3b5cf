//! Edges that follow the feed while members change: how many changes a second, how late each edge has them, and what an
//! edge more costs the store.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::Extent;
use super::client::{ADMIN, FILTER, Server, text};
use super::report::Report;
use crate::stats::percentiles;

/// How many change members at once, each others than the rest.
const WRITERS: usize = 8;
const MEMBERS: usize = 500;

/// Changes a second that are tried, all writers together.
const RATE: f64 = 1000.0;

/// What a filter asks for at a time.
const POLL: &str = "limit=500&wait=1s";

/// How many follow.
const EDGES: [usize; 4] = [0, 1, 10, 50];

/// When each change of a member was acknowledged, and when each edge had it: the first of the one belongs to the first of
/// the other.
type Times = HashMap<String, Vec<Instant>>;

pub(super) fn measure(server: &Server<'_>, extent: &Extent, report: &mut Report) -> Result<()> {
    let members = members(server)?;
    for edges in EDGES {
        let position = newest(server)?;
        let (acknowledged, seen) = (Mutex::new(Times::new()), Mutex::new(Vec::new()));
        let (written, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
        let ((), cost) = server.cost(|| {
            std::thread::scope(|scope| {
                let followers: Vec<_> = (0..edges)
                    .map(|_| {
                        scope.spawn(|| {
                            let times = follow(server, &position, &written, &is_over)?;
                            seen.lock().map_err(|_| anyhow::anyhow!("an edge failed"))?.push(times);
                            Ok(())
                        })
                    })
                    .collect();
                let writers: Vec<_> = members
                    .chunks(members.len().div_ceil(WRITERS))
                    .map(|members| scope.spawn(|| change(server, members, extent, &written, &acknowledged)))
                    .collect();
                let wrote = joined(writers);
                is_over.store(true, Ordering::SeqCst);
                joined(followers).and(wrote)
            })
        })?;
        let count = written.into_inner();
        let rate = count as f64 / cost.wall.as_secs_f64();
        let acknowledged = acknowledged.into_inner().unwrap_or_default();
        let late = lateness(&acknowledged, &seen.into_inner().unwrap_or_default())?;
        let [p50, p99, _] = percentiles(&late).map(|late| late.as_secs_f64() * 1e3);
        let each = cost.cpu.as_secs_f64() * 1e6 / count.max(1) as f64;
        let lag = if edges > 0 { format!(", late by {p50:.1} ms (p50), {p99:.1} ms (p99)") } else { String::new() };
        let what = format!("changes, with {edges} edges that follow");
        report.line(&what, &format!("{rate:.0} a second, {each:.0} us of processor a change{lag}"));
    }
    Ok(())
}

/// Waits for threads; the first failure counts.
fn joined<T>(threads: Vec<std::thread::ScopedJoinHandle<'_, Result<T>>>) -> Result<()> {
    threads.into_iter().try_for_each(|thread| match thread.join() {
        Ok(done) => done.map(drop),
        Err(_) => bail!("a client failed"),
    })
}

/// Members whom no group decides about.
fn members(server: &Server<'_>) -> Result<Vec<String>> {
    let page = server.client(ADMIN)?.get(&format!("/v1/organizations/doors/members?limit={MEMBERS}"))?;
    let members = page.get("members").and_then(Value::as_array).context("a page of members")?;
    members.iter().map(|member| text(member, "id")).collect()
}

/// The feed's end.
fn newest(server: &Server<'_>) -> Result<String> {
    let login = json!({
        "connection": "okta", "issuer": "https://acme.okta.example", "subject": "sub-0", "email": "door-0@acme.example",
        "issued_at": super::logins::SIGNED, "plan": {"do": "ensure", "role": "user"},
    });
    let answer = server.client(FILTER)?.call("POST", "/v1/organizations/doors/logins", Some(&login), 200)?;
    text(&answer, "position")
}

/// Gives members another role and takes it back, one after the other, at this writer's part of the rate or as fast as it can.
fn change(
    server: &Server<'_>,
    members: &[String],
    extent: &Extent,
    written: &AtomicU64,
    acknowledged: &Mutex<Times>,
) -> Result<()> {
    let mut client = server.client(ADMIN)?;
    let pause = Duration::from_secs_f64(WRITERS as f64 / RATE);
    let (mut times, began, mut due) = (Times::new(), Instant::now(), Instant::now());
    for member in members.iter().cycle().take_while(|_| began.elapsed() < extent.span) {
        // There and back: whoever measures next finds everyone as they were.
        for role in ["admin", "user"] {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            due += pause;
            let path = format!("/v1/organizations/doors/members/{member}");
            client.call("PATCH", &path, Some(&json!({"role": role})), 200)?;
            times.entry(member.clone()).or_default().push(Instant::now());
            written.fetch_add(1, Ordering::SeqCst);
        }
    }
    acknowledged.lock().map_err(|_| anyhow::anyhow!("a writer failed"))?.extend(times);
    Ok(())
}

/// Follows the feed from here, as a filter does, until everything that was written has come.
fn follow(server: &Server<'_>, from: &str, written: &AtomicU64, is_over: &AtomicBool) -> Result<Times> {
    let mut client = server.client(FILTER)?;
    let (mut times, mut position, mut count) = (Times::new(), from.to_owned(), 0);
    while !is_over.load(Ordering::SeqCst) || count < written.load(Ordering::SeqCst) {
        let page = client.get(&format!("/v1/changes?{POLL}&after={position}"))?;
        let now = Instant::now();
        for change in page.get("changes").and_then(Value::as_array).context("a page of changes")? {
            times.entry(text(change, "member")?).or_default().push(now);
            count += 1;
        }
        position = text(&page, "position")?;
    }
    Ok(times)
}

/// How much later than acknowledged every edge had every change. Nobody may miss one.
fn lateness(acknowledged: &Times, seen: &[Times]) -> Result<Vec<Duration>> {
    let mut late = Vec::new();
    for times in seen {
        for (member, written) in acknowledged {
            let had = times.get(member).map(Vec::as_slice).unwrap_or_default();
            if had.len() != written.len() {
                bail!("an edge has {} changes of one member, {} were written", had.len(), written.len());
            }
            late.extend(written.iter().zip(had).map(|(written, had)| had.saturating_duration_since(*written)));
        }
    }
    Ok(late)
}
