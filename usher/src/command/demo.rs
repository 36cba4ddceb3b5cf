//! `usher demo`: everything at once on this machine.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::Failure;
use crate::demo::{self, Options};

/// The arguments of `usher demo`.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Make the calls, print a table of expected and actual, and exit; 0 only if all is as expected
    #[arg(long)]
    check: bool,
    /// The Envoy binary; default: in PATH, or next to this command
    #[arg(long, value_name = "FILE", env = "ENVOY")]
    envoy: Option<PathBuf>,
    /// The filter; default: usher.wasm next to this command, or in this folder
    #[arg(long, value_name = "FILE")]
    wasm: Option<PathBuf>,
    /// Where Envoy listens; default: 10000, or a free port if that is taken
    #[arg(long)]
    port: Option<u16>,
}

impl Demo {
    /// Runs the demo until it is checked or stopped.
    ///
    /// # Errors
    /// Something that is needed is missing or does not start.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let Self { check, envoy, wasm, port } = self;
        demo::run(&Options { check, envoy, wasm, port }).map_err(|error| Failure::Demo(error.into()))
    }
}
