//! Strings (RFC 8259, 7): they stay where they stand when nothing is escaped, which is nearly always.

use super::document::Node;
use super::reader::{Reader, Stop};
use crate::scan::{self, Sought};

/// What ends a string, or escapes, or may not be in it.
const END: Sought = Sought { either: [b'"', b'\\'], below: b' ', above: u8::MAX };

/// Whether a text is written as it is, in visible ASCII and spaces.
pub fn is_plain(text: &str) -> bool {
    scan::position(text.as_bytes(), Sought { above: b'~', ..END }).is_none()
}

impl<'a> Reader<'a> {
    /// What follows an opening quote, which has been read.
    pub(super) fn string(&mut self) -> Result<(), Stop> {
        let start = self.place();
        let plain = self.plain();
        if self.peek() == Some(b'"') {
            let text = Node::Text(start, self.place());
            self.skip(1);
            return self.push(text);
        }
        let start = self.end_of_unescaped();
        self.unescaped.push_str(plain);
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.skip(1);
                    return self.push(Node::Text(start, self.end_of_unescaped()));
                }
                Some(b'\\') => {
                    self.skip(1);
                    let character = self.escape()?;
                    self.unescaped.push(character);
                    let plain = self.plain();
                    self.unescaped.push_str(plain);
                }
                Some(_) => return self.fail("a control character in a string"),
                None => return self.fail("the document ends within a string"),
            }
        }
    }

    /// Everything up to what ends a string, or escapes, or may not be in it.
    fn plain(&mut self) -> &'a str {
        let (start, rest) = (self.place(), self.rest());
        self.skip(scan::position(rest, END).unwrap_or(rest.len()));
        self.since(start)
    }

    fn escape(&mut self) -> Result<char, Stop> {
        let character = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.skip(1);
                return self.code_point();
            }
            _ => return self.fail("an escape that JSON does not have"),
        };
        self.skip(1);
        Ok(character)
    }

    /// What follows `\u`: one unit of UTF-16, or a pair of them that makes one character.
    fn code_point(&mut self) -> Result<char, Stop> {
        const LONE: &str = "half of a surrogate pair";
        let first = self.unit()?;
        let mut units = vec![first];
        if (0xd800..0xdc00).contains(&first) {
            if !self.rest().starts_with(br"\u") {
                return self.fail(LONE);
            }
            self.skip(2);
            units.push(self.unit()?);
        }
        let mut characters = char::decode_utf16(units);
        match (characters.next(), characters.next()) {
            (Some(Ok(character)), None) => Ok(character),
            _ => self.fail(LONE),
        }
    }

    fn unit(&mut self) -> Result<u16, Stop> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let digit = digit.and_then(|digit| u16::try_from(digit).ok());
            let Some(digit) = digit else { return self.fail("expected four hexadecimal digits") };
            unit = unit << 4 | digit;
            self.skip(1);
        }
        Ok(unit)
    }
}
