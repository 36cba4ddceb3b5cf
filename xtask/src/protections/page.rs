//! The rows of `docs/security.md`.

use anyhow::{Context, Result};

use crate::paths;

/// One attack, and the tests that show what stops it.
pub(super) struct Row {
    /// What is tried, as Markdown.
    pub(super) attack: String,
    /// `file: name`, as they stand there.
    pub(super) tests: Vec<String>,
}

/// Every row of every table.
pub(super) fn rows() -> Result<Vec<Row>> {
    let page = std::fs::read_to_string(paths::root()?.join("docs/security.md")).context("docs/security.md")?;
    let cells =
        page.lines().filter_map(|line| line.strip_prefix("| ")).map(|line| line.split(" | ").collect::<Vec<_>>());
    Ok(cells
        .filter_map(|cells| match cells.as_slice() {
            [attack, _, shown_by] if *attack != "attack" => Some(Row {
                attack: (*attack).to_owned(),
                tests: shown_by.split('`').skip(1).step_by(2).map(str::to_owned).collect(),
            }),
            _ => None,
        })
        .collect())
}
