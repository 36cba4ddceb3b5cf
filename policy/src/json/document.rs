//! A document that has been read: its text, and where in it each value stands. Nothing is copied but what was escaped.

use serde_json::{Map, Number, Value};

use super::JsonError;
use super::number::number;
use super::reader::Reader;
use crate::scan::is_same;

/// One JSON document, read once.
pub struct Document {
    /// The document, and after it every text in which something was escaped, as it reads.
    text: String,
    /// The values, each followed by those that stand in it.
    nodes: Vec<Node>,
}

/// One value. Places are in bytes, those of texts without their quotes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Node {
    Null,
    Bool(bool),
    /// A number as it is written.
    Number(usize, usize),
    Text(usize, usize),
    /// Its items follow, up to this node.
    Array(usize),
    /// Its members follow, up to this node: each name, a text, before its value. No other names than those marked are there.
    Object(usize, Marks),
}

/// Marks of names: each has one, of 64, by which most differ.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Marks([u32; 2]);

impl Marks {
    /// That of a name.
    pub(super) fn of(name: &[u8]) -> Self {
        let byte = |byte: Option<&u8>| byte.map_or(0, |byte| usize::from(*byte));
        let mixed = byte(name.first()) + byte(name.last()) * 5 + name.len() * 9;
        let bit = 1 << (mixed & 31);
        Self(if mixed & 32 == 0 { [bit, 0] } else { [0, bit] })
    }

    /// Whether the two have one in common.
    pub(super) fn has(self, Self([low, high]): Self) -> bool {
        self.0[0] & low | self.0[1] & high != 0
    }

    /// Those of both.
    pub(super) fn and(self, Self([low, high]): Self) -> Self {
        Self([self.0[0] | low, self.0[1] | high])
    }
}

/// The node after a value and all that stands in it.
pub(super) fn after(nodes: &[Node], at: usize) -> usize {
    match nodes.get(at) {
        Some(Node::Array(end) | Node::Object(end, _)) => *end,
        Some(Node::Null | Node::Bool(_) | Node::Number(..) | Node::Text(..)) | None => at + 1,
    }
}

impl Document {
    /// Reads one JSON document (RFC 8259) and refuses duplicate members, at any depth, and arrays and objects in more than
    /// 127 others.
    ///
    /// # Errors
    /// What is wrong, with line and column.
    pub fn read(document: Vec<u8>) -> Result<Self, JsonError> {
        let mut text = String::from_utf8(document).map_err(|error| JsonError::not_utf8(&error))?;
        let mut reader = Reader::new(&text);
        if let Err(wrong) = reader.document() {
            return Err(JsonError::at(text.as_bytes(), reader.place(), wrong));
        }
        let (nodes, unescaped) = reader.end();
        text.push_str(&unescaped);
        Ok(Self { text, nodes })
    }

    /// The value that the document is.
    pub fn root(&self) -> Json<'_> {
        Json { document: self, at: 0 }
    }
}

/// A value of a document.
#[derive(Clone, Copy)]
pub struct Json<'a> {
    document: &'a Document,
    at: usize,
}

impl<'a> Json<'a> {
    fn node(self) -> Node {
        self.document.nodes.get(self.at).copied().unwrap_or(Node::Null)
    }

    fn part(self, start: usize, end: usize) -> &'a str {
        self.document.text.get(start..end).unwrap_or_default()
    }

    /// What stands in an array or object that ends there.
    fn until(self, end: usize) -> Values<'a> {
        Values { document: self.document, next: self.at + 1, end }
    }

    /// Whether it is `null`.
    pub fn is_null(self) -> bool {
        matches!(self.node(), Node::Null)
    }

    /// What it says, if it is `true` or `false`.
    pub fn as_bool(self) -> Option<bool> {
        if let Node::Bool(yes) = self.node() { Some(yes) } else { None }
    }

    /// Whether it is `true`, or that in quotes, as some providers write it.
    pub fn is_affirmed(self) -> bool {
        self.as_bool() == Some(true) || self.as_str() == Some("true")
    }

    /// The text, if it is one.
    pub fn as_str(self) -> Option<&'a str> {
        if let Node::Text(start, end) = self.node() { Some(self.part(start, end)) } else { None }
    }

    /// The number, if it is one: whole ones exactly as far as 64 bits go, all others as the nearest double.
    pub fn as_number(self) -> Option<Number> {
        if let Node::Number(start, end) = self.node() { number(self.part(start, end)) } else { None }
    }

    /// The items, if it is an array.
    pub fn as_array(self) -> Option<impl Iterator<Item = Json<'a>> + Clone> {
        if let Node::Array(end) = self.node() { Some(self.until(end)) } else { None }
    }

    /// Names and values, if it is an object.
    pub fn as_object(self) -> Option<impl Iterator<Item = (&'a str, Json<'a>)>> {
        let Node::Object(end, _) = self.node() else { return None };
        let mut values = self.until(end);
        Some(std::iter::from_fn(move || Some((values.next()?.as_str()?, values.next()?))))
    }

    /// Whether it is an object.
    pub fn is_object(self) -> bool {
        matches!(self.node(), Node::Object(..))
    }

    /// The value of a member; `None` where it is no object, or has none of this name.
    pub fn get(self, name: &str) -> Option<Json<'a>> {
        let Node::Object(end, marks) = self.node() else { return None };
        // Most of what is asked for and not there is told by this.
        if !marks.has(Marks::of(name.as_bytes())) {
            return None;
        }
        let Document { text, nodes } = self.document;
        let mut members = nodes.get(self.at + 1..end)?;
        while let [Node::Text(start, stop), value, others @ ..] = members {
            // Most names have another length: that is seen without a look at them.
            if stop - start == name.len()
                && text.as_bytes().get(*start..*stop).is_some_and(|own| is_same(own, name.as_bytes()))
            {
                return Some(Json { at: end - others.len() - 1, ..self });
            }
            members = match value {
                Node::Array(after) | Node::Object(after, _) => nodes.get(*after..end)?,
                Node::Null | Node::Bool(_) | Node::Number(..) | Node::Text(..) => others,
            };
        }
        None
    }

    /// The text of a member, if it is there and one.
    #[inline(never)]
    pub fn text(self, name: &str) -> Option<&'a str> {
        self.get(name)?.as_str()
    }

    /// The value that a pointer leads to (RFC 6901), of which each step follows a `/`.
    pub fn pointer(self, steps: &str) -> Option<Json<'a>> {
        steps.split('/').try_fold(self, |value, step| match value.as_array() {
            Some(mut items) => items.nth(index(step)?),
            None if step.contains('~') => value.get(&step.replace("~1", "/").replace("~0", "~")),
            None => value.get(step),
        })
    }

    /// The same as a tree of its own.
    pub fn to_value(self) -> Value {
        match self.node() {
            Node::Null => Value::Null,
            Node::Bool(yes) => Value::Bool(yes),
            Node::Number(start, end) => number(self.part(start, end)).map_or(Value::Null, Value::Number),
            Node::Text(start, end) => Value::String(self.part(start, end).to_owned()),
            Node::Array(end) => {
                let mut items = Vec::new();
                self.until(end).for_each(|value| items.push(value.to_value()));
                Value::Array(items)
            }
            Node::Object(end, _) => {
                // One after the other: collecting them would bring in another sort.
                let mut members = Map::new();
                let mut values = self.until(end);
                while let (Some(name), Some(value)) = (values.next(), values.next()) {
                    members.insert(name.as_str().unwrap_or_default().to_owned(), value.to_value());
                }
                Value::Object(members)
            }
        }
    }
}

/// A place in an array as a pointer names it (RFC 6901, 4): of several spellings it takes one.
fn index(step: &str) -> Option<usize> {
    let is_canonical = step == "0" || !step.starts_with(['0', '+']);
    step.parse().ok().filter(|_| is_canonical)
}

/// Values that stand side by side.
#[derive(Clone)]
struct Values<'a> {
    document: &'a Document,
    next: usize,
    end: usize,
}

impl<'a> Iterator for Values<'a> {
    type Item = Json<'a>;

    fn next(&mut self) -> Option<Json<'a>> {
        let value = Json { document: self.document, at: self.next };
        let is_one = self.next < self.end;
        self.next = after(&self.document.nodes, self.next);
        is_one.then_some(value)
    }
}

impl std::fmt::Debug for Document {
    /// Shows nothing: what a document holds may be about a person.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Document").finish_non_exhaustive()
    }
}
