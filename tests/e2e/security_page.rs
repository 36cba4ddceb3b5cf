//! `docs/security.md` and `SECURITY.md` name tests that exist, and what it says of the code itself is so.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use usher_tests::binaries;

use crate::rulebook::is_a_test;

#[test]
fn every_attack_names_tests_that_exist() -> Result<()> {
    let page = std::fs::read_to_string(binaries::workspace().join("docs/security.md"))?;
    let (mut rows, mut faults) = (0, Vec::new());
    for (number, line) in (1..).zip(page.lines()) {
        let Some(cells) = line.strip_prefix("| ") else { continue };
        let cells: Vec<&str> = cells.trim_end_matches(" |").split(" | ").collect();
        let [attack, stopped_by, shown_by] = cells.as_slice() else {
            faults.push(format!("line {number}: three cells"));
            continue;
        };
        if *attack == "attack" {
            continue;
        }
        rows += 1;
        let places = stopped_by.split('`').skip(1).step_by(2).filter(|text| is_a_place(text));
        faults.extend(
            places
                .filter(|place| !binaries::workspace().join(place).exists())
                .map(|place| format!("line {number}: no file `{place}`")),
        );
        let tests: Vec<&str> = shown_by.split('`').skip(1).step_by(2).collect();
        if tests.is_empty() {
            faults.push(format!("line {number} shows nothing: {attack}"));
        }
        faults.extend(
            tests.iter().filter(|test| !is_a_test(test)).map(|test| format!("line {number}: no test `{test}`")),
        );
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    ensure!(rows > 45, "only {rows} rows were found");
    Ok(())
}

#[test]
fn every_promise_names_tests_that_exist() -> Result<()> {
    let page = std::fs::read_to_string(binaries::workspace().join("SECURITY.md"))?;
    let (_, promises) = page.split_once("| what fails | then | shown by |\n").context("a table of promises")?;
    let rows: Vec<&str> = promises.lines().skip(1).map_while(|line| line.strip_prefix("| ")).collect();
    ensure!(rows.len() >= 7, "only {} promises were found", rows.len());
    for row in rows {
        let shown_by = row.trim_end_matches(" |").rsplit(" | ").next().unwrap_or_default();
        let tests: Vec<&str> = shown_by.split('`').skip(1).step_by(2).collect();
        ensure!(row.split(" | ").count() == 3 && !tests.is_empty(), "nothing shows: {row}");
        for test in tests {
            ensure!(is_a_test(test), "no test `{test}`: {row}");
        }
    }
    Ok(())
}

/// Whether a text is the path of a file or folder of ours.
fn is_a_place(text: &str) -> bool {
    text.contains('/') && (text.ends_with(".rs") || text.ends_with('/')) && !text.contains([' ', '{', '*'])
}

/// A part of a statement is a text that the compiler knows. What takes any other is kept out by clippy, but in one file.
#[test]
fn no_statement_is_made_of_what_was_sent() -> Result<()> {
    let read = |file: &str| std::fs::read_to_string(binaries::workspace().join(file)).with_context(|| file.to_owned());
    for kept_out in ["sqlx::QueryBuilder", "sqlx::AssertSqlSafe"] {
        ensure!(read("clippy.toml")?.contains(&format!("path = \"{kept_out}\"")), "clippy knows of {kept_out}");
    }
    for file in sources("store/src")? {
        let text = std::fs::read_to_string(&file)?;
        let is_known = file.ends_with("store/src/database/statement.rs");
        let takes_any = text.contains("QueryBuilder") || text.contains("AssertSqlSafe");
        ensure!(is_known || !takes_any, "{} makes statements of any text", file.display());
        let lifted = text.matches("clippy::disallowed_").count();
        let may_lift = usize::from(file.ends_with("store/src/database/mod.rs"));
        ensure!(lifted == may_lift, "{} lifts the lint", file.display());
    }
    let statement = read("store/src/database/statement.rs")?;
    let texts: Vec<&str> = statement.lines().filter(|line| line.contains("text:")).collect();
    ensure!(texts.len() == 2 && texts.iter().all(|line| line.contains("text: &'static str)")), "{texts:?}");
    Ok(())
}

#[test]
fn the_store_can_ask_nobody() -> Result<()> {
    let manifest = std::fs::read_to_string(binaries::workspace().join("store/Cargo.toml"))?;
    let shipped = manifest.split("[dev-dependencies]").next().context("a manifest has dependencies")?;
    for client in ["ureq", "reqwest", "isahc", "attohttpc", "curl", "hyper-rustls", "awc", "surf"] {
        let is_there = shipped.lines().any(|line| line.starts_with(client));
        ensure!(!is_there, "the store depends on `{client}`");
    }
    for file in sources("store/src")? {
        let text = std::fs::read_to_string(&file)?;
        let is_test = file.ends_with("tests.rs");
        let opens =
            text.contains("TcpStream::connect") || text.contains("client::conn") || text.contains("Command::new");
        ensure!(is_test || !opens, "{} opens connections", file.display());
    }
    Ok(())
}

/// How long a comparison takes says nothing of a secret: hashes of all of them are compared, each to its end.
#[test]
fn secrets_are_compared_in_constant_time() -> Result<()> {
    let text = std::fs::read_to_string(binaries::workspace().join("store/src/secrets.rs"))?;
    let compared =
        text.split_once("fn matches(&self, other: &Self) -> Choice {").and_then(|(_, rest)| rest.split('}').next());
    ensure!(compared.context("a comparison")?.trim() == "self.0.ct_eq(&other.0)", "not by `subtle`");
    let find = text.split_once("\nfn find<").and_then(|(_, rest)| rest.split("\n}\n").next()).context("a look-up")?;
    for early in ["return", "break", "?", ".find(", ".any(", ".position(", "=="] {
        ensure!(!find.contains(early), "`{early}` ends a look-up of a token early");
    }
    // Whoever holds hashes of presented tokens elsewhere could compare them in another way.
    for file in sources("store/src")? {
        let is_known = ["store/src/secrets.rs", "store/src/http/rate.rs"].iter().any(|known| file.ends_with(known));
        ensure!(is_known || !std::fs::read_to_string(&file)?.contains("SecretHash"), "{}", file.display());
    }
    Ok(())
}

/// The one place where it is allowed: how the filter reaches its host.
const RAW: &str = "filter/src/raw/";

#[test]
fn nothing_is_unsafe_but_the_filters_way_into_its_host() -> Result<()> {
    let manifest = |of: &str| std::fs::read_to_string(binaries::workspace().join(of).join("Cargo.toml"));
    ensure!(manifest("")?.contains("unsafe_code = \"forbid\""), "the workspace forbids it");
    ensure!(manifest("filter")?.contains("unsafe_code = \"deny\""), "the filter denies it");
    for member in ["policy", "policy-file", "primitives", "scenario", "store", "usher", "tests", "xtask"] {
        ensure!(manifest(member)?.contains("[lints]\nworkspace = true"), "{member} keeps to the workspace's lints");
    }
    // The lint can be lifted in a place: nobody has, but where it is known.
    for file in sources("filter/src")? {
        let text = std::fs::read_to_string(&file)?;
        let is_raw = file.display().to_string().contains(RAW);
        ensure!(is_raw || !text.contains("unsafe_code"), "{} lifts the lint", file.display());
    }
    Ok(())
}

/// Every Rust file below a folder of the workspace.
fn sources(folder: &str) -> Result<Vec<PathBuf>> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
        for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() && !path.ends_with("target") {
                walk(&path, found)?;
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    walk(&binaries::workspace().join(folder), &mut found)?;
    ensure!(!found.is_empty(), "{folder} has no sources");
    Ok(found)
}
