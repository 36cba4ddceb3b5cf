//! JSON without a second reading: a duplicate member is an error, and depth and length are bounded.

mod number;
mod reader;
mod string;

use std::fmt;

use serde_json::Value;

use reader::{Reader, Wrong};

/// The document is not JSON as we take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    wrong: Wrong,
    /// Counted from 1.
    line: usize,
    /// In bytes, counted from 1.
    column: usize,
}

impl std::error::Error for JsonError {}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.wrong {
            Wrong::Duplicate(name) => write!(f, "duplicate member `{}`", name.escape_debug())?,
            Wrong::Expected(what) => f.write_str(what)?,
        }
        write!(f, " at line {} column {}", self.line, self.column)
    }
}

impl JsonError {
    fn at(document: &[u8], place: usize, wrong: Wrong) -> Self {
        let before = document.get(..place).unwrap_or(document);
        let line = before.split(|byte| *byte == b'\n');
        let (lines, column) = line.fold((0, 0), |(lines, _), line| (lines + 1, line.len() + 1));
        Self { wrong, line: lines, column }
    }
}

/// Reads one JSON document (RFC 8259) and refuses duplicate members, at any depth, and arrays and objects in more than
/// 127 others.
///
/// # Errors
/// What is wrong, with line and column.
pub fn parse(document: &[u8]) -> Result<Value, JsonError> {
    let text = std::str::from_utf8(document)
        .map_err(|error| JsonError::at(document, error.valid_up_to(), Wrong::Expected("bytes that are not UTF-8")))?;
    let mut reader = Reader::new(text);
    reader.document().map_err(|wrong| JsonError::at(document, reader.place(), wrong))
}

#[cfg(test)]
mod tests;
