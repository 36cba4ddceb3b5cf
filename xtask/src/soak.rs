//! `cargo xtask soak`: a real Envoy and a real store under load, while everything at the edge goes wrong, or while the policy
//! is replaced again and again.

use anyhow::{Context, Result, bail};

use crate::{build, envoy, fuzz, shell};

/// A test, and the variable that says how long it goes on.
type Soak = (&'static str, &'static str);

const TROUBLE: Soak = ("soak::nothing_gets_past_and_nothing_is_lost", "USHER_SOAK_SECONDS");
const RELOADS: Soak = ("reloads::nothing_of_an_old_policy_stays_and_no_request_is_lost", "USHER_SOAK_RELOADS");

/// Builds what is needed and runs the test for so many minutes, or reloads.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let ((test, variable), length) = length(arguments)?;
    // What may be missing on this machine is told before minutes of compiling.
    envoy::ready()?;
    build::all()?;
    build::filter_with_trap()?;
    shell::progress(&format!("soaking: {variable}={length}"));
    let mut cargo = shell::cargo()?;
    cargo.args(["test", "--package", "usher-tests", "--test", "e2e", "--", "--nocapture", "--exact", test]);
    shell::run(cargo.env(variable, length.to_string()), "install Rust with rustup")
}

fn length(arguments: &[String]) -> Result<(Soak, u64)> {
    match arguments {
        [flag, number] if flag == "--reloads" => {
            let reloads: u64 = number.parse().with_context(|| format!("--reloads {number}: not a number"))?;
            Ok((RELOADS, reloads))
        }
        [flag, _] if flag == "--minutes" => Ok((TROUBLE, fuzz::minutes(arguments)?.as_secs())),
        _ => bail!("write `--minutes N` or `--reloads N`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_soak_is_so_many_minutes_or_reloads() {
        let of = |words: &[&str]| length(&words.iter().map(ToString::to_string).collect::<Vec<_>>()).ok();
        assert_eq!(of(&["--minutes", "10"]), Some((TROUBLE, 600)));
        assert_eq!(of(&["--reloads", "1000"]), Some((RELOADS, 1000)));
        for wrong in
            [&[][..], &["--minutes"], &["--reloads", "many"], &["--minutes", "1", "--reloads", "1"], &["10", "1"]]
        {
            assert_eq!(of(wrong), None, "{wrong:?}");
        }
    }
}
