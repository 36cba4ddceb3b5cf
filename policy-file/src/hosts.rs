//! Host patterns and mail domains: names as DNS has them, lowercased.

use usher_policy::model::HostPattern;
use usher_policy::rules::route::{ipv6, is_address_spelt_otherwise};

use super::field_path::quoted;
use super::public_mail;
use super::reader::{Node, Recorded};

/// One entry of `hosts`: an exact name or address, or `*.suffix`.
pub(super) fn pattern(node: &Node<'_>) -> Result<HostPattern, Recorded> {
    let text = node.text(512)?;
    let refuse = |hint: &str| Err(node.fault(format!("{} is not a host: {hint}", quoted(text))));
    let address = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if let Some(address) = ipv6(address) {
        return Ok(HostPattern::Exact(address));
    }
    if text.contains("://") {
        return refuse("write the name alone, without a scheme");
    }
    if text.contains('/') {
        return refuse("write the path as `path_prefix`");
    }
    if text.contains(':') {
        return refuse("write it without the port");
    }
    let (suffix, name) = match text.strip_prefix("*.") {
        Some(suffix) => (true, suffix),
        None => (false, text),
    };
    if name.contains('*') {
        return refuse("`*` stands only as the whole first label, like `*.acme.example`");
    }
    match dns_name(name) {
        Ok(name) if is_address_spelt_otherwise(&name) => {
            refuse("write an IPv4 address as four numbers, like `192.0.2.7`")
        }
        Ok(name) if suffix => Ok(HostPattern::Suffix(name)),
        Ok(name) => Ok(HostPattern::Exact(name)),
        Err(hint) => refuse(hint),
    }
}

/// One entry of a parent's `domains`.
pub(super) fn mail_domain(node: &Node<'_>) -> Result<String, Recorded> {
    let text = node.text(512)?;
    let refuse = |hint: &str| Err(node.fault(format!("{} is not a mail domain: {hint}", quoted(text))));
    if text.contains('@') {
        return refuse("write what follows the `@`");
    }
    if text.contains('*') {
        return refuse("a domain is matched exactly, so write each one out");
    }
    match dns_name(text) {
        Ok(domain) if public_mail::is_public(&domain) => {
            let message = "gives addresses to everybody. Write a domain that belongs only to this customer";
            Err(node.fault(format!("public mail domain: {} {message}", quoted(&domain))))
        }
        Ok(domain) => Ok(domain),
        Err(hint) => refuse(hint),
    }
}

/// A name of labels (RFC 1123, 2.1; underscores as in practice), lowercased; else what to write.
fn dns_name(text: &str) -> Result<String, &'static str> {
    if !text.is_ascii() {
        return Err("write it in its ASCII form (`xn--…`)");
    }
    if text.ends_with('.') {
        return Err("write it without the dot at the end");
    }
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(letter) && !label.starts_with('-') && !label.ends_with('-')
    };
    if text.len() > 253 || !text.split('.').all(label) {
        return Err("write labels of letters, digits and `-` with dots between them, like `chat.acme.example`");
    }
    Ok(text.to_ascii_lowercase())
}
