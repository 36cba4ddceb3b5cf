//! The policy file, parsed once: raw text in, a finished `Policy` or every fault out.

mod access;
mod catalog;
mod claims;
mod connection;
mod denial_pages;
mod document;
mod duration;
mod field_path;
mod hosts;
mod jwks;
mod jwks_uri;
mod names;
mod options;
mod organization;
mod owner;
mod parent;
mod provisioning;
mod public_mail;
mod reader;
mod registry;
mod seats;
mod sessions;
mod shared_issuers;
mod suggest;
mod trust;
mod warnings;
#[cfg(feature = "yaml")]
mod yaml;

#[cfg(test)]
mod tests;

#[cfg(feature = "yaml")]
use std::collections::HashSet;
use std::fmt;

use serde_json::Value;
use usher_policy::{Policy, json};

use self::field_path::FieldPath;
use self::reader::Faults;

pub use self::field_path::quoted;
pub use self::reader::{Fields, Node, Recorded, listed};
pub use self::shared_issuers::pin as shared_issuer_pin;
pub use self::suggest::closest;
pub use self::warnings::{Warning, WarningCode};

/// The longest document that is read, in bytes.
pub const MAX_DOCUMENT: usize = 64 << 20;

/// One fault of a policy file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The field, as `parents[0].organizations[1].hosts[0]`; empty for the whole file.
    pub path: String,
    /// The line in the file, from 1, where it is known (YAML only).
    pub line: Option<usize>,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl Fault {
    fn of_file(message: impl Into<String>) -> Self {
        Self { path: String::new(), line: None, message: message.into() }
    }
}

/// A good policy, and what in it is hardly meant.
#[derive(Debug)]
pub struct Checked {
    /// The policy.
    pub policy: Policy,
    /// What is allowed and probably not meant, in the order of the file where lines are known.
    pub warnings: Vec<Warning>,
}

/// Reads a policy from JSON, as the filter gets it.
///
/// # Errors
/// Every fault of the document; only the first where it is not JSON at all.
pub fn from_json(document: &[u8]) -> Result<Policy, Vec<Fault>> {
    read(&json_document(document)?, &|_| None, document::read)
}

/// Reads a policy from JSON, and warns.
///
/// # Errors
/// As [`from_json`].
pub fn check_json(document: &[u8]) -> Result<Checked, Vec<Fault>> {
    let value = json_document(document)?;
    let policy = read(&value, &|_| None, document::read)?;
    Ok(Checked { warnings: warnings::of(&policy, &value, &|_| None), policy })
}

/// Reads a policy from YAML 1.2 (of which JSON is a part); faults have their line.
///
/// # Errors
/// Every fault of the document, in the order of the file; only the first where it is not YAML at all.
#[cfg(feature = "yaml")]
pub fn from_yaml(text: &str) -> Result<Policy, Vec<Fault>> {
    from_yaml_with(text, document::read)
}

/// Reads any YAML document as policies are read: strictly, with the field and the line of every fault.
///
/// # Errors
/// As [`from_yaml`].
#[cfg(feature = "yaml")]
pub fn from_yaml_with<T>(
    text: &str,
    read_root: impl FnOnce(&Node<'_>) -> Result<T, Recorded>,
) -> Result<T, Vec<Fault>> {
    read_yaml(yaml_document(text)?, read_root).map(|(finished, _)| finished)
}

/// Reads a policy from YAML 1.2, and warns; warnings have their line.
///
/// # Errors
/// As [`from_yaml`].
#[cfg(feature = "yaml")]
pub fn check_yaml(text: &str) -> Result<Checked, Vec<Fault>> {
    let (policy, document) = read_yaml(yaml_document(text)?, document::read)?;
    Ok(Checked { warnings: warnings::of(&policy, &document.value, &|path| document.lines.of(path)), policy })
}

#[cfg(feature = "yaml")]
fn read_yaml<T>(
    document: yaml::Document,
    read_root: impl FnOnce(&Node<'_>) -> Result<T, Recorded>,
) -> Result<(T, yaml::Document), Vec<Fault>> {
    let outcome = read(&document.value, &|path| document.lines.of(path), read_root);
    if document.faults.is_empty() {
        return outcome.map(|policy| (policy, document)).map_err(in_order);
    }
    // A value that was refused is missing here, which is no second fault.
    let of_text: HashSet<_> = document.faults.iter().map(|fault| (&fault.path, fault.line)).collect();
    let mut faults = outcome.err().unwrap_or_default();
    faults.retain(|fault| !of_text.contains(&(&fault.path, fault.line)));
    faults.extend(document.faults);
    Err(in_order(faults))
}

/// The same document as JSON, as it is rendered into the gateway's configuration; the policy itself is not checked.
///
/// # Errors
/// Every fault of the YAML: syntax, duplicate fields, aliases, tags.
#[cfg(feature = "yaml")]
pub fn yaml_to_json(text: &str) -> Result<Value, Vec<Fault>> {
    let document = yaml_document(text)?;
    if document.faults.is_empty() { Ok(document.value) } else { Err(document.faults) }
}

#[cfg(feature = "yaml")]
fn yaml_document(text: &str) -> Result<yaml::Document, Vec<Fault>> {
    bounded(text.len())?;
    let document = yaml::parse(text);
    // YAML differs from JSON in corners such as surrogate escapes: what is JSON is read as JSON.
    if text.trim_start().starts_with('{')
        && let Ok(value) = json::parse(text.as_bytes())
    {
        let lines = document.map(|document| document.lines).unwrap_or_default();
        return Ok(yaml::Document { value, lines, faults: Vec::new() });
    }
    document.map_err(|fault| vec![fault])
}

fn json_document(document: &[u8]) -> Result<Value, Vec<Fault>> {
    bounded(document.len())?;
    json::parse(document).map_err(|error| vec![Fault::of_file(format!("not JSON as we take it: {error}"))])
}

fn bounded(length: usize) -> Result<(), Vec<Fault>> {
    if length <= MAX_DOCUMENT {
        return Ok(());
    }
    Err(vec![Fault::of_file(format!("{length} bytes long: at most {MAX_DOCUMENT} are read"))])
}

fn read<T>(
    value: &Value,
    line_of: &dyn Fn(&FieldPath<'_>) -> Option<usize>,
    read_root: impl FnOnce(&Node<'_>) -> Result<T, Recorded>,
) -> Result<T, Vec<Fault>> {
    let faults = Faults::new(line_of);
    let outcome = read_root(&Node::root(value, &faults));
    let list = faults.take();
    match outcome {
        Ok(finished) if list.is_empty() => Ok(finished),
        _ => Err(list),
    }
}

/// By line.
#[cfg(feature = "yaml")]
fn in_order(mut faults: Vec<Fault>) -> Vec<Fault> {
    faults.sort_by_key(|fault| fault.line);
    faults
}
