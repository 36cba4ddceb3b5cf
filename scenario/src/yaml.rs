//! Values as YAML on one line, as scenario files write them: `{role: user, seat_tier: premium}`.

use serde_json::{Map, Value};

/// The value in flow style; text stands without quotes where nothing can be read into it.
pub fn flow(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => scalar(text),
        Value::Array(items) => format!("[{}]", joined(items.iter().map(flow))),
        Value::Object(members) => {
            format!("{{{}}}", joined(members.iter().map(|(name, value)| format!("{}: {}", scalar(name), flow(value)))))
        }
    }
}

/// Text as a name or a value.
pub fn scalar(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    // Of JSON's escapes YAML 1.2 has all but those of surrogate pairs, which JSON text in Rust never needs; what YAML
    // holds to be no text must be escaped as well.
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            letter
                if letter.is_control()
                    || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') =>
            {
                quoted.push_str(&format!("\\u{:04x}", u32::from(letter)));
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// What two maps do not have in common, field by field: `-` is the first's, `+` the second's.
pub fn diff(expected: &Map<String, Value>, seen: &Map<String, Value>) -> String {
    let mut lines = String::new();
    differ(expected, seen, 0, &mut lines);
    lines
}

fn differ(expected: &Map<String, Value>, seen: &Map<String, Value>, depth: usize, lines: &mut String) {
    let line = |sign: char, name: &str, value: &str| {
        let line = format!("{sign} {}{}: {value}", "  ".repeat(depth), scalar(name));
        format!("{}\n", line.trim_end())
    };
    let added = seen.keys().filter(|name| !expected.contains_key(*name));
    for name in expected.keys().chain(added) {
        match (expected.get(name), seen.get(name)) {
            (expected, seen) if expected == seen => {}
            (Some(Value::Object(expected)), Some(Value::Object(seen))) if !expected.is_empty() && !seen.is_empty() => {
                lines.push_str(&line(' ', name, ""));
                differ(expected, seen, depth + 1, lines);
            }
            (Some(Value::Array(expected)), Some(Value::Array(seen)))
                if seen.iter().chain(expected).all(Value::is_object) =>
            {
                lines.push_str(&line(' ', name, ""));
                let item = |sign: char, item: &Value| format!("{sign} {}- {}\n", "  ".repeat(depth), flow(item));
                lines.extend(expected.iter().filter(|old| !seen.contains(old)).map(|old| item('-', old)));
                lines.extend(seen.iter().filter(|new| !expected.contains(new)).map(|new| item('+', new)));
            }
            (expected, seen) => {
                lines.extend(expected.map(|expected| line('-', name, &flow(expected))));
                lines.extend(seen.map(|seen| line('+', name, &flow(seen))));
            }
        }
    }
}

/// Words of letters, digits and a few signs that mean nothing in YAML; none that the core schema reads as something else.
fn is_plain(text: &str) -> bool {
    let begins = text.starts_with(|first: char| first.is_ascii_alphabetic() || matches!(first, '/' | '_'));
    let word = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.' | '@' | '/' | '+');
    let is_other = ["null", "true", "false"].iter().any(|other| text.eq_ignore_ascii_case(other));
    begins && text.chars().all(word) && !is_other
}

fn joined(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{diff, flow};

    #[test]
    fn what_is_written_is_read_again() {
        for value in [
            json!({"role": "user", "seat_tier": null, "primary_owner": true, "used": {"premium": 2}}),
            json!([
                "", " ", "null", "Yes", "~", "1.5", "0x1f", "a: b", "a #b", "- a", "{a}", "[a]", "*a", "&a", "!a", "%a"
            ]),
            json!([
                "a\nb",
                "\t",
                "\"quoted\"",
                "\\",
                "\u{0}\u{7}\u{85}\u{a0}\u{2028}\u{feff}",
                "ü 🦀",
                "a,b",
                "'",
                "`",
                "@a"
            ]),
            json!({"": 1, "a b": {"ada@acme.example": {}}, "x": []}),
        ] {
            let text = flow(&value);
            assert_eq!(usher_policy_file::yaml_to_json(&text), Ok(value), "{text}");
            assert!(!text.contains('\n'), "{text}");
        }
    }

    #[test]
    fn plain_words_stand_without_quotes() {
        assert_eq!(
            flow(&json!({"allow": {"role": "user", "email": "ada@acme.example"}})),
            "{allow: {email: ada@acme.example, role: user}}"
        );
    }
    #[test]
    fn only_what_differs_is_told() {
        let map = |value: serde_json::Value| value.as_object().cloned().unwrap();
        let expected = json!({"deny": "no_mapped_group", "members": {"ada": {"role": "admin", "status": "active"}, "eve": {}, "gus": {}}});
        let seen = json!({"allow": {"role": "user"}, "members": {"ada": {"role": "user", "status": "active"}, "cyd": {"role": "user"}, "gus": {}}});
        assert_eq!(
            diff(&map(expected), &map(seen)),
            "- deny: no_mapped_group\n  members:\n    ada:\n-     role: admin\n+     role: user\n-   eve: {}\n+   cyd: {role: user}\n+ allow: {role: user}\n"
        );
    }
}
