//! The trace that a request belongs to (W3C Trace Context), passed on with its call to the store.

use usher_policy::scan::{self, Sought};

use crate::header_map::HeaderMap;

/// The longest of each that is passed on, in bytes: what every implementation must carry (Trace Context, 3.3.1.5).
const MAX_LEN: usize = 512;

/// `traceparent`, and with it `tracestate`, where they can be told to the store as they came. What they mean is for the
/// store to read: nothing is decided by them.
pub(crate) fn of(headers: &HeaderMap) -> impl Iterator<Item = (&'static str, &str)> {
    let parent = one(headers, "traceparent");
    let state = parent.and_then(|_| one(headers, "tracestate"));
    parent.map(|parent| ("traceparent", parent)).into_iter().chain(state.map(|state| ("tracestate", state)))
}

/// The one header of this name, if it is short and of visible characters and spaces.
fn one<'h>(headers: &'h HeaderMap, name: &'static str) -> Option<&'h str> {
    let mut values = headers.all(name.as_bytes());
    let value = values.next()?;
    let fits = (1..=MAX_LEN).contains(&value.len()) && scan::position(value, Sought::UNPRINTABLE).is_none();
    if fits && values.next().is_none() { std::str::from_utf8(value).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn of_these(headers: &[(&str, &str)]) -> Vec<(String, String)> {
        let headers = HeaderMap::decode(HeaderMap::encode(headers)).unwrap();
        of(&headers).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn a_trace_goes_on_and_what_belongs_to_none_does_not() {
        let told = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let both = [("traceparent", PARENT), ("tracestate", "acme=1, b=2"), ("x-request-id", "r")];
        assert_eq!(of_these(&both), [told("traceparent", PARENT), told("tracestate", "acme=1, b=2")]);
        assert_eq!(of_these(&[("traceparent", PARENT)]), [told("traceparent", PARENT)]);
        assert_eq!(of_these(&[("tracestate", "acme=1")]), []);
        assert_eq!(of_these(&[]), []);
    }

    #[test]
    fn what_is_no_short_line_of_text_stays_behind() {
        let longest = "a".repeat(MAX_LEN);
        assert_eq!(of_these(&[("traceparent", longest.as_str())]).len(), 1);
        for bad in ["", "a\r\nauthorization: x", "caf\u{e9}", "a\0", &format!("{longest}a")] {
            assert_eq!(of_these(&[("traceparent", bad)]), [], "{bad:?}");
            assert_eq!(of_these(&[("traceparent", PARENT), ("tracestate", bad)]).len(), 1, "{bad:?}");
        }
        assert_eq!(of_these(&[("traceparent", PARENT), ("traceparent", PARENT)]), []);
    }
}
