//! Times as SCIM writes them (`dateTime` of XML Schema, RFC 7643, 2.3.5), for comparing.

/// A moment: seconds since the Unix epoch and nanoseconds, in the order of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(i64, u32);

impl Moment {
    /// Reads `2011-05-13T04:42:34Z`, with a fraction or an offset if need be.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (date, rest) = text.split_once(['T', 't'])?;
        let mut date = date.splitn(3, '-');
        let (year, month, day) = (digits(date.next()?, 4)?, digits(date.next()?, 2)?, digits(date.next()?, 2)?);
        let zone = rest.find(['Z', 'z', '+', '-'])?;
        let (time, zone) = rest.split_at_checked(zone)?;
        let (time, fraction) = time.split_once('.').map_or((time, None), |(time, fraction)| (time, Some(fraction)));
        let mut time = time.splitn(3, ':');
        let (hour, minute, second) = (digits(time.next()?, 2)?, digits(time.next()?, 2)?, digits(time.next()?, 2)?);
        let possible = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
        if !possible {
            return None;
        }
        let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset(zone)?;
        Some(Self(seconds, fraction.map_or(Some(0), nanoseconds)?))
    }
}

fn digits(text: &str, length: usize) -> Option<i64> {
    (text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Up to nine digits count, the rest is too fine.
fn nanoseconds(fraction: &str) -> Option<u32> {
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let padded = fraction.chars().chain(std::iter::repeat('0')).take(9);
    padded.filter_map(|digit| digit.to_digit(10)).try_fold(0_u32, |sum, digit| sum.checked_mul(10)?.checked_add(digit))
}

/// Seconds east of Greenwich.
fn offset(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// Days from 1970-01-01 to a day of the Gregorian calendar: years begin in March, so the leap day is last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    const DAYS_BEFORE_1970: i64 = 719_468; // since 0000-03-01
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - DAYS_BEFORE_1970
}

#[cfg(test)]
mod tests {
    use super::Moment;
    use crate::clock::rfc3339;
    use proptest::prelude::*;

    #[test]
    fn offsets_and_fractions_count_and_what_is_no_time_is_none() {
        let moment = |text| Moment::parse(text).unwrap();
        assert_eq!(moment("2026-01-01T01:30:00+01:30"), moment("2026-01-01T00:00:00Z"));
        assert_eq!(moment("2025-12-31T19:00:00-05:00"), moment("2026-01-01t00:00:00.000z"));
        assert!(moment("2026-01-01T00:00:00.1Z") > moment("2026-01-01T00:00:00.09Z"));
        assert!(moment("1969-12-31T23:59:59Z") < moment("1970-01-01T00:00:00Z"));
        for none in [
            "",
            "2026-01-01",
            "2026-01-01T00:00:00",
            "2026-13-01T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "x",
            "2026-1-01T00:00:00Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00+1:00",
            "2026-01-01T00:00:00+01é",
        ] {
            assert_eq!(Moment::parse(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn what_the_store_writes_is_read_back(seconds in 0_u64..253_402_300_800) {
            prop_assert_eq!(Moment::parse(&rfc3339(seconds)), Some(Moment(i64::try_from(seconds).unwrap(), 0)));
        }

        #[test]
        fn no_text_panics(text in "[0-9TZ:.+\\-é]{0,40}") {
            let _ = Moment::parse(&text);
        }
    }
}
