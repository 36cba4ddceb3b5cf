//! Scenario files, read strictly: every fault has its file, line and field, and says what was meant.

mod beginning;
mod directory;
mod expected;
mod known;
mod step;
mod story;
mod text;

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use usher_policy::Policy;
use usher_policy_file::{Fault, Node, Recorded};

use self::known::Known;
use crate::Scenario;
use crate::policy::{Changes, without_inline_keys};
use crate::step::Step;

/// The longest scenario file or policy that is read, in bytes.
const MAX_LEN: u64 = 16 << 20;

/// What is wrong with a scenario file.
#[derive(Clone, Debug)]
pub struct Faulty {
    /// The file.
    pub file: PathBuf,
    /// Every fault, in the order of the file.
    pub faults: Vec<Fault>,
}

impl std::fmt::Display for Faulty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let file = self.file.display();
        for (index, fault) in self.faults.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            match fault.line {
                Some(line) => write!(f, "{end}{file}:{line}: {fault}")?,
                None => write!(f, "{end}{file}: {fault}")?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for Faulty {}

/// The scenarios of a file. `policy` is the one for files that name no `base`.
///
/// # Errors
/// It cannot be read, or it has faults: all of them.
pub fn file(path: &Path, policy: Option<&Path>) -> Result<Vec<Scenario>, Faulty> {
    scenarios(path, &text(path)?, policy)
}

/// The scenarios of a file's text; `path` is where it stands.
///
/// # Errors
/// As [`file()`].
pub fn scenarios(path: &Path, text: &str, policy: Option<&Path>) -> Result<Vec<Scenario>, Faulty> {
    usher_policy_file::from_yaml_with(text, |root| story::read(root, path, policy))
        .map_err(|faults| Faulty { file: path.to_owned(), faults })
}

/// Steps alone, as they stand in a scenario; a token may be used `again` that an earlier playing made.
///
/// # Errors
/// Every fault.
pub fn steps(text: &str, policy: &Policy) -> Result<Vec<Step>, Faulty> {
    let known = Known::new(policy, None);
    usher_policy_file::from_yaml_with(text, |root| root.list(1..=10_000, |item| step::read(item, &known)))
        .map_err(|faults| Faulty { file: PathBuf::from("steps"), faults })
}

/// Changes alone, as they stand in a scenario.
///
/// # Errors
/// Every fault.
pub fn changes(text: &str) -> Result<Changes, Faulty> {
    usher_policy_file::from_yaml_with(text, story::changes)
        .map_err(|faults| Faulty { file: PathBuf::from("changes"), faults })
}

/// A policy file as JSON, not yet looked at; the keys that stand in it are taken away.
///
/// # Errors
/// It cannot be read, or is no YAML.
pub fn policy(path: &Path) -> Result<Value, Faulty> {
    let text = text(path)?;
    let mut policy =
        usher_policy_file::yaml_to_json(&text).map_err(|faults| Faulty { file: path.to_owned(), faults })?;
    without_inline_keys(&mut policy);
    Ok(policy)
}

/// The text of a file.
///
/// # Errors
/// It is no regular file, too long, or cannot be read.
pub fn text(path: &Path) -> Result<String, Faulty> {
    text_of(path).map_err(|message| faulty(path, message))
}

fn faulty(path: &Path, message: String) -> Faulty {
    Faulty { file: path.to_owned(), faults: vec![Fault { path: String::new(), line: None, message }] }
}

/// The text of a regular file that is not too long.
fn text_of(path: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err("cannot be read: not a regular file".to_owned());
    }
    let mut text = String::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(MAX_LEN + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > MAX_LEN {
        return Err(format!("longer than {MAX_LEN} bytes"));
    }
    Ok(text)
}

/// A value that must not be written at all.
fn refuse<T>(node: &Node<'_>, message: impl Into<String>) -> Result<T, Recorded> {
    Err(node.fault(message))
}
