//! `cargo xtask bench`: what a request costs, beside other ways to the same end.

mod bare_filter;
mod changes;
mod compare;
mod cpu;
mod curves;
mod envoy;
mod grpc;
mod load;
mod origin;
mod people;
mod report;
mod stats;
mod store;
mod variants;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use usher_tests::binaries;

use crate::compare::Extent;
use crate::variants::Builds;

const USAGE: &str = "\
usage: cargo xtask bench [options]
       cargo xtask bench curves [sessions|organizations|groups|floods|feed|warming]

  --rounds N       how often each is measured, in turns (15)
  --seconds S      how long each time (1)
  --rate R         requests a second for the latencies (1000; 0 leaves them out)
  --no-upstream    Envoy answers itself, which leaves less else in the figures
  --only NAME,…    of the variants only those whose names begin so, and the router
  --beside FILE    the same with another build of the filter, to compare two
  --write          the results become docs/benchmark.md and docs/benchmark.svg
";

/// What of the page was written by hand begins with this.
const BY_HAND: &str = "## How to read this";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["service", name, address] => service(name, address),
        ["compare", "curves"] => curves::run(&binaries::filter()?.canonicalize()?, None),
        ["compare", "curves", only] => curves::run(&binaries::filter()?.canonicalize()?, Some(only)),
        ["compare", rest @ ..] => compare(rest),
        ["store", rest @ ..] => store::run(rest),
        _ => bail!("{USAGE}"),
    }
}

/// A process that is measured beside Envoy.
fn service(name: &str, address: &str) -> Result<()> {
    let address = address.parse()?;
    match name {
        "authz-grpc" => grpc::serve(address),
        "authz-http" => origin::serve(address, &compare::authz_answer()),
        "plain" => origin::serve(address, &compare::plain_answer()),
        other => bail!("no such service: {other}"),
    }
}

fn compare(options: &[&str]) -> Result<()> {
    let mut extent =
        Extent { rounds: 15, span: Duration::from_secs(1), rate: 1000, has_upstream: true, only: Vec::new() };
    let (mut is_written, mut other) = (false, None);
    let mut options_left = options.iter();
    while let Some(option) = options_left.next() {
        let mut value = || options_left.next().with_context(|| format!("`{option}` wants a value"));
        match *option {
            "--rounds" => extent.rounds = value()?.parse()?,
            "--seconds" => extent.span = Duration::try_from_secs_f64(value()?.parse()?)?,
            "--rate" => extent.rate = value()?.parse()?,
            "--only" => extent.only = value()?.split(',').map(str::to_owned).collect(),
            "--no-upstream" => extent.has_upstream = false,
            "--beside" => other = Some(PathBuf::from(value()?).canonicalize()?),
            "--write" => is_written = true,
            _ => bail!("{USAGE}"),
        }
    }
    let own = binaries::filter()?.canonicalize()?;
    let figures = compare::run(&Builds { own: &own, other: other.as_deref() }, &extent)?;
    let report = report::markdown(&figures, &extent, options)?;
    println!("{report}");
    if is_written {
        let docs = binaries::workspace().join("docs");
        let page = docs.join("benchmark.md");
        // What was written by hand stays.
        let before = std::fs::read_to_string(&page).unwrap_or_default();
        let by_hand = before.find(BY_HAND).and_then(|at| before.get(at..)).unwrap_or_default();
        std::fs::write(page, format!("{}\n\n{by_hand}", report.trim_end()))?;
        std::fs::write(docs.join("benchmark.svg"), report::chart(&figures))?;
    }
    Ok(())
}
