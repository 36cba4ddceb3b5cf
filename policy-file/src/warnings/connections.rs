//! Connections: addresses that nobody vouches for, keys in the clear, issuers that no provider writes, and those that let nobody in.

use usher_policy::id::Email;
use usher_policy::model::{Connection, EmailTrust, Jwks, Parent, Requirement};

use super::place::Place;
use super::{Findings, WarningCode};
use crate::field_path::quoted;
use crate::reader::listed;

/// OpenID Connect Core 1.0, 5.1: `email_verified` is about the claim `email`, whichever claim the address is read from here.
pub(super) fn email_unvouched<'d>(parent: &Parent, place: &Place<'d>, findings: &mut Findings<'d>) {
    for (number, connection) in parent.connections.iter().enumerate() {
        let claim = connection.claims.email.as_str();
        if connection.email == EmailTrust::Verified && !matches!(claim, "email" | "/email") {
            findings.add(
                WarningCode::EmailUnvouched,
                &place.member("connections").item(number).member("claims").member("email"),
                format!(
                    "`email_verified` is only about the claim `email`: whoever may write {} can pose as anybody in the \
                     verified domains. If only administrators set that claim, write `email: trusted`",
                    quoted(claim)
                ),
            );
        }
    }
}

/// Keys that anybody on the way can swap.
pub(super) fn insecure_jwks<'d>(parent: &Parent, place: &Place<'d>, findings: &mut Findings<'d>) {
    for (number, connection) in parent.connections.iter().enumerate() {
        if let Jwks::Remote(remote) = &connection.jwks
            && remote.insecure
        {
            findings.add(
                WarningCode::InsecureJwks,
                &place.member("connections").item(number).member("jwks").member("insecure"),
                format!(
                    "the keys come over plain http from {}: whoever can answer in its place can sign anybody in. \
                     Write an https `uri`",
                    quoted(&remote.uri.host)
                ),
            );
        }
    }
}

/// The one issuer that is no URL: Google's tokens say this or the URL, as it likes.
const GOOGLE: &str = "accounts.google.com";

/// OpenID Connect Core, 2: `iss` is "a case-sensitive URL using the `https` scheme"; it is compared to the letter.
pub(super) fn issuer_no_url<'d>(parent: &Parent, place: &Place<'d>, findings: &mut Findings<'d>) {
    for (number, connection) in parent.connections.iter().enumerate() {
        let issuer = connection.issuer.as_str();
        if !issuer.contains("://") && issuer != GOOGLE {
            findings.add(
                WarningCode::IssuerNoUrl,
                &place.member("connections").item(number).member("issuer"),
                format!(
                    "`iss` is a URL and is compared exactly: with {0}, everybody is probably denied `unknown_issuer`. \
                     Write the issuer as in the provider's tokens, such as https://{0}",
                    issuer.escape_debug()
                ),
            );
        }
    }
}

/// Why no assertion at all can come through a connection, where none can.
pub(super) fn lets_nobody_in(parent: &Parent, connection: &Connection) -> Option<String> {
    if let Jwks::Inline(keys) = &connection.jwks
        && !keys.keys().iter().any(|key| connection.algorithms.iter().any(|algorithm| key.fits(*algorithm)))
    {
        let algorithms = listed(connection.algorithms.iter().map(|algorithm| algorithm.name()));
        return Some(format!("none of its inline keys fits {algorithms}"));
    }
    connection.require.iter().find_map(|required| never_holds(parent, connection, required))
}

/// A `require` that contradicts what is checked anyway.
fn never_holds(parent: &Parent, connection: &Connection, required: &Requirement) -> Option<String> {
    let asks = |value: &str| required.any_of.iter().any(|asked| asked == value);
    let claim = required.claim.as_str();
    let refused = match claim {
        "iss" => !asks(connection.issuer.as_str()),
        "azp" => !connection.audiences.iter().any(|audience| asks(audience)),
        "email_verified" => connection.email == EmailTrust::Verified && !asks("true"),
        _ if required.claim == connection.claims.email => {
            let spoken_for = |email: Email| {
                let domain = email.domain();
                parent.domains.contains(&domain)
                    && connection.domains.as_ref().is_none_or(|domains| domains.contains(&domain))
            };
            !required.any_of.iter().filter_map(|asked| Email::parse(asked)).any(spoken_for)
        }
        _ => false,
    };
    refused.then(|| {
        let asked = listed(required.any_of.iter().map(String::as_str));
        format!("it requires {} to be {asked}, which its other fields refuse", quoted(claim))
    })
}
