//! The registered claims that every assertion must have (RFC 7519, 4.1), read strictly.

use crate::id::{Issuer, Subject};
use crate::json::{Document, Json};

/// The claims of an assertion. Who holds them knows whether they were verified.
pub(super) struct Claims {
    pub(super) issuer: Issuer,
    pub(super) subject: Subject,
    /// Never empty.
    pub(super) audiences: Vec<String>,
    pub(super) expires_at: NumericDate,
    pub(super) issued_at: NumericDate,
    pub(super) not_before: Option<NumericDate>,
    /// All of them, these six included: an object.
    pub(super) all: Document,
}

impl Claims {
    /// Reads a claims set; `None` is `malformed_token` (design §5, step 4).
    pub(super) fn read(all: Document) -> Option<Self> {
        let claims = all.root();
        // A logout token (OpenID Connect Back-Channel Logout 1.0, 2.4) is no assertion.
        if claims.get("events").is_some() {
            return None;
        }
        Some(Self {
            issuer: Issuer::new(claims.get("iss")?.as_str()?),
            subject: subject(claims.get("sub")?)?,
            audiences: audiences(claims.get("aud")?)?,
            expires_at: NumericDate::read(claims.get("exp")?)?,
            issued_at: NumericDate::read(claims.get("iat")?)?,
            not_before: match claims.get("nbf") {
                Some(value) => Some(NumericDate::read(value)?),
                None => None,
            },
            all,
        })
    }
}

/// RFC 7519, 2: seconds since the Unix epoch, perhaps with a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NumericDate {
    whole: u64,
    has_fraction: bool,
}

impl NumericDate {
    /// Up to here a JSON number means the same to everyone (RFC 7493, 2.2), and sums of two stay far from overflow.
    const MAX: u64 = (1 << 53) - 1;

    /// A date that is not negative and not absurd.
    fn read(value: Json<'_>) -> Option<Self> {
        let number = value.as_number()?;
        if let Some(whole) = number.as_u64() {
            return (whole <= Self::MAX).then_some(Self { whole, has_fraction: false });
        }
        // Exact: every whole number in the range is a double, and the cast drops only the fraction.
        let number = number.as_f64().filter(|number| (0.0..=Self::MAX as f64).contains(number))?;
        Some(Self { whole: number as u64, has_fraction: number.fract() != 0.0 })
    }

    /// The whole second in which it lies.
    pub(super) fn floor(self) -> u64 {
        self.whole
    }

    /// The first whole second that is not before it: a clock of whole seconds has reached it exactly when it shows this.
    pub(super) fn ceil(self) -> u64 {
        self.whole + u64::from(self.has_fraction)
    }
}

fn subject(value: Json<'_>) -> Option<Subject> {
    let subject = value.as_str()?;
    let acceptable = (1..=255).contains(&subject.len()) && !subject.chars().any(char::is_control);
    acceptable.then(|| Subject::new(subject))
}

/// More audiences than this, nobody's assertion has. Each is compared with each of every connection of the issuer, before
/// anybody knows who has signed.
const MAX_AUDIENCES: usize = 256;

/// One audience, or a list that is not empty.
fn audiences(value: Json<'_>) -> Option<Vec<String>> {
    if let Some(one) = value.as_str() {
        return Some(vec![one.to_owned()]);
    }
    let list: Vec<_> = value.as_array()?.map(|one| one.as_str().map(str::to_owned)).collect::<Option<_>>()?;
    (1..=MAX_AUDIENCES).contains(&list.len()).then_some(list)
}

#[cfg(test)]
mod tests {
    use super::NumericDate;
    use crate::json::Document;

    #[test]
    fn dates_may_have_fractions() {
        for (text, floor, ceil) in [
            ("0", 0, 0),
            ("-0", 0, 0),
            ("1", 1, 1),
            ("1.0", 1, 1),
            ("1e3", 1000, 1000),
            ("0.25", 0, 1),
            ("1700000000.5", 1_700_000_000, 1_700_000_001),
            ("1700000000.999", 1_700_000_000, 1_700_000_001),
            ("9007199254740991", 9_007_199_254_740_991, 9_007_199_254_740_991),
        ] {
            let document = Document::read(text.into()).unwrap();
            let date = NumericDate::read(document.root()).unwrap();
            assert_eq!((date.floor(), date.ceil()), (floor, ceil), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "-1",
            "-0.5",
            "9007199254740992",
            "9007199254740992.0",
            "18446744073709551615",
            "1e300",
            "-1e300",
            "\"1\"",
            "true",
            "null",
            "[1]",
            "{}",
        ] {
            let document = Document::read(text.into()).unwrap();
            assert_eq!(NumericDate::read(document.root()), None, "{text}");
        }
    }
}
