//! Where a request carries its credential: the first configured source that is present decides, none falls through.

use std::rc::Rc;

use usher_policy::Reason;
use usher_policy::model::CredentialSource;
use usher_policy::scan::{self, Sought};

use crate::header_map::HeaderMap;

/// The credential of a request that waits. A clone shares the bytes.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credential {
    /// The bytes.
    pub(crate) bytes: Rc<[u8]>,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential").finish_non_exhaustive()
    }
}

/// Finds the credential of a request: its bytes, not yet looked at.
///
/// # Errors
/// `no_credentials` where no source is present, or the first one holds nothing usable; `ambiguous_request` where it
/// comes twice.
pub(crate) fn find<'a>(sources: &'a [CredentialSource], headers: &'a HeaderMap) -> Result<&'a [u8], Reason> {
    for source in sources {
        let found = match source {
            CredentialSource::Authorization => single(headers, "authorization")?.map(bearer).transpose()?,
            CredentialSource::Cookie(name) => cookie(headers, name)?,
            CredentialSource::Header(name) => single(headers, name)?,
        };
        match found {
            Some([]) => return Err(Reason::NoCredentials),
            Some(bytes) => return Ok(bytes),
            None => {}
        }
    }
    Err(Reason::NoCredentials)
}

/// One cookie header in place of all, without the cookies of these names, wherever they stand; `None` where none of them does.
pub(crate) fn cookies_without(names: &[&str], headers: &HeaderMap) -> Option<Vec<u8>> {
    let is_named = |pair: &&[u8]| names.iter().any(|name| cookie_value(pair, name).is_some());
    let all = || headers.all(b"cookie").flat_map(pairs);
    let kept = || all().filter(|pair| !pair.is_empty() && !is_named(pair));
    all().any(|pair| is_named(&pair)).then(|| kept().collect::<Vec<_>>().join(&b"; "[..]))
}

/// The one value of a header. Envoy may have joined several with commas, which no assertion contains.
fn single<'a>(headers: &'a HeaderMap, name: &'a str) -> Result<Option<&'a [u8]>, Reason> {
    let mut values = headers.all(name.as_bytes()).map(<[u8]>::trim_ascii);
    let first = values.next();
    if values.next().is_some() || first.is_some_and(|value| scan::position(value, Sought::byte(b',')).is_some()) {
        return Err(Reason::AmbiguousRequest);
    }
    Ok(first)
}

/// The token of `Bearer <token>` (RFC 6750, 2.1); the scheme's case does not matter (RFC 9110, 11.1).
fn bearer(value: &[u8]) -> Result<&[u8], Reason> {
    let end = value.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(value.len());
    let (scheme, token) = value.split_at_checked(end).unwrap_or((value, &[]));
    match scheme.eq_ignore_ascii_case(b"bearer") {
        true => Ok(token.trim_ascii()),
        false => Err(Reason::NoCredentials),
    }
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a [u8]>, Reason> {
    let mut values = headers.all(b"cookie").flat_map(pairs).filter_map(|pair| cookie_value(pair, name));
    let first = values.next();
    match values.next() {
        // Whoever can set a cookie for a parent domain could otherwise choose which of the two is read.
        Some(_) => Err(Reason::AmbiguousRequest),
        None => Ok(first),
    }
}

fn pairs(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b';').map(<[u8]>::trim_ascii)
}

fn cookie_value<'a>(pair: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let rest = pair.strip_prefix(name.as_bytes())?.trim_ascii_start();
    Some(rest.strip_prefix(b"=")?.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&str, &[u8])]) -> HeaderMap {
        HeaderMap::decode(HeaderMap::encode(list)).unwrap()
    }

    fn sources() -> Vec<CredentialSource> {
        vec![
            CredentialSource::Authorization,
            CredentialSource::Cookie("IdToken".to_owned()),
            CredentialSource::Header("x-id-token".to_owned()),
        ]
    }

    fn found(list: &[(&str, &[u8])]) -> Result<Vec<u8>, Reason> {
        find(&sources(), &headers(list)).map(<[u8]>::to_vec)
    }

    #[test]
    fn a_credential_is_read_from_each_source() {
        for (list, expected) in [
            (&[("authorization", &b"Bearer a.b.c"[..])][..], &b"a.b.c"[..]),
            (&[("authorization", b"bEARER   a.b.c ")], b"a.b.c"),
            (&[("authorization", b"Bearer\ta.b.c")], b"a.b.c"),
            (&[("authorization", b"Bearer a b")], b"a b"),
            (&[("authorization", b"Bearer \xff\xfe")], b"\xff\xfe"),
            (&[("cookie", b"x=1; IdToken=a.b.c; y=2")], b"a.b.c"),
            (&[("cookie", b"x=1"), ("cookie", b"IdToken=a.b.c")], b"a.b.c"),
            (&[("cookie", b"IdToken=a=b")], b"a=b"),
            (&[("x-id-token", b" a.b.c ")], b"a.b.c"),
        ] {
            assert_eq!(found(list).as_deref(), Ok(expected), "{list:?}");
        }
    }

    #[test]
    fn the_first_source_that_is_present_decides_even_when_it_holds_nothing() {
        let token = ("x-id-token", &b"h.h.h"[..]);
        assert_eq!(found(&[("authorization", b"Bearer a.b.c"), token]).unwrap(), b"a.b.c");
        for blocking in [&b"Basic eDp5"[..], b"", b"Bearer", b"Bearer ", b"Bearera.b.c", b"a.b.c", b"\xff"] {
            assert_eq!(found(&[("authorization", blocking), token]), Err(Reason::NoCredentials), "{blocking:?}");
        }
        assert_eq!(found(&[("cookie", b"IdToken="), token]), Err(Reason::NoCredentials));
        assert_eq!(found(&[("x-id-token", b"")]), Err(Reason::NoCredentials));
        assert_eq!(found(&[("cookie", b"idtoken=a; IdTokens=b; xIdToken=c; IdToken"), token]).unwrap(), b"h.h.h");
        assert_eq!(found(&[]), Err(Reason::NoCredentials));
    }

    #[test]
    fn two_values_are_ambiguous_however_they_arrive() {
        for list in [
            &[("authorization", &b"Bearer a"[..]), ("authorization", b"Bearer b")][..],
            &[("authorization", b"Bearer a,Bearer b")],
            &[("authorization", b"Bearer a, Basic b")],
            &[("authorization", b"Basic a"), ("authorization", b"Bearer b")],
            &[("cookie", b"IdToken=a; IdToken=b")],
            &[("cookie", b"IdToken=a"), ("cookie", b"IdToken=a")],
            &[("x-id-token", b"a"), ("x-id-token", b"b")],
            &[("x-id-token", b"a,b")],
        ] {
            assert_eq!(found(list), Err(Reason::AmbiguousRequest), "{list:?}");
        }
    }

    #[test]
    fn only_the_credentials_are_taken_out_of_the_cookies_wherever_they_stand() {
        let without = |values: &[&str], names: &[&str]| {
            let values: Vec<_> = values.iter().map(|value| ("cookie", value.as_bytes())).collect();
            cookies_without(names, &headers(&values)).map(|kept| String::from_utf8(kept).unwrap())
        };
        for (values, kept) in [
            (&["a=1; IdToken=x; b=2"][..], Some("a=1; b=2")),
            (&["IdToken=x;IdToken =y"], Some("")),
            (&["a=1; IdToken=x", "IdToken=y", "b=2;;Older=z; c"], Some("a=1; b=2; c")),
            (
                &["Older=z; IdTokens=a; xIdToken=b; idtoken=c; IdToken"],
                Some("IdTokens=a; xIdToken=b; idtoken=c; IdToken"),
            ),
            // What has none of them is left to the byte.
            (&["a=1;;b", "c=2"], None),
            (&[], None),
        ] {
            assert_eq!(without(values, &["IdToken", "Older"]).as_deref(), kept, "{values:?}");
        }
        assert_eq!(without(&["IdToken=x"], &[]), None);
    }

    #[test]
    fn a_credential_is_never_shown_in_debug_output() {
        let shown = format!("{:?}", Credential { bytes: Rc::from(&b"s3cret"[..]) });
        assert!(shown.contains("Credential") && !shown.contains("s3cret") && !shown.contains("115"), "{shown}");
    }
}
