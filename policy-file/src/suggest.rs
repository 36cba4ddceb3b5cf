//! "Did you mean": the known name that is closest to a misspelt one.

/// The closest of the known names, where one is close enough to be meant.
pub fn closest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    // Longer names are no misspelling of ours, and the distance is quadratic in the length.
    if name.len() > 40 {
        return None;
    }
    let most = (name.chars().count() / 3).clamp(1, 3);
    let candidates = known.iter().map(|candidate| (distance(name, candidate), *candidate));
    candidates.filter(|(distance, _)| *distance <= most).min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

/// How many letters must be put in, taken out or changed.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, letter) in from.chars().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        let mut left = index + 1;
        next.push(left);
        for ((other, above_left), above) in to.iter().zip(&row).zip(row.iter().skip(1)) {
            let changed = above_left + usize::from(*other != letter);
            left = changed.min(left + 1).min(above + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn the_closest_known_name_is_suggested() {
        let known = ["organizations", "domains", "directory", "id", "plan"];
        for (name, expected) in [
            ("organisations", Some("organizations")),
            ("organization", Some("organizations")),
            ("domain", Some("domains")),
            ("Domains", Some("domains")),
            ("plans", Some("plan")),
            ("ids", Some("id")),
            ("sessions", None),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(closest(name, &known), expected, "{name}");
        }
        assert_eq!(closest(&"a".repeat(1000), &known), None);
        // At most every third letter may be another, and at most three in all.
        assert_eq!(closest("xxxanizations", &known), Some("organizations"));
        assert_eq!(closest("xxxxnizations", &known), None);
        assert_eq!(closest("xlxx", &known), None);
        assert_eq!((closest("xxplan", &known), closest("xxplam", &known)), (Some("plan"), None));
        let longest = "a".repeat(40);
        assert_eq!(closest(&longest, &[&longest]), Some(longest.as_str()));
        assert_eq!(closest(&format!("{longest}a"), &[&longest]), None);
    }
}
