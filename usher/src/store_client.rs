//! The store's administration over HTTP: bounded answers, problems as errors, the token never shown.

mod pages;

use std::fmt;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use ureq::http::{HeaderValue, Method, Request, StatusCode, header};
use ureq::tls::TlsConfig;

use pages::MemberPages;

/// The variable that holds the administrator's token.
pub(crate) const TOKEN_ENV: &str = "USHER_ADMIN_TOKEN";

/// Members asked for at once: the most that the store gives.
const PAGE: &str = "500";
/// The longest answer that is read, in bytes: a page of the longest members.
const MAX_ANSWER: u64 = 16 * 1024 * 1024;
/// Longest wait for a whole answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The same, while the store reads a large directory from end to end.
const SYNC_TIMEOUT: Duration = Duration::from_secs(150);

/// An operator's connection to a store.
pub(crate) struct StoreClient {
    agent: ureq::Agent,
    base: String,
    authorization: HeaderValue,
}

/// An answer, and what the operator should know about it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answered {
    /// The document; `null` where the store sends none.
    pub(crate) document: Value,
    /// The code of the store's warning, if it has one.
    pub(crate) warning: Option<String>,
}

/// A page of the audit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AuditPage {
    /// The entries, oldest first.
    pub(crate) entries: Vec<Value>,
    /// Where the next page begins, if there is one.
    pub(crate) next: Option<String>,
}

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreClientError {
    /// The answer is not one of usher's store.
    #[error("{url}: this is not the answer of an usher store ({status})")]
    Answer {
        /// What was asked.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The store says no.
    #[error("{code}: {detail}")]
    Problem {
        /// The stable code.
        code: String,
        /// What happened.
        detail: String,
    },
    /// There is no usable token.
    #[error("{TOKEN_ENV} must hold the store's administration token")]
    Token,
    /// What answers an https address speaks no TLS.
    #[error(
        "what answers at {base} does not speak TLS: if the store was started without `--tls-cert`, write its address as \
         http://HOST:PORT"
    )]
    NoTls {
        /// Where the store should be.
        base: String,
    },
    /// Nothing answers.
    #[error("the store at {base} does not answer")]
    Unreachable {
        /// Where it should be.
        base: String,
        /// What went wrong.
        #[source]
        source: Box<ureq::Error>,
    },
    /// The store does not know the token.
    #[error(
        "unauthorized: {TOKEN_ENV} does not hold the administration token that the store at {base} was started with"
    )]
    Unauthorized {
        /// Where the store is.
        base: String,
    },
    /// The address is none.
    #[error("--store (or USHER_STORE_URL) {}: must be http://HOST:PORT or https://HOST:PORT", without_user(.0))]
    Url(String),
}

impl StoreClientError {
    /// Why there was no answer from the store at `base`.
    pub(crate) fn unreachable(base: &str, source: ureq::Error) -> Self {
        let base = base.to_owned();
        if is_no_tls(&source) { Self::NoTls { base } } else { Self::Unreachable { base, source: Box::new(source) } }
    }
}

/// Whether the first bytes that came were none of TLS. Of what TLS says of an error, the words alone come through.
fn is_no_tls(error: &ureq::Error) -> bool {
    matches!(error, ureq::Error::Io(_) | ureq::Error::Rustls(_)) && error.to_string().contains("InvalidContentType")
}

/// An address as it may be shown: what stands before an `@` may be a password.
pub(crate) fn without_user(address: &str) -> &str {
    address.rsplit_once('@').map_or(address, |(_, rest)| rest)
}

/// Scheme and authority of a store's address.
///
/// # Errors
/// It is none.
pub(crate) fn address(base: &str) -> Result<String, StoreClientError> {
    let (scheme, authority) = base.split_once("://").unwrap_or_default();
    let authority = authority.strip_suffix('/').unwrap_or(authority);
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'@' | b'/' | b'?' | b'#' | b'\\');
    if !matches!(scheme, "http" | "https") || authority.is_empty() || !authority.bytes().all(plain) {
        return Err(StoreClientError::Url(base.to_owned()));
    }
    Ok(format!("{scheme}://{authority}"))
}

/// Who asks a store.
pub(crate) fn agent(tls: TlsConfig) -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        // A proxy from the environment would read the token.
        .proxy(None)
        .tls_config(tls)
        .build()
        .new_agent()
}

impl StoreClient {
    /// A client for the store at `base`, which is asked only when something is wanted of it.
    ///
    /// # Errors
    /// The address or the token cannot be used.
    pub(crate) fn new(base: &str, token: Option<&str>) -> Result<Self, StoreClientError> {
        Self::over(base, token, TlsConfig::default())
    }

    /// The same, where https is spoken in one's own way.
    ///
    /// # Errors
    /// The address or the token cannot be used.
    pub(crate) fn over(base: &str, token: Option<&str>, tls: TlsConfig) -> Result<Self, StoreClientError> {
        let base = address(base)?;
        let token = token.filter(|token| !token.is_empty()).ok_or(StoreClientError::Token)?;
        let mut authorization =
            HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| StoreClientError::Token)?;
        authorization.set_sensitive(true);
        Ok(Self { agent: agent(tls), base, authorization })
    }

    /// Every member, page by page; `filters` are query parameters.
    pub(crate) fn members<'a>(&'a self, organization: &str, filters: Vec<(&'a str, &'a str)>) -> MemberPages<'a> {
        MemberPages::new(self, members_path(organization), filters)
    }

    /// The members who meet some filters, of whom there are few.
    pub(crate) fn find(&self, organization: &str, filters: Vec<(&str, &str)>) -> Result<Vec<Value>, StoreClientError> {
        let pages: Result<Vec<_>, _> = self.members(organization, filters).collect();
        Ok(pages?.concat())
    }

    /// Adds a member.
    pub(crate) fn add(&self, organization: &str, member: Map<String, Value>) -> Result<Answered, StoreClientError> {
        self.one_member(Method::POST, &members_path(organization), Some(Value::Object(member)))
    }

    /// One member by id.
    pub(crate) fn member(&self, organization: &str, id: &str) -> Result<Answered, StoreClientError> {
        self.one_member(Method::GET, &member_path(organization, id), None)
    }

    /// Changes a member.
    pub(crate) fn change(
        &self,
        organization: &str,
        id: &str,
        change: Map<String, Value>,
    ) -> Result<Answered, StoreClientError> {
        self.one_member(Method::PATCH, &member_path(organization, id), Some(Value::Object(change)))
    }

    /// Removes a member.
    pub(crate) fn remove(&self, organization: &str, id: &str) -> Result<Answered, StoreClientError> {
        let path = member_path(organization, id);
        let removed = self.call(Method::DELETE, &path, None)?;
        // A body is what another server says, which has removed nobody.
        if removed.document.is_null() { Ok(removed) } else { Err(self.misunderstood(&path, 200)) }
    }

    /// The seats of an organization.
    pub(crate) fn seats(&self, organization: &str) -> Result<Answered, StoreClientError> {
        let path = format!("/v1/organizations/{}/seats", segment(organization));
        let seats = self.call(Method::GET, &path, None)?;
        let is_whole = seats.document.get("tiers").is_some_and(Value::is_array)
            && seats.document.get("pending").is_some_and(Value::is_u64);
        if is_whole { Ok(seats) } else { Err(self.misunderstood(&path, 200)) }
    }

    /// The ids of the parents that the token is for.
    pub(crate) fn parents(&self) -> Result<Vec<String>, StoreClientError> {
        let path = "/v1/parents";
        let document = self.call(Method::GET, path, None)?.document;
        let parents = document.get("parents").and_then(Value::as_array);
        let ids = parents.map(|parents| parents.iter().map(|parent| Some(parent.get("id")?.as_str()?.to_owned())));
        ids.and_then(Iterator::collect).ok_or_else(|| self.misunderstood(path, 200))
    }

    /// Reconciles a parent's memberships, or a part of them, or tells what would be done.
    pub(crate) fn sync<T: DeserializeOwned>(
        &self,
        parent: &str,
        preview: bool,
        confirm: bool,
    ) -> Result<T, StoreClientError> {
        let path = format!("/v1/parents/{}/sync?preview={preview}&confirm={confirm}", segment(parent));
        let document = self.call_within(SYNC_TIMEOUT, Method::POST, &path, None)?.document;
        serde_json::from_value(document).map_err(|_| self.misunderstood(&path, 200))
    }

    /// One page of the audit; `filters` are query parameters.
    pub(crate) fn audit(&self, filters: &[(&str, &str)], cursor: Option<&str>) -> Result<AuditPage, StoreClientError> {
        let mut query = vec![("limit", PAGE)];
        query.extend_from_slice(filters);
        query.extend(cursor.map(|cursor| ("cursor", cursor)));
        let path = format!("/v1/audit?{}", query_string(&query));
        let mut page = self.call(Method::GET, &path, None)?.document;
        let next = page.get("next").and_then(Value::as_str).map(str::to_owned);
        match page.get_mut("entries").map(Value::take) {
            Some(Value::Array(entries)) if next.is_none() || next.as_deref() != cursor => {
                Ok(AuditPage { entries, next })
            }
            _ => Err(self.misunderstood(&path, 200)),
        }
    }

    /// A call whose answer is a member: what has no id says nothing of one, and nothing was done.
    fn one_member(&self, method: Method, path: &str, body: Option<Value>) -> Result<Answered, StoreClientError> {
        let answered = self.call(method, path, body)?;
        let is_member = answered.document.get("id").is_some_and(Value::is_string);
        if is_member { Ok(answered) } else { Err(self.misunderstood(path, 200)) }
    }

    fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Answered, StoreClientError> {
        self.call_within(TIMEOUT, method, path, body)
    }

    fn call_within(
        &self,
        timeout: Duration,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Answered, StoreClientError> {
        let url = format!("{}{path}", self.base);
        let unreachable = |source: ureq::Error| StoreClientError::unreachable(&self.base, source);
        let request = Request::builder().method(method).uri(&url).header(header::AUTHORIZATION, &self.authorization);
        // Always with a length: a chunked body that nobody reads costs the connection.
        let (request, body) = match body {
            Some(body) => (request.header(header::CONTENT_TYPE, "application/json"), body.to_string()),
            None => (request, String::new()),
        };
        let sent = match (body.as_str(), request.method_ref()) {
            ("", Some(&Method::GET | &Method::DELETE)) => {
                let request = request.body(()).map_err(ureq::Error::from);
                request.and_then(|request| self.agent.run(self.bounded(request, timeout)))
            }
            _ => {
                let request = request.body(body).map_err(ureq::Error::from);
                request.and_then(|request| self.agent.run(self.bounded(request, timeout)))
            }
        };
        let mut response = sent.map_err(unreachable)?;
        let status = response.status();
        let warning = response.headers().get(header::WARNING).and_then(|value| warning_code(value.to_str().ok()?));
        let text = response.body_mut().with_config().limit(MAX_ANSWER).read_to_vec().map_err(unreachable)?;
        let document: Value = match text.as_slice() {
            [] if status == StatusCode::NO_CONTENT => Value::Null,
            // No store says `null`, which would be taken for an empty answer.
            text => (serde_json::from_slice(text).ok().filter(|document: &Value| !document.is_null()))
                .ok_or_else(|| self.misunderstood(path, status.as_u16()))?,
        };
        if status.is_success() {
            return Ok(Answered { document, warning });
        }
        let field = |name| document.get(name).and_then(Value::as_str).map(str::to_owned);
        match (field("code"), field("detail")) {
            (Some(_), Some(_)) if status == StatusCode::UNAUTHORIZED => {
                Err(StoreClientError::Unauthorized { base: self.base.clone() })
            }
            (Some(code), Some(detail)) => Err(StoreClientError::Problem { code, detail }),
            _ => Err(self.misunderstood(path, status.as_u16())),
        }
    }

    fn bounded<B: ureq::AsSendBody>(&self, request: Request<B>, timeout: Duration) -> Request<B> {
        self.agent.configure_request(request).timeout_global(Some(timeout)).build()
    }

    fn misunderstood(&self, path: &str, status: u16) -> StoreClientError {
        StoreClientError::Answer { url: format!("{}{path}", self.base), status }
    }
}

impl fmt::Debug for StoreClient {
    /// Shows no token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreClient").field("base", &self.base).finish_non_exhaustive()
    }
}

fn members_path(organization: &str) -> String {
    format!("/v1/organizations/{}/members", segment(organization))
}

fn member_path(organization: &str, id: &str) -> String {
    format!("{}/{}", members_path(organization), segment(id))
}

fn query_string(parameters: &[(&str, &str)]) -> String {
    parameters.iter().map(|(name, value)| format!("{name}={}", segment(value))).collect::<Vec<_>>().join("&")
}

/// A text as one path segment or query value: everything but unreserved characters encoded (RFC 3986, 2.3).
fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'~' => encoded.push(char::from(byte)),
            // A segment of dots alone would be taken away.
            b'.' if text.bytes().any(|byte| byte != b'.') => encoded.push('.'),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// The text of `299 usher "text"` (RFC 7234, 5.5).
fn warning_code(header: &str) -> Option<String> {
    let (_, rest) = header.split_once('"')?;
    let (code, _) = rest.split_once('"')?;
    Some(code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_an_http_origin_and_a_token_is_needed() {
        for good in ["http://127.0.0.1:7070", "https://store.example/", "http://[::1]:7070"] {
            assert!(StoreClient::new(good, Some("secret")).is_ok(), "{good}");
        }
        for bad in ["", "127.0.0.1:7070", "ftp://x", "http://", "http://a@b", "http://a/b", "http://a?b", "http://a b"]
        {
            assert!(matches!(StoreClient::new(bad, Some("secret")), Err(StoreClientError::Url(_))), "{bad}");
        }
        for token in [None, Some(""), Some("a\nb")] {
            assert!(matches!(StoreClient::new("http://a", token), Err(StoreClientError::Token)), "{token:?}");
        }
    }

    #[test]
    fn what_is_named_stays_one_segment() {
        assert_eq!(segment("acme-chat.v2"), "acme-chat.v2");
        assert_eq!(segment("../x?y=ü&z"), "..%2Fx%3Fy%3D%C3%BC%26z");
        assert_eq!(segment(".."), "%2E%2E");
    }

    #[test]
    fn the_token_is_never_shown() {
        let client = StoreClient::new("http://a", Some("very-secret")).unwrap();
        assert!(!format!("{client:?}").contains("very-secret"));
        assert!(!format!("{:?}", client.authorization).contains("very-secret"));
    }
}
