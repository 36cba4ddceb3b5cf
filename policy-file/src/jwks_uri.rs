//! `jwks.uri`: a URL taken apart as Envoy needs it.

use std::net::{IpAddr, Ipv6Addr};

use usher_policy::model::JwksUri;

use super::field_path::quoted;
use super::reader::{Node, Recorded};

/// Reads an absolute http or https URL.
pub(super) fn read(node: &Node<'_>) -> Result<JwksUri, Recorded> {
    let text = node.text(2048)?;
    parse(text).map_err(|hint| node.fault(format!("{} is not a key URL: {hint}", quoted(text))))
}

/// RFC 3986, 3, without user information and fragment.
fn parse(text: &str) -> Result<JwksUri, &'static str> {
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("visible ASCII characters only");
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err("write it in full, like `https://idp.acme.example/keys`");
    };
    let tls = match scheme.to_ascii_lowercase().as_str() {
        "https" => true,
        "http" => false,
        _ => return Err("only https (and http on loopback) is supported"),
    };
    if rest.contains('#') {
        return Err("write it without a fragment (`#…`)");
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    if authority.contains('@') {
        return Err("write it without user and password");
    }
    let (host, port) = host_and_port(authority)?;
    let port = match port {
        Some(port) => port.parse().ok().filter(|port| *port != 0).ok_or("the port is a number from 1 to 65535")?,
        None if tls => 443,
        None => 80,
    };
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    Ok(JwksUri { tls, host: host.to_ascii_lowercase(), port, path })
}

fn host_and_port(authority: &str) -> Result<(&str, Option<&str>), &'static str> {
    if let Some(literal) = authority.strip_prefix('[') {
        let (address, rest) = literal.split_once(']').ok_or("the address's `]` is missing")?;
        address.parse::<Ipv6Addr>().map_err(|_| "`[…]` must hold an IPv6 address")?;
        return match rest {
            "" => Ok((address, None)),
            _ => Ok((address, Some(rest.strip_prefix(':').ok_or("a port begins with `:`")?))),
        };
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let name = !host.is_empty() && host.len() <= 253 && host.bytes().all(letter) && !host.split('.').any(str::is_empty);
    if name || host.parse::<IpAddr>().is_ok() { Ok((host, port)) } else { Err("the host is not a name or address") }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_url_is_taken_apart() {
        for (text, tls, host, port, path, authority) in [
            ("https://idp.example/keys", true, "idp.example", 443, "/keys", "idp.example"),
            ("HTTPS://IDP.Example:8443/a?b=c", true, "idp.example", 8443, "/a?b=c", "idp.example:8443"),
            ("http://127.0.0.1:9000/jwks", false, "127.0.0.1", 9000, "/jwks", "127.0.0.1:9000"),
            ("http://localhost/jwks", false, "localhost", 80, "/jwks", "localhost"),
            ("http://[::1]:9000", false, "::1", 9000, "/", "[::1]:9000"),
            ("https://idp.example", true, "idp.example", 443, "/", "idp.example"),
            ("https://idp.example?x=1", true, "idp.example", 443, "/?x=1", "idp.example"),
            ("https://idp.example:443/", true, "idp.example", 443, "/", "idp.example"),
        ] {
            let uri = parse(text).unwrap();
            assert_eq!((uri.tls, uri.host.as_str(), uri.port, uri.path.as_str()), (tls, host, port, path), "{text}");
            assert_eq!((uri.authority().as_str(), uri.scheme()), (authority, if tls { "https" } else { "http" }));
        }
    }

    #[test]
    fn a_host_has_up_to_253_bytes() {
        let longest = "h".repeat(253);
        assert_eq!(parse(&format!("https://{longest}/")).unwrap().host, longest);
        assert!(parse(&format!("https://{longest}h/")).is_err());
    }

    #[test]
    fn what_is_no_such_url_is_refused() {
        for text in [
            "idp.example/keys",
            "/keys",
            "ftp://idp.example/",
            "https://",
            "https:///keys",
            "https://a b/",
            "https://idp.example/é",
            "https://user:secret@idp.example/",
            "https://idp.example/#x",
            "https://idp.example:0/",
            "https://idp.example:65536/",
            "https://idp.example:/",
            "https://[::1/",
            "https://[::1]x/",
            "https://[x]/",
            "https://a..b/",
            "https://a:b:c/",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
