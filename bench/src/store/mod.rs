//! `cargo xtask bench store`: what the store does when it is large, on each database: whether a push slows down as it
//! grows, whether pages cost the same wherever they are, and what a login costs beside the SQL that it comes down to.

mod bare;
mod client;
mod databases;
mod edges;
mod feed;
mod groups;
mod logins;
mod pages;
mod push;
mod report;

use std::time::Duration;

use anyhow::{Context, Result, bail};

use self::client::Server;
use self::databases::Database;
use self::report::Report;

const USAGE: &str = "\
usage: cargo xtask bench store [options]

  --users N        users that are pushed by SCIM (10000)
  --groups N       groups, each with its share of the users, and one with all of them (100)
  --changes N      entries of the change feed that are read (100000)
  --seconds S      how long logins, and edges that follow, are measured each time (2)
  --rounds N       how often, in turns with the bare SQL (5)
  --on NAME        `sqlite` or `postgres` alone
";

/// How much is measured.
#[derive(Clone, Copy, Debug)]
struct Extent {
    users: usize,
    groups: usize,
    changes: u64,
    span: Duration,
    rounds: usize,
}

/// Measures what the options ask for and prints it.
///
/// # Errors
/// The store fails, or answers otherwise than it should.
pub(crate) fn run(options: &[&str]) -> Result<()> {
    let mut extent = Extent { users: 10_000, groups: 100, changes: 100_000, span: Duration::from_secs(2), rounds: 5 };
    let mut on = vec!["sqlite", "postgres"];
    let mut options_left = options.iter();
    while let Some(option) = options_left.next() {
        let mut value = || options_left.next().with_context(|| format!("`{option}` wants a value"));
        match *option {
            "--users" => extent.users = value()?.parse()?,
            "--groups" => extent.groups = value()?.parse()?,
            "--changes" => extent.changes = value()?.parse()?,
            "--seconds" => extent.span = Duration::try_from_secs_f64(value()?.parse()?)?,
            "--rounds" => extent.rounds = value()?.parse()?,
            "--on" => on.retain(|name| options_left.as_slice().first().is_some_and(|wanted| name == wanted)),
            _ => bail!("{USAGE}"),
        }
        if *option == "--on" {
            options_left.next();
        }
    }
    if extent.users < 1000 || extent.groups < 10 || extent.users < extent.groups || extent.rounds == 0 || on.is_empty()
    {
        bail!("{USAGE}\nat least 1000 users and 10 groups are needed to tell what grows");
    }
    for name in on {
        let database = Database::new(name)?;
        let server = Server::start(&database)?;
        let mut report = Report::new(name);
        let pushed = push::measure(&server, &extent, &mut report)?;
        groups::measure(&server, &extent, &pushed, &mut report)?;
        pages::measure(&server, &extent, &mut report)?;
        feed::measure(&server, &database, &extent, &mut report)?;
        logins::measure(&server, &database, &extent, &mut report)?;
        edges::measure(&server, &extent, &mut report)?;
    }
    Ok(())
}

/// Does something with several clients at once.
fn together(clients: usize, work: impl Fn() -> Result<()> + Sync) -> Result<()> {
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..clients).map(|_| scope.spawn(&work)).collect();
        all.into_iter().try_for_each(|one| one.join().unwrap_or_else(|_| bail!("a client failed")))
    })
}
