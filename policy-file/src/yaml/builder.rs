//! From the parser's events to a value, its lines, and what is refused on the way.

use saphyr_parser::ScalarStyle;
use serde_json::{Map, Value};

use super::super::Fault;
use super::super::field_path::{FieldPath, Segment, quoted};
use super::lines::{Below, Lines};
use super::{Document, at, lines, scalar};

/// As deep as strict JSON may be.
const MAX_DEPTH: usize = 127;

/// A document while its events come in.
#[derive(Default)]
pub(super) struct Builder {
    open: Vec<Frame>,
    root: Option<(Value, Lines)>,
    faults: Vec<Fault>,
}

/// A list or an object whose end has not come yet.
enum Frame {
    Items { line: usize, values: Vec<Value>, lines: Vec<Lines> },
    Members { line: usize, values: Map<String, Value>, lines: Vec<(String, Lines)>, name: Option<Name> },
}

/// The name of the member whose value comes next.
struct Name {
    text: String,
    line: usize,
    duplicate: bool,
}

impl Builder {
    /// A scalar: a value, or the name of a member.
    pub(super) fn scalar(&mut self, text: &str, style: ScalarStyle, tagged: bool, line: usize) {
        let value = match style {
            ScalarStyle::Plain => scalar::resolve(text),
            _ => Some(Value::String(text.to_owned())),
        };
        if self.expects_name() {
            return self.name(text, value.as_ref().is_some_and(Value::is_string) && !tagged, line);
        }
        if tagged {
            self.refuse(line, TAG);
        }
        if value.is_none() {
            self.refuse(line, &format!("{} is not a JSON number", quoted(text)));
        }
        self.add(value.unwrap_or_default(), Lines { line, below: Below::Nothing });
    }

    /// An alias (`*name`): a short text could stand for an endless document, so none is followed.
    pub(super) fn alias(&mut self, line: usize) -> Result<(), Fault> {
        if self.expects_name() {
            return Err(at(line, NAME));
        }
        self.refuse(line, "aliases (`*name`) are not followed. Write the value out");
        self.add(Value::Null, Lines { line, below: Below::Nothing });
        Ok(())
    }

    /// A list begins.
    pub(super) fn start_list(&mut self, tagged: bool, line: usize) -> Result<(), Fault> {
        self.start(tagged, line, Frame::Items { line, values: Vec::new(), lines: Vec::new() })
    }

    /// An object begins.
    pub(super) fn start_object(&mut self, tagged: bool, line: usize) -> Result<(), Fault> {
        self.start(tagged, line, Frame::Members { line, values: Map::new(), lines: Vec::new(), name: None })
    }

    /// The innermost list or object ends.
    pub(super) fn end(&mut self) {
        match self.open.pop() {
            Some(Frame::Items { line, values, lines }) => {
                self.add(Value::Array(values), Lines { line, below: Below::Items(lines) });
            }
            Some(Frame::Members { line, values, lines, .. }) => {
                self.add(Value::Object(values), Lines { line, below: lines::members(lines) });
            }
            None => {}
        }
    }

    /// The document; `None` where there was none.
    pub(super) fn finish(self) -> Option<Document> {
        let (value, lines) = self.root?;
        Some(Document { value, lines, faults: self.faults })
    }

    fn expects_name(&self) -> bool {
        matches!(self.open.last(), Some(Frame::Members { name: None, .. }))
    }

    fn start(&mut self, tagged: bool, line: usize, frame: Frame) -> Result<(), Fault> {
        if self.expects_name() {
            return Err(at(line, NAME));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(at(line, "nested too deeply"));
        }
        if tagged {
            self.refuse(line, TAG);
        }
        self.open.push(frame);
        Ok(())
    }

    fn name(&mut self, text: &str, is_text: bool, line: usize) {
        let Some(Frame::Members { values, name, .. }) = self.open.last_mut() else {
            return;
        };
        let duplicate = values.contains_key(text);
        *name = Some(Name { text: text.to_owned(), line, duplicate });
        if duplicate {
            self.refuse(line, "the field is repeated");
        }
        if !is_text {
            self.refuse(line, NAME);
        }
    }

    /// Puts a finished value where it belongs.
    fn add(&mut self, value: Value, mut below: Lines) {
        match self.open.last_mut() {
            None => self.root = Some((value, below)),
            Some(Frame::Items { values, lines, .. }) => {
                values.push(value);
                lines.push(below);
            }
            Some(Frame::Members { values, lines, name, .. }) => {
                // Of two values the first is kept, so that it is checked too.
                if let Some(Name { text, line, duplicate: false }) = name.take() {
                    below.line = line;
                    values.insert(text.clone(), value);
                    lines.push((text, below));
                }
            }
        }
    }

    /// Records a fault of the value that comes next.
    fn refuse(&mut self, line: usize, message: &str) {
        let mut path = FieldPath::default();
        for frame in &self.open {
            match frame {
                Frame::Items { values, .. } => path = path.below(Segment::Item(values.len())),
                Frame::Members { name: Some(name), .. } => path = path.below(Segment::Member(&name.text)),
                Frame::Members { name: None, .. } => {}
            }
        }
        self.faults.push(Fault { path: path.to_string(), line: Some(line), message: message.to_owned() });
    }
}

const NAME: &str = "the name of a field must be text. Put it in quotes";
const TAG: &str = "tags (`!name`) are refused. Write only the value; quote text that looks like a number";
