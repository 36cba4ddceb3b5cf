//! YAML 1.2 as a JSON value, with the line of every field; what could be read in two ways is refused.

mod builder;
mod lines;
mod scalar;

use saphyr_parser::{Event, Parser, ScanError};
use serde_json::Value;

use self::builder::Builder;
use self::lines::Lines;
use super::Fault;

/// A document that was read.
pub(super) struct Document {
    /// What it says.
    pub(super) value: Value,
    /// Where its fields stand.
    pub(super) lines: Lines,
    /// What it may not say; in these places the value has `null`.
    pub(super) faults: Vec<Fault>,
}

/// Reads one document.
///
/// # Errors
/// The fault after which nothing more can be read.
pub(super) fn parse(text: &str) -> Result<Document, Fault> {
    let mut parser = Parser::new_from_str(text);
    let mut builder = Builder::default();
    let mut documents = 0;
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| syntax(&error))?;
        let line = span.start.line();
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::DocumentStart(_) => {
                documents += 1;
                if documents > 1 {
                    return Err(at(line, "a second document begins here (`---`). Write one document per file"));
                }
            }
            Event::Alias(_) => builder.alias(line)?,
            Event::Scalar(text, style, _, tag) => builder.scalar(&text, style, tag.is_some(), line),
            Event::SequenceStart(_, tag) => builder.start_list(tag.is_some(), line)?,
            Event::MappingStart(_, tag) => builder.start_object(tag.is_some(), line)?,
            Event::SequenceEnd | Event::MappingEnd => builder.end(),
        }
    }
    builder.finish().ok_or_else(|| Fault::of_file("the file is empty. Begin with `version: 1`"))
}

fn syntax(error: &ScanError) -> Fault {
    let column = error.marker().col() + 1;
    at(error.marker().line(), &format!("not YAML: {} (column {column})", error.info()))
}

fn at(line: usize, message: &str) -> Fault {
    Fault { path: String::new(), line: Some(line), message: message.to_owned() }
}
