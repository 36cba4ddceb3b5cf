//! Lists and durations in words.

/// The most names that one sentence holds.
const MOST: usize = 12;

/// `` `a`, `b` ``, and how many more there are.
pub(super) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names = names.into_iter();
    let named: Vec<_> = names.by_ref().take(MOST).map(quoted).collect();
    match (named.is_empty(), names.count()) {
        (true, _) => "none".to_owned(),
        (false, 0) => named.join(", "),
        (false, more) => format!("{} and {more} more", named.join(", ")),
    }
}

/// A value in backticks, without line breaks and other controls.
pub(super) fn quoted(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            // They end nothing here.
            '\'' | '"' => shown.push(letter),
            _ => shown.extend(letter.escape_debug()),
        }
    }
    format!("`{shown}`")
}

/// Seconds as people say them.
pub(super) fn seconds(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{seconds} s ({} min)", seconds / 60),
        7_200..172_800 => format!("{seconds} s ({} h)", seconds / 3_600),
        _ => format!("{seconds} s ({} days)", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut_and_controls_are_escaped() {
        let many: Vec<_> = (0..15).map(|number| number.to_string()).collect();
        assert!(listed(many.iter().map(String::as_str)).ends_with("`11` and 3 more"));
        assert_eq!(listed([]), "none");
        assert_eq!(quoted("a\nb\u{1b}é"), "`a\\nb\\u{1b}é`");
        assert_eq!(quoted("the answer's \"status\""), "`the answer's \"status\"`");
    }

    #[test]
    fn long_times_are_told_in_greater_units_too() {
        for (number, told) in
            [(61, "61 s"), (3_600, "3600 s (60 min)"), (86_400, "86400 s (24 h)"), (864_000, "864000 s (10 days)")]
        {
            assert_eq!(seconds(number), told);
        }
    }
}
