//! What one look at the headers of a request finds: as much as nearly every request needs, and no header read twice.

use crate::header_map::HeaderMap;
use crate::headers::Reserved;

/// The scheme of a bearer credential as nearly everybody writes it.
const BEARER: &[u8] = b"Bearer ";

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
            Authorization::One(value) => value.strip_prefix(BEARER),
            Authorization::None | Authorization::Several => None,
        }
    }
}
