//! A policy file on disk: read once, parsed by the same code as in the store and the filter, its faults told with their lines.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use usher_policy::Policy;
use usher_policy_file::{Checked, Fault};

/// The longest policy file that is read, in bytes.
const MAX_LEN: u64 = 16 * 1024 * 1024;

/// A policy with the text it was read from.
#[derive(Debug)]
pub(crate) struct PolicyFile {
    /// The finished policy.
    pub(crate) policy: Policy,
    path: PathBuf,
    text: String,
}

/// Why there is no policy.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    /// The file was read and is wrong; one line for each fault.
    #[error("{}", lines(path, faults))]
    Faulty {
        /// The file, as the caller named it.
        path: PathBuf,
        /// Every fault, in the order of the file.
        faults: Vec<Fault>,
    },
    /// The file is longer than any policy.
    #[error("{}: longer than {MAX_LEN} bytes, which is too long for a policy file", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("{}: cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl PolicyFile {
    /// Reads and parses a policy file, YAML or JSON.
    ///
    /// # Errors
    /// The file cannot be read, or it has faults: then all of them.
    pub(crate) fn load(path: &Path) -> Result<Self, LoadError> {
        let text = read(path)?;
        match usher_policy_file::from_yaml(&text) {
            Ok(policy) => Ok(Self { policy, path: path.to_owned(), text }),
            Err(faults) => Err(LoadError::Faulty { path: path.to_owned(), faults }),
        }
    }

    /// Reads and parses a policy file, YAML or JSON, and looks for what it hardly means.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub(crate) fn check(path: &Path) -> Result<Checked, LoadError> {
        usher_policy_file::check_yaml(&read(path)?)
            .map_err(|faults| LoadError::Faulty { path: path.to_owned(), faults })
    }

    /// What tells this version of the file from others.
    pub(crate) fn digest(&self) -> String {
        usher_store::digest(&self.text)
    }

    /// The same document as JSON: what the filter is configured with.
    ///
    /// # Errors
    /// The faults of the document, as in [`Self::load`].
    pub(crate) fn to_json(&self) -> Result<serde_json::Value, LoadError> {
        usher_policy_file::yaml_to_json(&self.text)
            .map_err(|faults| LoadError::Faulty { path: self.path.clone(), faults })
    }
}

fn read(path: &Path) -> Result<String, LoadError> {
    let unreadable = |source| LoadError::Unreadable { path: path.to_owned(), source };
    let mut text = String::new();
    // One byte more than is allowed, to tell a full file from one that is too long.
    let read = File::open(path).map_err(unreadable)?.take(MAX_LEN + 1).read_to_string(&mut text).map_err(unreadable)?;
    if u64::try_from(read).is_ok_and(|read| read > MAX_LEN) {
        return Err(LoadError::TooLong { path: path.to_owned() });
    }
    Ok(text)
}

/// `file:line: path: message` for each fault; what is not known is left out.
fn lines(path: &Path, faults: &[Fault]) -> String {
    let mut lines = String::new();
    for fault in faults {
        if !lines.is_empty() {
            lines.push('\n');
        }
        // Writing to a string cannot fail.
        let _ = write!(lines, "{}:", path.display());
        if let Some(line) = fault.line {
            let _ = write!(lines, "{line}:");
        }
        if !fault.path.is_empty() {
            let _ = write!(lines, " {}:", fault.path);
        }
        let _ = write!(lines, " {}", fault.message);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_told_with_file_line_field_and_message_as_far_as_they_are_known() {
        let fault =
            |path: &str, line, message: &str| Fault { path: path.to_owned(), line, message: message.to_owned() };
        let faults = [
            fault("parents[0].id", Some(7), "must not be empty"),
            fault("version", None, "missing"),
            fault("", Some(2), "not YAML"),
        ];
        assert_eq!(
            lines(Path::new("usher.yaml"), &faults),
            "usher.yaml:7: parents[0].id: must not be empty\nusher.yaml: version: missing\nusher.yaml:2: not YAML"
        );
    }
}
