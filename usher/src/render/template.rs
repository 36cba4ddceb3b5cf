//! Texts with `${name}` holes, and the two safe ways of putting a value into YAML: a quoted scalar and an indented block.

use serde_json::Value;

/// Fills every `${name}` of a template in one pass: what a value contains is never read as a hole.
pub(crate) fn fill(template: &str, values: &[(&str, String)]) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("${") {
        filled.push_str(before);
        let hole = after
            .split_once('}')
            .and_then(|(name, after)| values.iter().find(|(known, _)| *known == name).map(|(_, value)| (value, after)));
        match hole {
            Some((value, after)) => {
                filled.push_str(value);
                rest = after;
            }
            None => {
                filled.push_str("${");
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

/// A text as a double-quoted YAML scalar: JSON's quoting is YAML's.
pub(super) fn quoted(text: &str) -> String {
    ascii(&Value::from(text).to_string())
}

/// A JSON document over several lines, for a YAML block scalar at this indentation; the first line is not indented.
pub(super) fn block(document: &Value, indentation: usize) -> String {
    indented(&ascii(&format!("{document:#}")), indentation)
}

/// A JSON document as a YAML flow collection over several lines, at this indentation; the first line is not indented.
pub(super) fn flow(document: &Value, indentation: usize) -> String {
    let mut text = String::new();
    for character in format!("{document:#}").chars() {
        match character {
            '\n' | ' '..='~' => text.push(character),
            // YAML has no pairs of surrogates, and JSON nothing else.
            _ => text.push_str(&format!("\\U{:08x}", u32::from(character))),
        }
    }
    indented(&text, indentation)
}

/// A text with every line but the first indented.
pub(super) fn indented(text: &str, indentation: usize) -> String {
    text.trim_end().replace('\n', &format!("\n{:indentation$}", ""))
}

/// JSON text with everything but printable ASCII as `\u` escapes. Outside of strings JSON has nothing else.
fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if character == '\n' || matches!(character, ' '..='~') {
            text.push(character);
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_fill_holes_and_are_not_searched_for_more() {
        assert_eq!(fill("a ${x} b ${y} ${x}", &[("x", "${y}".to_owned()), ("y", "2".to_owned())]), "a ${y} b 2 ${y}");
        assert_eq!(fill("${none} ${x", &[("x", "1".to_owned())]), "${none} ${x");
    }

    #[test]
    fn a_block_is_the_same_json_in_printable_ascii() {
        let document = json!({"label": "Büro\u{7f}\u{2028}😀", "list": [1, {"a\nb": "\"${x}\""}]});
        let block = block(&document, 4);
        assert!(block.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)), "{block}");
        assert!(block.lines().skip(1).all(|line| line.starts_with("    ")), "{block}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&block).unwrap(), document);
    }
}
