//! Durations with their unit: `500ms`, `60s`, `15m`, `12h`, `7d`.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::Value;

use super::field_path::quoted;
use super::reader::{Node, Recorded};

/// The units, largest first, with their milliseconds.
const UNITS: &[(&str, u64)] = &[("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads a duration within a range.
pub(super) fn within(node: &Node<'_>, range: RangeInclusive<Duration>) -> Result<Duration, Recorded> {
    if let Value::Number(number) = node.value() {
        return Err(node.fault(format!("has no unit. Write `{number}s` or `{number}ms`")));
    }
    let text = node.text(32)?;
    let Some(duration) = parse(text) else {
        let message = "is not a duration. Write a whole number and its unit, like `500ms`, `60s`, `15m`, `12h` or `7d`";
        return Err(node.fault(format!("{} {message}", quoted(text))));
    };
    if !range.contains(&duration) {
        let (least, most) = (written(*range.start()), written(*range.end()));
        return Err(
            node.fault(format!("{} is out of range. Write a duration from `{least}` to `{most}`", quoted(text)))
        );
    }
    Ok(duration)
}

fn parse(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, milliseconds) = UNITS.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*milliseconds).map(Duration::from_millis)
}

fn written(duration: Duration) -> String {
    let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let fitting = UNITS.iter().find(|(_, unit)| milliseconds >= *unit && milliseconds.is_multiple_of(*unit));
    match fitting {
        Some((name, unit)) => format!("{}{name}", milliseconds / unit),
        None => "0s".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{parse, written};
    use std::time::Duration;

    #[test]
    fn a_duration_is_a_whole_number_with_its_unit() {
        for (text, seconds, back) in [
            ("0s", 0.0, "0s"),
            ("500ms", 0.5, "500ms"),
            ("60s", 60.0, "1m"),
            ("15m", 900.0, "15m"),
            ("12h", 43_200.0, "12h"),
            ("7d", 604_800.0, "7d"),
        ] {
            assert_eq!(parse(text), Some(Duration::from_secs_f64(seconds)), "{text}");
            assert_eq!(written(Duration::from_secs_f64(seconds)), back);
        }
        for bad in
            ["", "5", "s", "-5s", "+5s", "1.5s", "5 s", "5S", "5w", "1h30m", "99999999999999999999s", "٣s", "5µs"]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert_eq!(parse(&format!("{}d", u64::MAX)), None);
    }
}
