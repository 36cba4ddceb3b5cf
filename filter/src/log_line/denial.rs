//! The line about a denial: all that `usher explain --log-line` needs, and nothing that opens anything.

use usher_policy::Reason;
use usher_policy::model::{Algorithm, Credentials};
use usher_policy::token::Assertion;

use super::line::Line;
use crate::credential;
use crate::flow::Deny;
use crate::header_map::HeaderMap;
use crate::reply;

/// A denial, and the request that it is about.
pub(crate) struct Denial<'a> {
    /// What was decided.
    pub(crate) deny: &'a Deny,
    /// The request's headers.
    pub(crate) headers: &'a HeaderMap,
    /// Where its credential is.
    pub(crate) credentials: &'a Credentials,
    /// Whether it goes on all the same.
    pub(crate) is_shadow: bool,
    /// When it is, seconds since the Unix epoch.
    pub(crate) now: u64,
}

impl Denial<'_> {
    /// The line. Of the credential it shows what picks a key and a connection, and when it was good; of the person only
    /// what a verified assertion says, so that nobody can write another's name into it.
    pub(crate) fn line(&self) -> String {
        let Self { deny, headers, .. } = self;
        let line = Line::of("denial")
            .text("verdict", Some("deny"))
            .text("reason", Some(deny.reason.code()))
            .text("organization", deny.organization.as_ref().map(usher_policy::id::OrganizationId::as_str))
            .text("request_id", reply::request_id(headers))
            .flag("shadow", self.is_shadow)
            .number("at", Some(self.now))
            .foreign("method", headers.first(b":method"))
            .foreign("host", headers.first(b":authority").map(without_user))
            .foreign("path", headers.first(b":path").map(without_query));
        let person = deny.person.as_ref();
        self.stated(line)
            .text("subject", person.map(|person| person.subject.as_str()))
            .foreign("email", person.and_then(|person| person.email.as_ref()).map(|email| email.as_str().as_bytes()))
            .end()
    }

    /// What the assertion says of itself, where there is one that can be read.
    fn stated(&self, line: Line) -> Line {
        // Before that, there is none: it is not looked for.
        if self.deny.reason <= Reason::MalformedToken {
            return line;
        }
        let read_again = match &self.deny.assertion {
            Some(_) => None,
            None => self.presented(),
        };
        let Some(assertion) = self.deny.assertion.as_deref().or(read_again.as_ref()) else {
            return line;
        };
        let stated = assertion.stated();
        line.foreign("issuer", Some(stated.issuer.as_bytes()))
            .foreign("audience", stated.audience.map(str::as_bytes))
            .foreign("key_id", stated.key_id.map(str::as_bytes))
            .text("algorithm", stated.algorithm.map(Algorithm::name))
            .number("issued_at", Some(stated.issued_at))
            .number("expires_at", Some(stated.expires_at))
    }

    fn presented(&self) -> Option<Assertion> {
        Assertion::parse(credential::find(&self.credentials.sources, self.headers).ok()?).ok()
    }
}

/// A path may hold anything, but a query is where secrets are.
fn without_query(path: &[u8]) -> &[u8] {
    path.split(|byte| matches!(byte, b'?' | b'#')).next().unwrap_or_default()
}

/// A name and a password may stand before the host (RFC 3986, 3.2.1), though they should not.
fn without_user(authority: &[u8]) -> &[u8] {
    authority.rsplit(|byte| *byte == b'@').next().unwrap_or_default()
}
