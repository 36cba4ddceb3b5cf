//! Writes data as YAML that people like to read: what is short on one line.

use std::fmt::Write as _;

use serde_json::{Map, Value};

const WIDTH: usize = 130;

/// Names in the order in which people look for them; others follow by the alphabet.
const ORDER: [&str; 41] = [
    "options",
    "parent",
    "organization",
    "id",
    "issuer",
    "product",
    "plan",
    "provisioning",
    "mode",
    "group_mappings",
    "group",
    "login",
    "add",
    "change",
    "remove",
    "suspend",
    "activate",
    "unlink",
    "connection",
    "groups",
    "claims",
    "iat",
    "method",
    "path",
    "methods",
    "allow",
    "deny",
    "role",
    "roles",
    "status",
    "seat_tier",
    "source",
    "subject",
    "email",
    "primary_owner",
    "refused",
    "members",
    "seats",
    "used",
    "caps",
    "pending",
];

/// A list's item, at this indent.
pub(crate) fn item(text: &mut String, indent: usize, value: &Value) {
    let flow = flow(value);
    let spaces = " ".repeat(indent);
    if indent + 2 + flow.len() <= WIDTH {
        writeln!(text, "{spaces}- {flow}").unwrap();
        return;
    }
    let mut lines = String::new();
    block(&mut lines, indent + 2, value);
    // The first field goes where the dash is.
    *text += &format!("{spaces}- {}", lines.trim_start());
}

/// A map's fields, each on its line, at this indent.
pub(crate) fn block(text: &mut String, indent: usize, value: &Value) {
    let spaces = " ".repeat(indent);
    for (name, value) in ordered(value.as_object().unwrap()) {
        let name = scalar(name);
        let flow = flow(value);
        let is_short = indent + name.len() + 2 + flow.len() <= WIDTH;
        match value {
            Value::Object(_) if !is_short => {
                writeln!(text, "{spaces}{name}:").unwrap();
                block(text, indent + 2, value);
            }
            Value::Array(items) if !is_short => {
                writeln!(text, "{spaces}{name}:").unwrap();
                items.iter().for_each(|value| item(text, indent, value));
            }
            _ => writeln!(text, "{spaces}{name}: {flow}").unwrap(),
        }
    }
}

fn flow(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let fields = ordered(fields).into_iter().map(|(name, value)| format!("{}: {}", scalar(name), flow(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        Value::String(text) => scalar(text),
        Value::Bool(_) | Value::Null | Value::Number(_) => value.to_string(),
    }
}

fn ordered(fields: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut fields: Vec<_> = fields.iter().collect();
    let place = |name: &str| ORDER.iter().position(|known| *known == name).unwrap_or(ORDER.len());
    fields.sort_by_key(|(name, _)| place(name));
    fields
}

/// Plain where it can only be read as this text.
fn scalar(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-/.@".contains(&byte);
    let begins_plain = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'/');
    let is_word = matches!(text, "true" | "false" | "null" | "yes" | "no" | "on" | "off");
    if begins_plain && !is_word && text.bytes().all(plain) { text.to_owned() } else { Value::from(text).to_string() }
}
