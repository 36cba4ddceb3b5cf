//! `cargo xtask soak --minutes N`: a real Envoy and a real store under load, while everything at the edge goes wrong.

use anyhow::Result;

use crate::{build, envoy, fuzz, shell};

/// Builds what is needed and runs the soak test for so long.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let seconds = fuzz::minutes(arguments)?.as_secs();
    build::all()?;
    build::filter_with_trap()?;
    envoy::ready()?;
    shell::progress(&format!("soaking for {seconds} s"));
    let mut cargo = shell::cargo()?;
    cargo.args([
        "test",
        "--package",
        "usher-tests",
        "--test",
        "e2e",
        "--",
        "--nocapture",
        "--exact",
        "soak::nothing_gets_past_and_nothing_is_lost",
    ]);
    shell::run(cargo.env("USHER_SOAK_SECONDS", seconds.to_string()), "install Rust with rustup")
}
