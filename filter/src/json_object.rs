//! One JSON object on one line, written member by member: no tree of values is built for it.

use usher_policy::json::is_plain;

/// An object that is being written. What is absent is left out. Names are our own, and stay as they are.
#[derive(Debug)]
pub(crate) struct JsonObject(String);

impl JsonObject {
    /// An object without members.
    pub(crate) fn new() -> Self {
        Self::with_room(0)
    }

    /// The same, in which so many bytes have room.
    pub(crate) fn with_room(bytes: usize) -> Self {
        let mut text = String::with_capacity(bytes);
        text.push('{');
        Self(text)
    }

    /// A text.
    pub(crate) fn text(mut self, name: &'static str, value: Option<&str>) -> Self {
        if let Some(value) = value {
            self.name(name);
            self.quoted(value);
        }
        self
    }

    /// Yes or no.
    pub(crate) fn flag(mut self, name: &'static str, value: bool) -> Self {
        self.name(name);
        self.0.push_str(if value { "true" } else { "false" });
        self
    }

    /// A whole number.
    pub(crate) fn number(mut self, name: &'static str, value: Option<u64>) -> Self {
        if let Some(value) = value {
            self.name(name);
            self.0.push_str(&value.to_string());
        }
        self
    }

    /// An object in it.
    pub(crate) fn object(mut self, name: &'static str, members: impl FnOnce(Self) -> Self) -> Self {
        self.name(name);
        self.0.push('{');
        let mut whole = members(self);
        whole.0.push('}');
        whole
    }

    /// The whole object.
    pub(crate) fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }

    fn name(&mut self, name: &'static str) {
        if !self.0.ends_with('{') {
            self.0.push(',');
        }
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
    }

    /// RFC 8259, 7: no line break and no quotation mark gets out of it; nor does what a terminal takes for a command (C1 controls).
    fn quoted(&mut self, text: &str) {
        self.0.push('"');
        // Nearly every text stays as it is.
        if is_plain(text) {
            self.0.push_str(text);
            self.0.push('"');
            return;
        }
        for character in text.chars() {
            match character {
                '"' => self.0.push_str("\\\""),
                '\\' => self.0.push_str("\\\\"),
                '\0'..='\x1f' | '\x7f'..='\u{9f}' => {
                    self.0.push_str("\\u00");
                    for digit in [u32::from(character) >> 4, u32::from(character) & 0xf] {
                        self.0.extend(char::from_digit(digit, 16));
                    }
                }
                _ => self.0.push(character),
            }
        }
        self.0.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::JsonObject;

    #[test]
    fn whatever_is_written_is_one_object_on_one_line() {
        assert_eq!(JsonObject::new().end(), "{}");
        let all: String = (0..=0x2100).filter_map(char::from_u32).collect();
        let written = JsonObject::new()
            .text("text", Some(&all))
            .text("a name", Some(""))
            .text("absent", None)
            .flag("yes", true)
            .flag("no", false)
            .number("number", Some(u64::MAX))
            .number("none", None)
            .end();
        assert!(!written.contains(char::is_control), "{written}");
        let expected = serde_json::json!({"text": all, "a name": "", "yes": true, "no": false, "number": u64::MAX});
        assert_eq!(serde_json::from_str::<serde_json::Value>(&written).unwrap(), expected);
    }
}
