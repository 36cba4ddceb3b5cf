//! An issuer as OpenID Connect Discovery 1.0 wants it, and where its metadata stands.

use std::net::IpAddr;

use ureq::http::Uri;

use super::DiscoverError;

/// An https URL without query and fragment (OpenID Connect Discovery 1.0, 3), byte for byte as it was given.
#[derive(Clone, Debug)]
pub(super) struct Issuer {
    text: String,
    address: Address,
}

impl Issuer {
    /// Reads what was given; plain http only on loopback, or where it is asked for.
    pub(super) fn parse(text: &str, insecure: bool) -> Result<Self, DiscoverError> {
        // What stands before an `@` may be a password, so it is not repeated.
        let shown = text.rsplit_once('@').map_or(text, |(_, rest)| rest);
        let refuse = |message| DiscoverError::Issuer { issuer: shown.escape_debug().to_string(), message };
        if text.contains(['?', '#']) {
            return Err(refuse("an issuer has no query and no fragment. Write what is in `iss`"));
        }
        if text.contains("/.well-known/") {
            return Err(refuse("write the issuer alone, without `/.well-known/…`"));
        }
        let address = Address::parse(text, insecure).map_err(refuse)?;
        Ok(Self { text: text.to_owned(), address })
    }

    /// As it was given.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// The host, for names.
    pub(super) fn host(&self) -> &str {
        &self.address.host
    }

    /// Where it leads.
    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// Where the metadata stands: "any terminating `/` MUST be removed" before the well-known path is appended (4.1).
    pub(super) fn metadata(&self) -> String {
        format!("{}/.well-known/openid-configuration", self.text.strip_suffix('/').unwrap_or(&self.text))
    }
}

/// Where a URL leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// Name or address, lowercased, without brackets.
    pub(super) host: String,
    /// Plain http to another machine, which was asked for.
    pub(super) is_insecure: bool,
    /// This machine.
    pub(super) is_loopback: bool,
}

impl Address {
    /// Reads an absolute URL that may be asked.
    ///
    /// # Errors
    /// Why it may not.
    pub(super) fn parse(url: &str, insecure: bool) -> Result<Self, &'static str> {
        if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("visible ASCII characters only");
        }
        let uri: Uri = url.parse().map_err(|_| "not a URL. Write it in full, like `https://acme.okta.example`")?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err("not a URL. Write it in full, like `https://acme.okta.example`");
        };
        if authority.as_str().contains('@') {
            return Err("write it without user and password");
        }
        if url.contains('#') {
            return Err("write it without a fragment (`#…`)");
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        if host.is_empty() {
            return Err("it has no host");
        }
        let is_loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        match scheme {
            "https" => Ok(Self { host, is_insecure: false, is_loopback }),
            "http" if is_loopback => Ok(Self { host, is_insecure: false, is_loopback }),
            "http" if insecure => Ok(Self { host, is_insecure: true, is_loopback }),
            "http" => {
                Err("plain http can be changed on the way. Write https, or add `--insecure` for a trusted network")
            }
            _ => Err("only https (and http on loopback) is supported"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, Issuer};

    #[test]
    fn metadata_stands_below_the_issuer_whose_last_slash_goes() {
        for (issuer, metadata) in [
            ("https://idp.example", "https://idp.example/.well-known/openid-configuration"),
            ("https://idp.example/", "https://idp.example/.well-known/openid-configuration"),
            ("https://idp.example/t/1/", "https://idp.example/t/1/.well-known/openid-configuration"),
            ("https://idp.example:8443/t", "https://idp.example:8443/t/.well-known/openid-configuration"),
        ] {
            assert_eq!(Issuer::parse(issuer, false).unwrap().metadata(), metadata);
        }
    }

    #[test]
    fn only_https_is_asked_save_for_loopback_and_where_it_is_wanted() {
        for (url, insecure, expected) in [
            ("https://idp.example", false, Some(false)),
            ("http://127.0.0.1:8080", false, Some(false)),
            ("http://localhost", false, Some(false)),
            ("http://[::1]:80/x", false, Some(false)),
            ("http://idp.example", false, None),
            ("http://idp.example", true, Some(true)),
            ("http://127.0.0.1.evil.example", false, None),
            ("http://localhost.evil.example", false, None),
            ("ftp://idp.example", true, None),
            ("file:///etc/passwd", true, None),
        ] {
            let address = Address::parse(url, insecure);
            assert_eq!(address.clone().ok().map(|address| address.is_insecure), expected, "{url}: {address:?}");
        }
    }

    #[test]
    fn what_is_no_issuer_is_refused() {
        for text in [
            "",
            "idp.example",
            "https://",
            "https://idp.example/?a=b",
            "https://idp.example/#x",
            "https://user:secret@idp.example",
            "https://idp.example/é",
            "https://idp.example/a b",
            "https://idp.example/.well-known/openid-configuration",
        ] {
            assert!(Issuer::parse(text, true).is_err(), "{text}");
        }
    }
}
