//! Values, from left to right, each byte looked at once.

use serde_json::map::Entry;
use serde_json::{Map, Value};

/// Arrays and objects may stand in so many others, less one.
const MAX_DEPTH: usize = 128;

/// Why a document is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// A member comes twice.
    Duplicate(String),
    /// What was expected, or met, in words.
    Expected(&'static str),
}

/// A document, and how far it has been read.
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// How many bytes have been read.
    pub(super) fn place(&self) -> usize {
        self.at
    }

    /// One value, and nothing after it but white space.
    pub(super) fn document(&mut self) -> Result<Value, Wrong> {
        let value = self.value(0)?;
        match self.next_token() {
            None => Ok(value),
            Some(_) => Err(Wrong::Expected("more than one value")),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, Wrong> {
        match self.next_token() {
            Some(b'"') => {
                self.at += 1;
                self.string().map(Value::String)
            }
            Some(b'{') => self.object(deeper(depth)?),
            Some(b'[') => self.array(deeper(depth)?),
            Some(b'-' | b'0'..=b'9') => self.number().map(Value::Number),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(_) => Err(Wrong::Expected("expected a value")),
            None => Err(Wrong::Expected("the document ends where a value is expected")),
        }
    }

    /// What follows `{`, which is still to be read.
    fn object(&mut self, depth: usize) -> Result<Value, Wrong> {
        let mut members = Map::new();
        self.at += 1;
        if self.took(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            if !self.took(b'"') {
                return Err(Wrong::Expected("expected a member's name in quotes"));
            }
            let place = self.at;
            match members.entry(self.string()?) {
                Entry::Vacant(member) => {
                    if !self.took(b':') {
                        return Err(Wrong::Expected("expected `:`"));
                    }
                    member.insert(self.value(depth)?);
                }
                Entry::Occupied(member) => {
                    self.at = place;
                    return Err(Wrong::Duplicate(member.key().clone()));
                }
            }
            if self.took(b'}') {
                return Ok(Value::Object(members));
            }
            if !self.took(b',') {
                return Err(Wrong::Expected("expected `,` or `}`"));
            }
        }
    }

    /// What follows `[`, which is still to be read.
    fn array(&mut self, depth: usize) -> Result<Value, Wrong> {
        let mut items = Vec::new();
        self.at += 1;
        if self.took(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value(depth)?);
            if self.took(b']') {
                return Ok(Value::Array(items));
            }
            if !self.took(b',') {
                return Err(Wrong::Expected("expected `,` or `]`"));
            }
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, Wrong> {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(Wrong::Expected("expected `true`, `false` or `null`"));
        }
        self.at += word.len();
        Ok(value)
    }

    /// Passes over white space and this byte, if that is next.
    fn took(&mut self, byte: u8) -> bool {
        let is_next = self.next_token() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// The first byte after white space (RFC 8259, 2), which stays to be read.
    fn next_token(&mut self) -> Option<u8> {
        loop {
            match self.peek()? {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    /// The next byte, which stays to be read.
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Goes on by so many bytes.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// What is still to be read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// What was read since a place; both lie between characters.
    pub(super) fn since(&self, place: usize) -> &'a str {
        self.text.get(place..self.at).unwrap_or_default()
    }
}

fn deeper(depth: usize) -> Result<usize, Wrong> {
    match depth + 1 {
        MAX_DEPTH => Err(Wrong::Expected("arrays and objects in more than 127 others")),
        depth => Ok(depth),
    }
}
