//! `cargo xtask protections [WORD…]`: takes out what stops each attack of `docs/security.md`, one at a time, in a copy of the
//! workspace, and wants a test of that row to go red.

mod page;
mod table;
mod tests;
mod tree;

use anyhow::{Result, bail};

use crate::{envoy, peer, postgres, shell, target};
use page::Row;
use tests::{Stale, Verdict};
use tree::Tree;

/// One change: file, what stands there once, and what is put in its place.
type Edit = (&'static str, &'static str, &'static str);

/// A row of the page, by how its attack begins, and what takes its protection out. A row that tells of several attacks has
/// several: each is tried by itself.
type Protection = (&'static str, &'static [Edit]);

/// Tries the rows whose attack has one of these words in it, or all of them.
pub(crate) fn try_all(words: &[String]) -> Result<()> {
    target::ready()?;
    envoy::ready()?;
    postgres::ready()?;
    peer::ready()?;
    let rows = page::rows()?;
    let chosen: Vec<(&Protection, &Row)> = table::all()
        .filter_map(|protection| Some((protection, rows.iter().find(|row| row.attack.starts_with(protection.0))?)))
        .filter(|(_, row)| words.is_empty() || words.iter().any(|word| row.attack.contains(word.as_str())))
        .collect();
    if chosen.is_empty() {
        bail!("no row of docs/security.md has such a word in its attack");
    }
    let tree = Tree::copy()?;
    shell::progress("first with every protection in its place");
    tests::all_green(&tree, chosen.iter().flat_map(|(_, row)| &row.tests))?;
    let (mut unnoticed, mut left) = (Vec::new(), Stale::default());
    for ((_, edits), row) in &chosen {
        let before = tree.change(edits)?;
        let verdict = tests::first_red(&tree, &row.tests, edits.iter().map(|(file, ..)| *file), &mut left);
        Tree::restore(before)?;
        let told = match verdict {
            Ok(Verdict::Red(test)) => test,
            Ok(Verdict::Unnoticed) => {
                unnoticed.push(format!("{} ({})", row.attack, what(edits)));
                "**nothing noticed**".to_owned()
            }
            Err(error) => {
                unnoticed.push(format!("{} ({})", row.attack, what(edits)));
                format!("**could not be tried**: {error:#}")
            }
        };
        println!("| {} | {} | {told} |", row.attack, what(edits));
    }
    match unnoticed.as_slice() {
        [] => Ok(()),
        unnoticed => bail!("no test noticed that these could get through: {}", unnoticed.join("; ")),
    }
}

/// The first of the changes, in one line.
fn what(edits: &[Edit]) -> String {
    let Some((file, is, _)) = edits.first() else { return String::new() };
    let line = is.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    format!("`{file}`: `{line}`")
}

#[cfg(test)]
mod checks {
    use super::*;
    use crate::paths;

    #[test]
    fn every_row_has_a_protection_that_can_be_taken_out() {
        let rows = page::rows().unwrap();
        for row in &rows {
            assert!(
                table::all().any(|(attack, _)| row.attack.starts_with(attack)),
                "no protection for `{}`",
                row.attack
            );
        }
        for (attack, _) in table::all() {
            let of_it = rows.iter().filter(|row| row.attack.starts_with(attack)).count();
            assert_eq!(of_it, 1, "rows that begin with `{attack}`");
        }
        assert!(rows.len() > 60, "only {} rows", rows.len());
    }

    #[test]
    fn what_is_changed_stands_once_where_it_is_looked_for() {
        let mut faults = Vec::new();
        for (attack, edits) in table::all() {
            assert!(!edits.is_empty(), "{attack}");
            for (file, is, instead) in *edits {
                let text = std::fs::read_to_string(paths::root().unwrap().join(file)).expect(file);
                let count = text.matches(is).count();
                if count != 1 || is == instead {
                    faults.push(format!("{attack}: {count} times in {file}: {is}"));
                }
            }
        }
        assert!(faults.is_empty(), "{faults:#?}");
    }
}
