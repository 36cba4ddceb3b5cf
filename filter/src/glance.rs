//! What one look at the headers of a request finds: as much as nearly every request needs, and no header read twice.

use crate::header_map::HeaderMap;
use crate::headers::Reserved;

/// The scheme of a bearer credential, with what nearly everybody writes after it.
const BEARER: &[u8] = b"bearer ";

/// The headers that count, each the first of its name. Of the routing headers only `:authority`, `:path` and `:method` are
/// looked at: whatever else claims to say where a request was meant to go is written by the client.
#[derive(Debug, Default)]
pub(crate) struct Glance<'a> {
    pub(crate) authority: &'a [u8],
    pub(crate) method: &'a [u8],
    pub(crate) path: &'a [u8],
    authorization: Authorization<'a>,
    /// Whether a `connection` header asks the next hop to take an identity header away.
    pub(crate) nominates_reserved: bool,
}

#[derive(Clone, Copy, Debug, Default)]
enum Authorization<'a> {
    #[default]
    None,
    One(&'a [u8]),
    Several,
}

impl<'a> Glance<'a> {
    /// Looks at every header once. Those with reserved names are told of as they are met.
    ///
    /// # Errors
    /// What `reserved_met` fails with.
    pub(crate) fn of<E>(
        headers: &'a HeaderMap,
        reserved: &Reserved,
        mut reserved_met: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<Self, E> {
        let [mut authority, mut method, mut path] = [None; 3];
        let mut glance = Self::default();
        for (name, value) in headers.iter() {
            match name {
                b":authority" => drop(authority.get_or_insert(value)),
                b":method" => drop(method.get_or_insert(value)),
                b":path" => drop(path.get_or_insert(value)),
                b"authorization" => {
                    glance.authorization = match glance.authorization {
                        Authorization::None => Authorization::One(value),
                        Authorization::One(_) | Authorization::Several => Authorization::Several,
                    };
                }
                b"connection" => glance.nominates_reserved |= reserved.are_nominated_by(value),
                _ => {}
            }
            if reserved.has(name) {
                reserved_met(name)?;
            }
        }
        [glance.authority, glance.method, glance.path] = [authority, method, path].map(Option::unwrap_or_default);
        Ok(glance)
    }

    /// The token of the only `authorization` header, where that is written as usual. Nobody has looked at its form: it is good
    /// for finding what is known to the byte, and for nothing else.
    pub(crate) fn bearer(&self) -> Option<&'a [u8]> {
        match self.authorization {
            Authorization::One(value) => {
                let (scheme, token) = value.split_at_checked(BEARER.len())?;
                scheme.eq_ignore_ascii_case(BEARER).then_some(token)
            }
            Authorization::None | Authorization::Several => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use usher_policy::model::HeaderNames;

    use super::*;

    fn glanced(list: &[(&str, &str)]) -> Result<(Vec<String>, bool, Option<String>), Vec<u8>> {
        let headers = HeaderMap::decode(HeaderMap::encode(list)).unwrap();
        let mut met = Vec::new();
        let glance = Glance::of(&headers, &Reserved::new(&HeaderNames::default()), |name| {
            met.push(String::from_utf8_lossy(name).into_owned());
            if name == b"x-usher-stop" { Err(name.to_vec()) } else { Ok(()) }
        })?;
        let bearer = glance.bearer().map(|token| String::from_utf8_lossy(token).into_owned());
        Ok((met, glance.nominates_reserved, bearer))
    }

    #[test]
    fn the_first_of_each_name_counts_and_what_is_not_there_is_empty() {
        let list = [(":path", "/a"), (":method", "GET"), (":path", "/b"), (":authority", "one"), (":authority", "two")];
        let headers = HeaderMap::decode(HeaderMap::encode(&list)).unwrap();
        let none = Reserved::new(&HeaderNames::default());
        let glance = Glance::of(&headers, &none, |_| Ok::<_, ()>(())).unwrap();
        assert_eq!([glance.authority, glance.method, glance.path], [&b"one"[..], b"GET", b"/a"]);
        let nothing = HeaderMap::default();
        let glance = Glance::of(&nothing, &none, |_| Ok::<_, ()>(())).unwrap();
        assert_eq!([glance.authority, glance.method, glance.path], [b""; 3]);
    }

    #[test]
    fn reserved_names_are_told_of_in_every_fold_as_often_as_they_are_there() {
        let list = [("x-usher-role", "owner"), ("accept", "*/*"), ("x_usher_role", ""), ("x-usher-role", "admin")];
        assert_eq!(glanced(&list).unwrap().0, ["x-usher-role", "x_usher_role", "x-usher-role"]);
        assert_eq!(glanced(&[("x-usher-stop", "")]), Err(b"x-usher-stop".to_vec()));
        assert!(glanced(&[("connection", "close"), ("connection", "x-usher-role")]).unwrap().1);
        assert!(!glanced(&[("connection", "close"), ("x-usher-role", "x-usher-role")]).unwrap().1);
    }

    #[test]
    fn only_one_bearer_is_one() {
        for (values, token) in [
            (&["Bearer a.b.c"][..], Some("a.b.c")),
            (&["bEARER a.b.c"], Some("a.b.c")),
            (&["Bearer a.b.c", "Bearer a.b.c"], None),
            (&["Bearer a", "Bearer b", "Bearer c"], None),
            (&["Basic a.b.c"], None),
            (&["Bearer"], None),
            (&[""], None),
            (&[], None),
        ] {
            let list: Vec<_> = values.iter().map(|value| ("authorization", *value)).collect();
            assert_eq!(glanced(&list).unwrap().2.as_deref(), token, "{values:?}");
        }
    }
}
