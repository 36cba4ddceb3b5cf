//! Words and numbers of scenario files, beyond what policy files need.

use usher_policy_file::{Node, Recorded, closest, listed, quoted};

use super::refuse;

/// Any text, an empty or a hostile one too.
pub(super) fn any(node: &Node<'_>) -> Result<String, Recorded> {
    match node.value().as_str() {
        Some(text) => Ok(text.to_owned()),
        // The node's own words for what is no text.
        None => node.text(usize::MAX).map(str::to_owned),
    }
}

/// A name: text of 1 to 256 bytes.
pub(super) fn name(node: &Node<'_>) -> Result<String, Recorded> {
    node.text(256).map(str::to_owned)
}

/// What `read` makes of it, or `None` for `null`.
pub(super) fn or_null<T>(
    node: &Node<'_>,
    read: impl FnOnce(&Node<'_>) -> Result<T, Recorded>,
) -> Result<Option<T>, Recorded> {
    if node.value().is_null() { Ok(None) } else { read(node).map(Some) }
}

/// Seconds from now, before or after; a century at most.
pub(super) fn seconds(node: &Node<'_>) -> Result<i64, Recorded> {
    const CENTURY: i64 = 3_153_600_000;
    match node.value().as_i64().filter(|seconds| (-CENTURY..=CENTURY).contains(seconds)) {
        Some(seconds) => Ok(seconds),
        None => refuse(node, "expected seconds from now, such as `-60`"),
    }
}

/// One of some names that are known here.
pub(super) fn known(node: &Node<'_>, what: &str, names: &[&str]) -> Result<String, Recorded> {
    known_of(node, what, "", names)
}

/// One of some names that `of` has, such as the roles ` of product …`.
pub(super) fn known_of(node: &Node<'_>, what: &str, of: &str, names: &[&str]) -> Result<String, Recorded> {
    let text = node.text(256)?;
    if names.contains(&text) {
        return Ok(text.to_owned());
    }
    let hint = match closest(text, names) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if names.is_empty() => "there are none".to_owned(),
        None => format!("known here: {}", listed(names.iter().copied())),
    };
    refuse(node, format!("unknown {what} {}{of}; {hint}", quoted(text)))
}
