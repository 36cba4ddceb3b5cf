//! `cargo xtask`: builds, runs and tests usher on a fresh machine.

mod alerts;
mod archive;
mod bench;
mod bench_store;
mod build;
mod envoy;
mod envoys;
mod fuzz;
mod kinds;
mod miri;
mod node;
mod oci;
mod pages;
mod paths;
mod peer;
mod postgres;
mod protections;
mod prune;
mod python;
mod release;
mod reproduce;
mod scim;
mod shell;
mod soak;
mod supply;
mod target;
mod verbs;
mod wasm_opt;
mod wheel;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask <verb>

  build          the command and the filter, release, into target/usher/
  alerts         checks the alert rules and plays their tests with promtool
  target         adds the Rust target of the filter, where it is missing
  envoy          finds or fetches Envoy, as target/usher/envoy
  kinds          gets the published schemas of Kubernetes kinds for the tests
  envoys [--tests]
                 tries every Envoy that usher runs in, and writes the table of docs/envoy.md
  postgres       finds PostgreSQL for the tests, or fetches it as target/usher/postgresql
  bench [args]   measures what a request costs beside other ways, in one Envoy
  bench store    measures a large store: pushes, pages, the feed, logins, on both databases
  fuzz --minutes N
                 gives what is read from outside new cases until the time is up
  miri           runs the tests of the filter's unsafe code under Miri, which a nightly Rust has
  pages          looks at every denial page in every language with Chromium and axe-core
  pictures       takes the README's pictures of demo and denial page with Chromium
  protections [WORD…]
                 takes out what stops each attack of docs/security.md, in a copy, and wants a red test
  release [--platform linux/arm64]
                 everything that is shipped, into target/release-VERSION/ (`apt install musl-tools`)
  reproduce      builds the filter in two folders and compares
  sbom           what usher is made of, as CycloneDX, into target/usher/
  soak --minutes N
                 load with everything that can go wrong at the edge, until the time is up
  soak --reloads N
                 load while the policy is replaced so many times
  demo [args]    builds everything and runs `usher demo [args]`
  scim           runs scim2-tester and scim-sanity against a store
  test [args]    sets everything up and runs all tests: `cargo test --workspace [args]`
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let verb = arguments.next();
    let rest: Vec<String> = arguments.collect();
    let done = match (verb.as_deref(), rest.as_slice()) {
        (Some("alerts"), []) => alerts::check(),
        (Some("build"), []) => build::all(),
        (Some("target"), []) => target::ready(),
        (Some("envoy"), []) => envoy::ready().map(drop),
        (Some("envoys"), rest) => envoys::table(rest),
        (Some("kinds"), []) => kinds::ready(),
        (Some("postgres"), []) => postgres::ready(),
        (Some("bench"), [what, rest @ ..]) if what == "store" => bench_store::run(rest),
        (Some("bench"), rest) => bench::compare(rest),
        (Some("fuzz"), rest) => fuzz::run(rest),
        (Some("miri"), []) => miri::run(),
        (Some("pages"), []) => pages::look(),
        (Some("pictures"), []) => pages::take_pictures(),
        (Some("protections"), words) => protections::try_all(words),
        (Some("release"), rest) => release::make(rest),
        (Some("reproduce"), []) => reproduce::twice(),
        (Some("sbom"), []) => supply::sbom(),
        (Some("soak"), rest) => soak::run(rest),
        (Some("demo"), rest) => verbs::demo(rest),
        (Some("scim"), []) => scim::conform(),
        (Some("test"), rest) => verbs::test(rest),
        (Some("help" | "--help" | "-h"), []) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        (verb, _) => {
            if let Some(verb) = verb {
                eprintln!("xtask: there is no verb `{verb}`, or none with these arguments\n");
            }
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
