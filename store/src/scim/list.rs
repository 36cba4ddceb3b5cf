//! Lists: which part of the results is wanted, and the message that holds them (RFC 7644, 3.4.2 and 3.4.2.4).

use serde_json::{Value, json};

use super::error::ScimError;

/// Most resources in one answer.
pub(crate) const MAX_COUNT: u32 = 200;

/// Resources in an answer where the request names no number.
const DEFAULT_COUNT: u32 = 100;

const LIST_URN: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// A part of the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// The first result, counted from 1.
    pub(crate) start: u64,
    /// Most results.
    pub(crate) count: u32,
}

impl Page {
    /// Reads `startIndex` and `count`. "A value less than 1 SHALL be interpreted as 1"; "a negative value … as 0".
    ///
    /// # Errors
    /// `invalidValue` for what is no whole number.
    pub(crate) fn new(start: Option<&str>, count: Option<&str>) -> Result<Self, ScimError> {
        let start = start.map(|text| whole("startIndex", text)).transpose()?.unwrap_or(1).max(1);
        let count = count.map(|text| whole("count", text)).transpose()?.unwrap_or(i64::from(DEFAULT_COUNT));
        let count = u32::try_from(count.max(0)).unwrap_or(MAX_COUNT).min(MAX_COUNT);
        Ok(Self { start: start.unsigned_abs(), count })
    }

    /// How many results come before it.
    pub(crate) fn skipped(self) -> u64 {
        self.start.saturating_sub(1)
    }

    /// The message with these resources, out of so many.
    pub(crate) fn response(self, total: u64, resources: Vec<Value>) -> Value {
        json!({
            "schemas": [LIST_URN],
            "totalResults": total,
            "startIndex": self.start,
            "itemsPerPage": resources.len(),
            "Resources": resources,
        })
    }
}

fn whole(name: &str, text: &str) -> Result<i64, ScimError> {
    text.trim().parse().map_err(|_| ScimError::invalid_value(format!("`{name}` is not a whole number")))
}

#[cfg(test)]
mod tests {
    use super::Page;
    use proptest::prelude::*;

    #[test]
    fn pages_are_bounded() {
        for (start, count, expected) in [
            (None, None, (1, 100)),
            (Some("0"), Some("-1"), (1, 0)),
            (Some("-7"), Some("0"), (1, 0)),
            (Some("201"), Some("200"), (201, 200)),
            (Some("1"), Some("100000"), (1, 200)),
            (Some("1"), Some("99999999999"), (1, 200)),
        ] {
            let page = Page::new(start, count).unwrap();
            assert_eq!((page.start, page.count), expected, "{start:?} {count:?}");
        }
        for text in ["", "x", "1.5", "1e3", "99999999999999999999"] {
            assert!(Page::new(Some(text), None).is_err() && Page::new(None, Some(text)).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_page_panics(start: i64, count: i64) {
            let page = Page::new(Some(&start.to_string()), Some(&count.to_string())).unwrap();
            prop_assert!(page.start >= 1 && page.count <= 200);
            page.skipped();
        }
    }
}
