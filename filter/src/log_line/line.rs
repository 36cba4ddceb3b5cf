//! One JSON object on one line, written member by member: no tree of values is built for it.

use std::borrow::Cow;

use serde_json::Value;

/// The longest text of a client's or a provider's that a line shows, in bytes.
const MAX_TEXT: usize = 256;

/// A line that is being written. What is absent is left out.
pub(super) struct Line(String);

impl Line {
    /// A line about an event.
    pub(super) fn of(event: &str) -> Self {
        Self(format!("{{\"event\":{}", quoted(event)))
    }

    /// Text of our own, or of the policy's.
    pub(super) fn text(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.member(name, &quoted(value)),
            None => self,
        }
    }

    /// Text of somebody else's, cut where it is long.
    pub(super) fn foreign(self, name: &str, value: Option<&[u8]>) -> Self {
        let value: Option<Cow<'_, str>> = value.map(String::from_utf8_lossy);
        let shown = value.as_ref().and_then(|value| value.get(..value.floor_char_boundary(MAX_TEXT)));
        self.text(name, shown)
    }

    /// Yes or no.
    pub(super) fn flag(self, name: &str, value: bool) -> Self {
        self.member(name, if value { "true" } else { "false" })
    }

    /// A whole number.
    pub(super) fn number(self, name: &str, value: Option<u64>) -> Self {
        match value {
            Some(value) => self.member(name, &value.to_string()),
            None => self,
        }
    }

    /// The whole line.
    pub(super) fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }

    fn member(mut self, name: &str, json: &str) -> Self {
        self.0.push_str(",\"");
        self.0.push_str(name);
        self.0.push_str("\":");
        self.0.push_str(json);
        self
    }
}

/// As JSON writes it: no line break and no quotation mark gets out of it.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_written_is_one_object_on_one_line() {
        let line = Line::of("e\"v")
            .text("text", Some("a\n\"b\\\u{2028}"))
            .text("absent", None)
            .foreign("bytes", Some(b"\xff\r\n{}"))
            .flag("flag", true)
            .number("number", Some(u64::MAX))
            .number("none", None)
            .end();
        assert!(!line.contains(['\n', '\r']), "{line}");
        let read: Value = serde_json::from_str(&line).unwrap();
        let expected = serde_json::json!({
            "event": "e\"v", "text": "a\n\"b\\\u{2028}", "bytes": "\u{fffd}\r\n{}", "flag": true, "number": u64::MAX,
        });
        assert_eq!(read, expected);
    }

    #[test]
    fn what_others_wrote_is_cut_between_characters() {
        let long = "é".repeat(MAX_TEXT);
        let line = Line::of("e").foreign("long", Some(long.as_bytes())).end();
        let read: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["long"], "é".repeat(MAX_TEXT / 2));
    }
}
