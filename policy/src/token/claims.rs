//! The registered claims that every assertion must have (RFC 7519, 4.1), read strictly.

use crate::id::Subject;
use crate::json::{Document, Json};
use crate::scan::{self, Sought};

/// The claims of an assertion. Who holds them knows whether they were verified.
pub(super) struct Claims {
    pub(super) subject: Subject,
    pub(super) expires_at: NumericDate,
    pub(super) issued_at: NumericDate,
    pub(super) not_before: Option<NumericDate>,
    /// All of them, these included, and an `iss` and an `aud` as they must be: an object.
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
        claims.get("iss")?.as_str()?;
        if !are_audiences(claims.get("aud")?) {
            return None;
        }
        Some(Self {
            subject: subject(claims.get("sub")?)?,
            expires_at: NumericDate::read(claims.get("exp")?)?,
            issued_at: NumericDate::read(claims.get("iat")?)?,
            not_before: match claims.get("nbf") {
                Some(value) => Some(NumericDate::read(value)?),
                None => None,
            },
            all,
        })
    }

    /// The `iss`.
    pub(super) fn issuer(&self) -> &str {
        self.all.root().get("iss").and_then(Json::as_str).unwrap_or_default()
    }

    /// The `aud`.
    pub(super) fn audience(&self) -> Audience<'_> {
        Audience(self.all.root().get("aud"))
    }
}

/// One audience, or several. To find it among the claims is a search, to look at it again is none.
#[derive(Clone, Copy)]
pub(super) struct Audience<'a>(Option<Json<'a>>);

impl<'a> Audience<'a> {
    /// Whether one of them is accepted.
    pub(super) fn has(self, is_accepted: impl Fn(&str) -> bool) -> bool {
        let accepts = |one: Json<'_>| one.as_str().is_some_and(&is_accepted);
        self.0.is_some_and(|audience| match audience.as_array() {
            Some(mut many) => many.any(accepts),
            None => accepts(audience),
        })
    }

    /// The first of them.
    pub(super) fn first(self) -> Option<&'a str> {
        let audience = self.0?;
        audience.as_array().map_or(Some(audience), |mut many| many.next())?.as_str()
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
    // Only what is not ASCII throughout has to be looked at by characters.
    let is_printable = || scan::position(subject.as_bytes(), Sought::UNPRINTABLE).is_none();
    let acceptable = (1..=255).contains(&subject.len()) && (is_printable() || !subject.chars().any(char::is_control));
    acceptable.then(|| Subject::new(subject))
}

/// More audiences than this, nobody's assertion has. Each is compared with each of every connection of the issuer, before
/// anybody knows who has signed.
const MAX_AUDIENCES: usize = 256;

/// One audience, or a list that is not empty.
fn are_audiences(value: Json<'_>) -> bool {
    match value.as_array() {
        Some(many) => {
            (1..=MAX_AUDIENCES).contains(&many.clone().count()) && many.map(Json::as_str).all(|one| one.is_some())
        }
        None => value.as_str().is_some(),
    }
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
