//! The subcommands, one module each.

mod administration;
mod audit;
mod check;
mod demo;
mod discover;
mod explain;
mod failure;
mod members;
mod ready;
mod render;
mod seats;
mod store;
mod sync;
mod test;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;

pub(crate) use administration::CA_ENV;
pub(crate) use failure::Failure;

/// What `usher` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show who changed what, when, why, and by which request, in a running store
    Audit(audit::Audit),
    /// Check a policy file: every fault with file, line and field; warnings of lock-outs and dead mappings
    Check(check::Check),
    /// Run everything at once on this machine: identity provider, store, product, Envoy with the filter
    Demo(demo::Demo),
    /// Print the connection stanza for an OpenID provider, from its discovery document
    Discover(discover::Discover),
    /// Explain what happens to one request, step by step; exit 0 allow, 3 deny, 1 error
    Explain(explain::Explain),
    /// List, add, show, change, suspend, unlink and remove members in a running store
    Members(members::Members),
    /// Ask a running store whether it is ready, as a health check; exit 0 ready, 3 not ready, 1 no answer
    Ready(ready::Ready),
    /// Print a gateway's configuration, complete and ready to run
    Render(render::Render),
    /// Show an organization's seats in a running store
    Seats(seats::Seats),
    /// Run the membership store
    Store(store::Store),
    /// Reconcile memberships with the directory and the policy, in a running store; exit 3 if removals wait for --confirm
    Sync(sync::Sync),
    /// Play scenario files against a policy, for your own CI; exit 0 all hold, 1 some do not, 2 bad files
    Test(test::Test),
}

impl Command {
    /// Runs it to its end.
    ///
    /// # Errors
    /// It could not do its work.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match self {
            Self::Audit(audit) => audit.run(),
            Self::Check(check) => check.run(),
            Self::Demo(demo) => demo.run(),
            Self::Discover(discover) => discover.run(),
            Self::Explain(explain) => explain.run(),
            Self::Members(members) => members.run(),
            Self::Ready(ready) => ready.run(),
            Self::Render(render) => render.run(),
            Self::Seats(seats) => seats.run(),
            Self::Store(store) => store.run(),
            Self::Sync(sync) => sync.run(),
            Self::Test(test) => test.run(),
        }
    }
}

/// A file's content, up to one byte more than `limit`: enough to see that it is too long.
fn read_bounded(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    bounded(File::open(path)?, limit)
}

/// All that is there, up to one byte more than `limit`: enough to see that it is too long.
fn bounded(source: impl Read, limit: usize) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    let limit = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    source.take(limit).read_to_end(&mut content)?;
    Ok(content)
}
