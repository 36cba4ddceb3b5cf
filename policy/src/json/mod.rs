//! JSON without a second reading: a duplicate member is an error, and depth and length are bounded.

mod document;
mod number;
mod reader;
mod string;

use std::fmt;
use std::string::FromUtf8Error;

use serde_json::Value;

pub use document::{Document, Json};
pub use string::is_plain;

use reader::Wrong;

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
    fn not_utf8(error: &FromUtf8Error) -> Self {
        let place = error.utf8_error().valid_up_to();
        Self::at(error.as_bytes(), place, Wrong::Expected("bytes that are not UTF-8"))
    }

    fn at(document: &[u8], place: usize, wrong: Wrong) -> Self {
        let before = document.get(..place).unwrap_or(document);
        let line = before.split(|byte| *byte == b'\n');
        let (lines, column) = line.fold((0, 0), |(lines, _), line| (lines + 1, line.len() + 1));
        Self { wrong, line: lines, column }
    }
}

/// Reads one JSON document as [`Document::read`] does, into a tree of its own.
///
/// # Errors
/// What is wrong, with line and column.
pub fn parse(document: &[u8]) -> Result<Value, JsonError> {
    Ok(Document::read(document.to_vec())?.root().to_value())
}

#[cfg(test)]
mod tests;
