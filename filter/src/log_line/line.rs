//! A line of the log: a JSON object that says which event it is about.

use std::borrow::Cow;

use crate::json_object::JsonObject;

/// The longest text of a client's or a provider's that a line shows, in bytes.
const MAX_TEXT: usize = 256;

/// A line that is being written. What is absent is left out.
pub(super) struct Line(JsonObject);

impl Line {
    /// A line about an event.
    pub(super) fn of(event: &str) -> Self {
        Self(JsonObject::new().text("event", Some(event)))
    }

    /// Text of our own, or of the policy's.
    pub(super) fn text(self, name: &'static str, value: Option<&str>) -> Self {
        Self(self.0.text(name, value))
    }

    /// Text of somebody else's, cut where it is long.
    pub(super) fn foreign(self, name: &'static str, value: Option<&[u8]>) -> Self {
        let value: Option<Cow<'_, str>> = value.map(String::from_utf8_lossy);
        let shown = value.as_ref().and_then(|value| value.get(..value.floor_char_boundary(MAX_TEXT)));
        self.text(name, shown)
    }

    /// Yes or no.
    pub(super) fn flag(self, name: &'static str, value: bool) -> Self {
        Self(self.0.flag(name, value))
    }

    /// A whole number.
    pub(super) fn number(self, name: &'static str, value: Option<u64>) -> Self {
        Self(self.0.number(name, value))
    }

    /// The whole line.
    pub(super) fn end(self) -> String {
        self.0.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

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
