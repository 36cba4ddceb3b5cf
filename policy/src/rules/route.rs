//! Which organization a request is for: by `:authority` and `:path`, nothing else.

use std::borrow::Cow;
use std::sync::Arc;

use super::path::NormalPath;
use crate::Reason;
use crate::model::{Organization, Policy};

/// The organization of a request.
#[derive(Clone, Debug)]
pub struct Routed<'a> {
    /// The organization.
    pub organization: &'a Arc<Organization>,
    /// The path, where the verdict depends on it.
    pub path: Option<NormalPath>,
}

/// Finds the organization of a request.
///
/// # Errors
/// `unknown_organization`; `ambiguous_request` where the host's organizations depend on a path that can be read in two ways.
pub fn route<'a>(policy: &'a Policy, authority: &[u8], path: &[u8]) -> Result<Routed<'a>, Reason> {
    let host = host(authority).ok_or(Reason::UnknownOrganization)?;
    let candidates = policy.routes.candidates(&host).ok_or(Reason::UnknownOrganization)?;
    if !candidates.depend_on_path() {
        let organization = candidates.everywhere().ok_or(Reason::UnknownOrganization)?;
        return Ok(Routed { organization, path: None });
    }
    let path = NormalPath::parse(path).map_err(|_| Reason::AmbiguousRequest)?;
    let organization = candidates.at(&path).ok_or(Reason::UnknownOrganization)?;
    Ok(Routed { organization, path: Some(path) })
}

/// Whether no organization has the host of an `:authority`, which is what `unmatched` is about. What is not a host is refused
/// like any that cannot be told, and a path that nobody has belongs to a host that somebody has.
pub fn is_unmatched(policy: &Policy, authority: &[u8]) -> bool {
    host(authority).is_some_and(|host| policy.routes.candidates(&host).is_none())
}

/// The host of an `:authority`: port and one trailing dot dropped, lowercased, an IPv6 address in its one text.
/// `None` where it is not a host.
pub fn host(authority: &[u8]) -> Option<Cow<'_, str>> {
    let text = std::str::from_utf8(authority).ok().filter(|text| text.is_ascii() && text.len() <= 512)?;
    let (host, port) = match text.strip_prefix('[') {
        Some(literal) => {
            let (address, rest) = literal.split_once(']')?;
            (Cow::Owned(ipv6(address)?), if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        }
        None => {
            let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
            (named(name)?, port)
        }
    };
    if port.is_some_and(|port| port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit())) {
        return None;
    }
    Some(host)
}

/// A name of labels, none of them empty: one resolver refuses `a..b`, another takes it for `a.b`. Or an IPv4 address.
fn named(name: &str) -> Option<Cow<'_, str>> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if !name.bytes().all(valid) || name.split('.').any(str::is_empty) || is_address_spelt_otherwise(name) {
        return None;
    }
    Some(match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(name.to_ascii_lowercase()),
        false => Cow::Borrowed(name),
    })
}

/// Whether some read a name as an IPv4 address that it does not spell as four decimal numbers: `127.1`, `0x7f.0.0.1`. A name
/// whose last label is a number is an address to them (WHATWG URL, 3.5).
pub fn is_address_spelt_otherwise(name: &str) -> bool {
    let is_number = match name.as_bytes().rsplit(|byte| *byte == b'.').next().unwrap_or_default() {
        [b'0', b'x' | b'X', digits @ ..] => digits.iter().all(u8::is_ascii_hexdigit),
        digits => digits.iter().all(u8::is_ascii_digit),
    };
    // Four decimal numbers may end an IPv6 address: its reader is here already, another takes much room in the filter.
    is_number && ipv6(&["0:0:0:0:0:0:", name].concat()).is_none()
}

/// The one text of an IPv6 address, which has many spellings: all its digits, as to write the shortest would take much room in
/// the filter.
pub fn ipv6(address: &str) -> Option<String> {
    let address: std::net::Ipv6Addr = address.parse().ok()?;
    let mut text = String::new();
    for (at, octet) in address.octets().into_iter().enumerate() {
        if at > 0 && at % 2 == 0 {
            text.push(':');
        }
        text.extend([octet >> 4, octet & 15].into_iter().filter_map(|digit| char::from_digit(digit.into(), 16)));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn a_host_is_lowercased_without_port_and_one_dot() {
        for (authority, expected) in [
            ("chat.acme.example", Some("chat.acme.example")),
            ("Chat.ACME.example:8443", Some("chat.acme.example")),
            ("chat.acme.example.", Some("chat.acme.example")),
            ("chat.acme.example.:80", Some("chat.acme.example")),
            ("chat.acme.example:99999", Some("chat.acme.example")),
            ("[::1]:8080", Some("0000:0000:0000:0000:0000:0000:0000:0001")),
            ("[::1]", Some("0000:0000:0000:0000:0000:0000:0000:0001")),
            ("[0:0:0:0:0:0:0:1]", Some("0000:0000:0000:0000:0000:0000:0000:0001")),
            ("[::0001]:80", Some("0000:0000:0000:0000:0000:0000:0000:0001")),
            ("[2001:DB8:0::A]", Some("2001:0db8:0000:0000:0000:0000:0000:000a")),
            ("[::ffff:7f00:1]", Some("0000:0000:0000:0000:0000:ffff:7f00:0001")),
            ("192.0.2.7", Some("192.0.2.7")),
            ("192.0.2.7.:80", Some("192.0.2.7")),
            ("7.acme.example", Some("7.acme.example")),
            ("0xa.acme.0xample", Some("0xa.acme.0xample")),
            ("192.0.2.07", None),
            ("192.0.519", None),
            ("192.0.2.7.0", None),
            ("192.0.2.256", None),
            ("3221225991", None),
            ("0xC0.0.2.0X7", None),
            ("acme.0x", None),
            ("chat.acme.example..", None),
            ("chat.acme.example..:80", None),
            (".chat.acme.example", None),
            ("a..acme.example", None),
            ("..", None),
            ("", None),
            (".", None),
            ("chat.acme.example:", None),
            ("chat.acme.example:8x", None),
            ("a b", None),
            ("user@chat.acme.example", None),
            ("chat.acme.example/x", None),
            ("[::1", None),
            ("[::1]x", None),
            ("[::1].", None),
            ("[::1%25eth0]", None),
            ("::1", None),
            ("[chat.acme.example]", None),
            ("ü.example", None),
        ] {
            assert_eq!(host(authority.as_bytes()).as_deref(), expected, "{authority:?}");
        }
    }
}
