//! Names of the file's own things: ids, environment variables, headers, cookies, methods, clusters.

use super::field_path::quoted;
use super::reader::{Node, Recorded};

/// An id: it stands in URLs, logs and headers, so it is short and plain.
pub(super) fn id<'d>(node: &Node<'d>) -> Result<&'d str, Recorded> {
    plain_id(node, node.text(1024)?)
}

/// The same for an id that is not the node's value, but its key.
pub(super) fn plain_id<'d>(node: &Node<'_>, text: &'d str) -> Result<&'d str, Recorded> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    // As a path segment, `.` and `..` would mean something else.
    if !(1..=64).contains(&text.len()) || !text.bytes().all(plain) || text == "." || text == ".." {
        let message = "is not a valid name. Write 1 to 64 letters (A-Z, a-z), digits, `.`, `_` or `-`";
        return Err(node.fault(format!("{} {message}", quoted(text))));
    }
    Ok(text)
}

/// The name of an environment variable (POSIX, 8.1).
pub(super) fn env(node: &Node<'_>) -> Result<String, Recorded> {
    let text = node.text(1024)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if text.len() > 128 || !text.bytes().all(plain) || text.starts_with(|first: char| first.is_ascii_digit()) {
        let message = "is not an environment variable name. Write letters, digits and `_`, like `ACME_TOKEN`; never the secret itself";
        // What stands here may be the secret itself, so it is not repeated.
        return Err(node.fault(format!("the value {message}")));
    }
    Ok(text.to_owned())
}

/// The Envoy cluster name.
pub(super) fn cluster(node: &Node<'_>) -> Result<String, Recorded> {
    visible(node, 255, "Envoy cluster name")
}

/// An `:authority`.
pub(super) fn authority(node: &Node<'_>) -> Result<String, Recorded> {
    visible(node, 255, "authority")
}

/// The name of a header, lowercased (RFC 9110, 5.1: names are case-insensitive).
pub(super) fn header(node: &Node<'_>) -> Result<String, Recorded> {
    let text = node.text(128)?;
    if !is_token(text) {
        return Err(node.fault(format!("{} is not a header name. Write one like `x-assertion`", quoted(text))));
    }
    Ok(text.to_ascii_lowercase())
}

/// The name of a cookie, case-sensitive (RFC 6265, 4.1.1).
pub(super) fn cookie(node: &Node<'_>) -> Result<String, Recorded> {
    let text = node.text(128)?;
    if !is_token(text) {
        return Err(node.fault(format!("{} is not a cookie name. Write one like `IdToken`", quoted(text))));
    }
    Ok(text.to_owned())
}

/// A request method (RFC 9110, 9.1: methods are case-sensitive).
pub(super) fn method(node: &Node<'_>) -> Result<String, Recorded> {
    let text = node.text(32)?;
    let upper = text.to_ascii_uppercase();
    if !is_token(text) {
        return Err(node.fault(format!("{} is not a method. Write one like `GET`", quoted(text))));
    }
    if upper != text {
        return Err(node.fault(format!("methods are case-sensitive. Write `{upper}`")));
    }
    Ok(upper)
}

/// RFC 9110, 5.6.2.
fn is_token(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn visible(node: &Node<'_>, most: usize, what: &str) -> Result<String, Recorded> {
    let text = node.text(most)?;
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(node.fault(format!("{} is not a valid {what}: visible ASCII characters only", quoted(text))));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{authority, cluster, cookie, env, header, id, method};
    use crate::read;
    use crate::reader::{Node, Recorded};

    type Reader = fn(&Node<'_>) -> Result<String, Recorded>;

    #[test]
    fn every_name_has_its_length_to_the_byte() {
        let id: Reader = |node| id(node).map(str::to_owned);
        let readers: [(Reader, usize); 7] =
            [(id, 64), (env, 128), (cluster, 255), (authority, 255), (header, 128), (cookie, 128), (method, 32)];
        for (index, (reader, most)) in readers.into_iter().enumerate() {
            let taken = |length: usize| read(&json!("X".repeat(length)), &|_| None, reader).is_ok();
            assert_eq!((taken(0), taken(1), taken(most), taken(most + 1)), (false, true, true, false), "{index}");
        }
    }

    #[test]
    fn every_name_has_its_letters() {
        let id: Reader = |node| id(node).map(str::to_owned);
        let rows: [(Reader, &str, &[&str]); 7] = [
            (id, "A.b_c-9", &["a/b", "a b", "é", ".", ".."]),
            (env, "A_9", &["9A", "A-B", "A.B", "é"]),
            (cluster, "a:b/c", &["a b", "é", "a\tb"]),
            (authority, "a:80", &["a b", "é"]),
            (header, "X-a", &["x:y", "x y", "é"]),
            (cookie, "__Host-a", &["a=b", "a;b"]),
            (method, "GET", &["get", "G T", "G/T"]),
        ];
        for (reader, good, bad) in rows {
            let taken = |text: &str| read(&json!(text), &|_| None, reader).is_ok();
            assert!(taken(good), "{good}");
            bad.iter().for_each(|bad| assert!(!taken(bad), "{bad}"));
        }
    }
}
