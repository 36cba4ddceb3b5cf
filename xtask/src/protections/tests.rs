//! The tests of a row, run in the copy: which cargo runs each, what must be built for it, and what came of it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};

use super::tree::Tree;
use crate::{build, paths, shell, target};

/// What became of a row without its protection.
pub(super) enum Verdict {
    /// This test went red.
    Red(String),
    /// All of them stayed green.
    Unnoticed,
}

/// How tests ended.
#[derive(PartialEq, Eq)]
enum Colour {
    Green,
    Red,
}

/// Runs all of these tests, which must be green.
pub(super) fn all_green<'a>(tree: &Tree, tests: impl Iterator<Item = &'a String>) -> Result<()> {
    let mut by_target: BTreeMap<Vec<&str>, Vec<&str>> = BTreeMap::new();
    for test in tests {
        let (target, name) = find(test)?;
        by_target.entry(target).or_default().push(name);
    }
    if by_target.keys().any(|target| is_of_system(target)) {
        Stale::ALL.build(tree)?;
    }
    for (target, names) in by_target {
        ensure!(run(tree, &target, &names)? == Colour::Green, "red before anything was taken out: {names:?}");
    }
    Ok(())
}

/// Runs one after the other until one is red. `changed` are the files that are not as they should be; what was built of such
/// files and is still there is `left`.
pub(super) fn first_red<'a>(
    tree: &Tree,
    tests: &[String],
    changed: impl Iterator<Item = &'a str> + Clone,
    left: &mut Stale,
) -> Result<Verdict> {
    let (before, mut own) = (*left, Stale::default());
    // The quick ones first.
    let (slow, quick): (Vec<_>, Vec<_>) =
        tests.iter().partition(|test| find(test).is_ok_and(|(of, _)| is_of_system(&of)));
    for test in quick.into_iter().chain(slow) {
        let (target, name) = find(test)?;
        if is_of_system(&target) {
            let (file, _) = test.split_once(": ").unwrap_or((test, ""));
            let stale = Stale::of(changed.clone(), file)?;
            // What was built for the row before is not as it should be either.
            let built = stale.or(before);
            built.build(tree)?;
            *left = own.or(Stale { filter_with_trap: built.filter_with_trap && stale.filter, ..stale });
            own = *left;
        }
        if run(tree, &target, &[name])? == Colour::Red {
            return Ok(Verdict::Red(test.clone()));
        }
    }
    Ok(Verdict::Unnoticed)
}

/// The arguments with which cargo runs the target of a test `file: name`, and the name.
fn find(test: &str) -> Result<(Vec<&str>, &str)> {
    let (file, name) = test.split_once(": ").with_context(|| format!("`{test}` is no `file: name`"))?;
    let parts: Vec<&str> = file.split('/').collect();
    let target = match parts.as_slice() {
        ["xtask", ..] => vec!["--package", "xtask"],
        ["usher", "src", ..] => vec!["--package", "usher", "--bins"],
        ["policy", "src", ..] => vec!["--package", "usher-policy", "--lib"],
        ["policy-file", "src", ..] => vec!["--package", "usher-policy-file", "--lib"],
        ["filter", "src", ..] => vec!["--package", "usher-filter", "--lib"],
        ["store", "src", ..] => vec!["--package", "usher-store", "--lib"],
        ["store", "tests", "on_postgres", ..] => vec!["--package", "usher-store", "--test", "postgres"],
        ["store", "tests", "suite", ..] => vec!["--package", "usher-store", "--test", "sqlite"],
        ["usher", "tests", target, ..] => vec!["--package", "usher", "--test", target],
        ["policy", "tests", target, ..] => vec!["--package", "usher-policy", "--test", target],
        ["tests", target, ..] => vec!["--package", "usher-tests", "--test", target],
        _ => bail!("nobody knows how {file} is run"),
    };
    Ok((target, name))
}

/// Whether a target's tests run the built filter and command.
fn is_of_system(target: &[&str]) -> bool {
    target.contains(&"usher-tests")
}

/// What must be built before tests that run the system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stale {
    command: bool,
    filter: bool,
    filter_with_trap: bool,
}

impl Stale {
    const ALL: Self = Self { command: true, filter: true, filter_with_trap: true };

    /// What files of these are in, as far as a test in this file runs it.
    fn of<'a>(changed: impl Iterator<Item = &'a str>, test_file: &str) -> Result<Self> {
        let uses_trap = std::fs::read_to_string(paths::root()?.join(test_file))?.contains("filter_with_trap");
        let mut stale = Self::default();
        for file in changed {
            let is_in = |package: &str| file.starts_with(package);
            stale.command |= !is_in("filter/");
            stale.filter |= ["filter/", "policy/", "policy-file/", "primitives/"].into_iter().any(is_in);
        }
        Ok(Self { filter_with_trap: stale.filter && uses_trap, ..stale })
    }

    fn or(self, other: Self) -> Self {
        Self {
            command: self.command || other.command,
            filter: self.filter || other.filter,
            filter_with_trap: self.filter_with_trap || other.filter_with_trap,
        }
    }

    /// Builds it: quickly, for what it does and not how fast.
    fn build(self, tree: &Tree) -> Result<()> {
        let install = "install Rust with rustup";
        if self.command {
            shell::run(tree.cargo()?.args(["build", "--quiet", "--package", "usher"]), install)?;
            tree.place("debug/usher", "usher")?;
        }
        let filters = [
            (self.filter, None, "quick", "usher.wasm"),
            (self.filter_with_trap, Some("trap"), "quick-trap", "usher-trap.wasm"),
        ];
        for (_, feature, folder, name) in filters.into_iter().filter(|(is_stale, ..)| *is_stale) {
            let mut cargo = tree.cargo()?;
            cargo.args(build::filter_arguments()).args(["--quiet", "--target-dir"]).arg(format!("target/{folder}"));
            cargo.args(feature.map(|feature| format!("--features={feature}")));
            cargo.envs([
                ("CARGO_PROFILE_WASM_LTO", "false"),
                ("CARGO_PROFILE_WASM_OPT_LEVEL", "1"),
                ("CARGO_PROFILE_WASM_CODEGEN_UNITS", "16"),
            ]);
            shell::run(&mut cargo, install)?;
            tree.place(&format!("{folder}/{}/wasm/usher_filter.wasm", target::WASM), name)?;
        }
        Ok(())
    }
}

/// Runs tests of one target by their names.
fn run(tree: &Tree, target: &[&str], names: &[&str]) -> Result<Colour> {
    let mut cargo = tree.cargo()?;
    cargo.arg("test").args(target).arg("--").args(names);
    let output = cargo.output().context("cargo cannot be run")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let results: Vec<&str> = said.lines().filter(|line| line.starts_with("test result: ")).collect();
    if results.iter().any(|line| line.contains("FAILED")) {
        let names = said.lines().filter(|line| line.starts_with("test ") && line.ends_with("FAILED"));
        names.for_each(shell::progress);
        return Ok(Colour::Red);
    }
    if !output.status.success() {
        // A test that takes the whole program down leaves no count of itself.
        ensure!(said.contains("running "), "nothing was run: {}", String::from_utf8_lossy(&output.stderr));
        return Ok(Colour::Red);
    }
    let passed: usize = results.iter().filter_map(|line| line.split(' ').nth(3)?.parse::<usize>().ok()).sum();
    // Two rows may have a test in common.
    let distinct: BTreeSet<_> = names.iter().collect();
    ensure!(passed >= distinct.len(), "{passed} tests were run for {names:?}");
    Ok(Colour::Green)
}
