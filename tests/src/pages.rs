//! The pages of this repository and what stands in their fenced blocks: the tests run the pages' own text, no copy of it.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::binaries::workspace;

/// A page.
#[derive(Clone, Debug)]
pub struct Page {
    /// Where it is.
    pub path: PathBuf,
    /// The same from the root of the repository, as `docs/guides/okta.md`.
    pub name: String,
    /// All of it.
    pub text: String,
}

/// A fenced block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block<'a> {
    /// What stands behind the fence: a language, and for claims what comes of them.
    pub info: &'a str,
    /// What stands between the fences.
    pub text: &'a str,
}

/// Every page: those at the root, and all under `docs` and `envoy-config`.
///
/// # Errors
/// A folder or page cannot be read.
pub fn all() -> Result<Vec<Page>> {
    let root = workspace();
    let mut folders = vec![(root.clone(), false), (root.join("docs"), true), (root.join("envoy-config"), true)];
    let mut pages = Vec::new();
    while let Some((folder, below)) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| format!("{}", folder.display()))? {
            let path = entry?.path();
            if below && path.is_dir() {
                folders.push((path, true));
            } else if path.extension().is_some_and(|end| end == "md") {
                let name = path.strip_prefix(&root)?.to_string_lossy().into_owned();
                let text = std::fs::read_to_string(&path).with_context(|| name.clone())?;
                pages.push(Page { path, name, text });
            }
        }
    }
    pages.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(pages)
}

/// One page, by its name.
///
/// # Errors
/// It is not there.
pub fn page(name: &str) -> Result<Page> {
    all()?.into_iter().find(|page| page.name == name).with_context(|| format!("there is no page {name}"))
}

impl Page {
    /// Its fenced blocks.
    pub fn blocks(&self) -> Vec<Block<'_>> {
        let mut blocks = Vec::new();
        let mut rest = self.text.as_str();
        while let Some((_, after)) = rest.split_once("\n```") {
            let (info, after) = after.split_once('\n').unwrap_or((after, ""));
            let end = if after.starts_with("```") { 0 } else { after.find("\n```").map_or(after.len(), |end| end + 1) };
            let (text, after) = after.split_at(end);
            blocks.push(Block { info, text });
            rest = after.strip_prefix("```").unwrap_or(after);
        }
        blocks
    }

    /// Its text without them, in which brackets and quotes mean something else.
    pub fn prose(&self) -> String {
        let mut is_code = false;
        let lines = self.text.lines().filter(|line| {
            let is_fence = line.starts_with("```");
            is_code ^= is_fence;
            !is_code && !is_fence
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// What stands in backticks in its prose.
    pub fn quoted(&self) -> Vec<String> {
        let prose = self.prose();
        let (mut quoted, mut rest) = (Vec::new(), prose.as_str());
        while let Some((_, after)) = rest.split_once('`') {
            let ticks = 1 + after.chars().take_while(|letter| *letter == '`').count();
            let Some((text, after)) = after.get(ticks - 1..).and_then(|after| after.split_once(&"`".repeat(ticks)))
            else {
                break;
            };
            quoted.push(text.trim().to_owned());
            rest = after;
        }
        quoted
    }

    /// The one line of its commands that has these words.
    ///
    /// # Errors
    /// None has them, or several.
    pub fn command(&self, words: &str) -> Result<String> {
        let blocks = self.blocks();
        let shell = blocks.iter().filter(|block| block.info == "sh");
        let mut lines = shell.flat_map(|block| block.text.lines()).filter(|line| line.contains(words));
        let line = lines.next().with_context(|| format!("{} says how: `{words}`", self.name))?;
        ensure!(lines.next().is_none(), "{} says it twice: `{words}`", self.name);
        Ok(line.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_and_what_stands_around_them_are_told_apart() {
        let text = "# A\n\n`one`\n\n```sh\necho '```'\n# `no`\n```\nand `` t`o `` and `three`\n\n```json deny\n```\n";
        let page = Page { path: PathBuf::new(), name: "a.md".to_owned(), text: text.to_owned() };
        let expected = [("sh", "echo '```'\n# `no`\n"), ("json deny", "")].map(|(info, text)| Block { info, text });
        assert_eq!(page.blocks(), expected);
        assert_eq!(page.quoted(), ["one", "t`o", "three"]);
        assert_eq!(page.command("echo").unwrap(), "echo '```'");
        assert!(page.command("no such").is_err());
    }
}
