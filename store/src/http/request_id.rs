//! The id under which logs and problem documents speak of a request.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::clock::uuid_v7;

/// Carries the id, in and out.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken over from a caller, in bytes.
const MAX_LEN: usize = 128;

/// An id of visible ASCII, at most 128 bytes.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(String);

impl RequestId {
    /// The caller's id, if it has a decent one, or a new one at `now` (since the Unix epoch).
    pub(super) fn of(headers: &HeaderMap, now: Duration) -> Self {
        let given = headers.get(X_REQUEST_ID).and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
        match given {
            Some(id) if !id.is_empty() && id.len() <= MAX_LEN && id.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Self(id.to_owned())
            }
            _ => Self(uuid_v7(now).to_string()),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// As a header value. An id that is none cannot be built, so this is never `None`.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }
}
