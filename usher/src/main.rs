//! The `usher` command: reads the command line, runs one subcommand, and leaves with its exit code.

mod command;
mod csv;
mod demo;
mod discover;
mod explain;
mod output;
mod policy_file;
mod policy_watch;
mod render;
mod store_client;
mod table;

use std::process::ExitCode;

use clap::Parser;

use command::Command;

/// With musl's own allocator the static binary's store takes three times the processor time.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Checks tickets at the door and shows people to their seats: membership rules for Envoy.
#[derive(Debug, Parser)]
#[command(version, about, propagate_version = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let line = match CommandLine::try_parse() {
        Ok(line) => line,
        Err(usage) => {
            // Nothing can be done when the terminal is gone; the exit code still tells.
            let _ = usage.print();
            return if usage.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    match line.command.run() {
        Ok(code) => code,
        Err(failure) => {
            failure.report();
            ExitCode::FAILURE
        }
    }
}
