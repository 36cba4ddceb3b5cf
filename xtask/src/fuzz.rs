//! `cargo xtask fuzz --minutes N`: the targets of the tests, with new cases until the time is up.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use crate::{peer, shell};

/// How many cases a target gets in one round.
const CASES: u64 = 20_000;

/// Where the targets are: arguments of `cargo test`.
const TARGETS: [&[&str]; 2] =
    [&["--package", "usher-policy", "--test", "fuzz"], &["--package", "usher-store", "--lib", "scim::fuzz"]];

/// Runs rounds until the time is up; the first case that fails ends it, and is told so that it can be played again.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    peer::ready()?;
    let deadline = Instant::now() + minutes(arguments)?;
    let mut seed =
        u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos() & u128::from(u64::MAX >> 16))?;
    while Instant::now() < deadline {
        shell::progress(&format!("fuzzing: {CASES} cases a target, from seed {seed}"));
        for target in TARGETS {
            let mut cargo = shell::cargo()?;
            cargo.args(["test", "--quiet"]).args(target);
            cargo.env("USHER_FUZZ_SEED", seed.to_string()).env("USHER_FUZZ_CASES", CASES.to_string());
            shell::run(&mut cargo, "install Rust with rustup")?;
        }
        seed += CASES;
    }
    Ok(())
}

/// The time that `--minutes N` says.
pub(crate) fn minutes(arguments: &[String]) -> Result<Duration> {
    match arguments {
        [flag, number] if flag == "--minutes" => {
            let minutes: u64 = number.parse().with_context(|| format!("--minutes {number}: not a number"))?;
            Ok(Duration::from_secs(minutes * 60))
        }
        _ => bail!("write `--minutes N`"),
    }
}
