//! The `usher` command: reads the command line, runs one subcommand, and leaves with its exit code.

mod command;
mod counted;
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

use std::ffi::OsStr;
use std::process::ExitCode;

use clap::builder::Resettable;
use clap::{CommandFactory as _, FromArgMatches as _, Parser};

use command::{CA_ENV, Command};

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

/// The command, and its subcommands, for which a variable that is empty is as good as not set.
fn without_empty(command: clap::Command) -> clap::Command {
    let is_empty = |name: &OsStr| name != CA_ENV && std::env::var_os(name).is_some_and(|value| value.is_empty());
    let arguments = command.mut_args(|argument| match argument.get_env().is_some_and(is_empty) {
        true => argument.env(Resettable::Reset),
        false => argument,
    });
    arguments.mut_subcommands(without_empty)
}

fn main() -> ExitCode {
    let mut arguments = without_empty(CommandLine::command());
    let matches = arguments.try_get_matches_from_mut(std::env::args_os());
    let line = match matches.and_then(|matches| CommandLine::from_arg_matches(&matches)) {
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
