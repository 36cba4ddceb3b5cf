//! Values, from left to right, each byte looked at once.

use serde_json::{Map, Value};

use super::document::{Marks, Node, after};

/// Arrays and objects may stand in so many others, less one.
const MAX_DEPTH: usize = 128;

/// While an object has no more members than this, each name is looked for among those before it; in a wider one a tree finds it.
const FEW: usize = 32;

/// Why a document is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// A member comes twice.
    Duplicate(String),
    /// What was expected, or met, in words.
    Expected(&'static str),
}

/// Something is wrong, and the reader knows what: results that are passed on for each value take no more than a bit.
pub(super) struct Stop;

/// A document, and how far it has been read.
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    nodes: Vec<Node>,
    /// Texts in which something was escaped, as they read. Their places count on from the end of the document.
    pub(super) unescaped: String,
    wrong: Wrong,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        // Claims have some twelve bytes a value; what is long shall not be paid for before it is read.
        let nodes = Vec::with_capacity((text.len() / 8).clamp(4, 1024));
        Self { text, at: 0, nodes, unescaped: String::new(), wrong: Wrong::Expected("") }
    }

    /// What has been read: the values, and the texts that had to be unescaped.
    pub(super) fn end(self) -> (Vec<Node>, String) {
        (self.nodes, self.unescaped)
    }

    /// How many bytes have been read.
    pub(super) fn place(&self) -> usize {
        self.at
    }

    /// One value, and nothing after it but white space.
    pub(super) fn document(&mut self) -> Result<(), Wrong> {
        match self.value(0) {
            Ok(()) if self.next_token().is_none() => Ok(()),
            Ok(()) => Err(Wrong::Expected("more than one value")),
            Err(Stop) => Err(self.wrong.clone()),
        }
    }

    /// Says what is wrong.
    #[cold]
    pub(super) fn fail<T>(&mut self, expected: &'static str) -> Result<T, Stop> {
        self.wrong = Wrong::Expected(expected);
        Err(Stop)
    }

    /// A member comes twice, the second time there.
    #[cold]
    fn fail_twice(&mut self, place: usize, name: String) -> Result<(), Stop> {
        self.at = place;
        self.wrong = Wrong::Duplicate(name);
        Err(Stop)
    }

    fn value(&mut self, depth: usize) -> Result<(), Stop> {
        match self.next_token() {
            Some(b'"') => {
                self.at += 1;
                self.string()
            }
            Some(b'{' | b'[') if depth + 1 == MAX_DEPTH => self.fail("arrays and objects in more than 127 others"),
            Some(b'{') => self.object(depth + 1),
            Some(b'[') => self.array(depth + 1),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Node::Bool(true)),
            Some(b'f') => self.word("false", Node::Bool(false)),
            Some(b'n') => self.word("null", Node::Null),
            Some(_) => self.fail("expected a value"),
            None => self.fail("the document ends where a value is expected"),
        }
    }

    /// What follows `{`, which is still to be read.
    fn object(&mut self, depth: usize) -> Result<(), Stop> {
        let own = self.open();
        let (mut count, mut seen) = (0, Marks::default());
        if self.took(b'}') {
            self.close(own, |end| Node::Object(end, seen));
            return Ok(());
        }
        loop {
            if !self.took(b'"') {
                return self.fail("expected a member's name in quotes");
            }
            let place = self.at;
            self.string()?;
            let name = self.nodes.last().map_or(&b""[..], |node| self.part(*node));
            let mark = Marks::of(name);
            if count < FEW && seen.has(mark) && self.names(own).take(count).any(|(_, other)| other == name) {
                let name = owned(name);
                return self.fail_twice(place, name);
            }
            seen = seen.and(mark);
            count += 1;
            if !self.took(b':') {
                return self.fail("expected `:`");
            }
            self.value(depth)?;
            match self.next_token() {
                Some(b',') => self.at += 1,
                Some(b'}') => break self.at += 1,
                _ => return self.fail("expected `,` or `}`"),
            }
        }
        if count > FEW
            && let Some((place, name)) = self.name_that_comes_twice(own)
        {
            return self.fail_twice(place, name);
        }
        self.close(own, |end| Node::Object(end, seen));
        Ok(())
    }

    /// What follows `[`, which is still to be read.
    fn array(&mut self, depth: usize) -> Result<(), Stop> {
        let own = self.open();
        if self.took(b']') {
            self.close(own, Node::Array);
            return Ok(());
        }
        loop {
            self.value(depth)?;
            if self.took(b']') {
                self.close(own, Node::Array);
                return Ok(());
            }
            if !self.took(b',') {
                return self.fail("expected `,` or `]`");
            }
        }
    }

    /// An array or object begins; which of them, and where it ends, is known when it does.
    fn open(&mut self) -> usize {
        self.at += 1;
        self.nodes.push(Node::Null);
        self.nodes.len() - 1
    }

    fn close(&mut self, own: usize, node: impl FnOnce(usize) -> Node) {
        let end = self.nodes.len();
        if let Some(own) = self.nodes.get_mut(own) {
            *own = node(end);
        }
    }

    /// The names in an object whose last member has been read, each with its place.
    fn names(&self, object: usize) -> impl Iterator<Item = (usize, &[u8])> {
        let mut at = object + 1;
        std::iter::from_fn(move || {
            let name = *self.nodes.get(at)?;
            at = after(&self.nodes, at + 1);
            let Node::Text(start, _) = name else { return None };
            Some((start, self.part(name)))
        })
    }

    /// By a tree, so that an object as wide as a document may be is not dearer by the square of that.
    fn name_that_comes_twice(&self, object: usize) -> Option<(usize, String)> {
        let mut seen = Map::new();
        let (place, name) = self.names(object).find(|(_, name)| seen.insert(owned(name), Value::Null).is_some())?;
        // A name that had to be unescaped has another place: the end of the object is near enough.
        Some((if place < self.text.len() { place } else { self.at }, owned(name)))
    }

    /// A text that has been read.
    fn part(&self, node: Node) -> &[u8] {
        let Node::Text(start, end) = node else { return b"" };
        match start.checked_sub(self.text.len()) {
            None => self.text.as_bytes().get(start..end),
            Some(start) => self.unescaped.as_bytes().get(start..end - self.text.len()),
        }
        .unwrap_or_default()
    }

    /// The place that the next unescaped text will have.
    pub(super) fn end_of_unescaped(&self) -> usize {
        self.text.len() + self.unescaped.len()
    }

    /// What was read is a value, or a name.
    pub(super) fn push(&mut self, node: Node) -> Result<(), Stop> {
        self.nodes.push(node);
        Ok(())
    }

    fn word(&mut self, word: &str, node: Node) -> Result<(), Stop> {
        if !self.rest().starts_with(word.as_bytes()) {
            return self.fail("expected `true`, `false` or `null`");
        }
        self.at += word.len();
        self.push(node)
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
                // What is no white space is told by one look.
                byte @ b'!'.. => return Some(byte),
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

/// A name that stands between quotes, and so is whole.
fn owned(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}
