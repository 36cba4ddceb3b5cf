//! Plain scalars by the core schema (YAML 1.2.2, 10.3.2): `yes` and `on` are text, `010` is ten.

use serde_json::{Number, Value};

/// The value of a plain scalar; `None` for a number that JSON does not have (`.inf`, `.nan`).
pub(super) fn resolve(text: &str) -> Option<Value> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Some(Value::Null),
        "true" | "True" | "TRUE" => return Some(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Some(Value::Bool(false)),
        ".nan" | ".NaN" | ".NAN" => return None,
        _ => {}
    }
    if let Some(digits) =
        text.strip_prefix("0o").filter(|digits| digits.bytes().all(|digit| (b'0'..=b'7').contains(&digit)))
    {
        return Some(radix(digits, 8, text));
    }
    if let Some(digits) = text.strip_prefix("0x").filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
    {
        return Some(radix(digits, 16, text));
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return None;
    }
    if !is_decimal(unsigned) {
        return Some(Value::String(text.to_owned()));
    }
    let signed = text.strip_prefix('+').unwrap_or(text);
    if let Ok(number) = signed.parse::<u64>() {
        return Some(number.into());
    }
    if let Ok(number) = signed.parse::<i64>() {
        return Some(number.into());
    }
    Number::from_f64(signed.parse().ok()?).map(Value::Number)
}

/// `( "." [0-9]+ | [0-9]+ ( "." [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
fn is_decimal(text: &str) -> bool {
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    all_digits(whole)
        && all_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| !exponent.is_empty() && all_digits(exponent))
}

fn radix(digits: &str, radix: u32, text: &str) -> Value {
    match u64::from_str_radix(digits, radix) {
        Ok(number) => number.into(),
        Err(_) => Value::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::resolve;
    use serde_json::{Value, json};

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        for (text, value) in [
            ("", Value::Null),
            ("~", Value::Null),
            ("null", Value::Null),
            ("nuLL", json!("nuLL")),
            ("true", json!(true)),
            ("FALSE", json!(false)),
            ("yes", json!("yes")),
            ("on", json!("on")),
            ("No", json!("No")),
            ("y", json!("y")),
            ("12", json!(12)),
            ("-12", json!(-12)),
            ("+12", json!(12)),
            ("010", json!(10)),
            ("0o17", json!(15)),
            ("0x1F", json!(31)),
            ("0o8", json!("0o8")),
            ("0xg", json!("0xg")),
            ("0o", json!("0o")),
            ("1.5", json!(1.5)),
            ("1.", json!(1.0)),
            (".5", json!(0.5)),
            ("1e3", json!(1000.0)),
            ("1e", json!("1e")),
            (".", json!(".")),
            ("-", json!("-")),
            ("e5", json!("e5")),
            ("1_000", json!("1_000")),
            ("1:30", json!("1:30")),
            ("60s", json!("60s")),
            ("1.2.3", json!("1.2.3")),
            ("inf", json!("inf")),
            ("18446744073709551615", json!(u64::MAX)),
        ] {
            assert_eq!(resolve(text), Some(value), "{text:?}");
        }
        for none in [".inf", "-.INF", "+.Inf", ".nan", "1e999"] {
            assert_eq!(resolve(none), None, "{none}");
        }
    }
}
