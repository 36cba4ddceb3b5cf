//! A request's headers: read when it arrives, and when it goes on only if something asks for them.

use std::cell::OnceCell;

use crate::header_map::HeaderMap;
use crate::host::{self, HostError};

/// The headers of the request that runs. A login that is let in asks for none of them a second time, but
/// for a cookie, and for its line in the log where that is shown.
pub(super) struct RequestHeaders(OnceCell<HeaderMap>);

impl RequestHeaders {
    /// Those of a request that goes on: the host still has them.
    pub(super) fn unread() -> Self {
        Self(OnceCell::new())
    }

    /// All of them.
    pub(super) fn get(&self) -> Result<&HeaderMap, HostError> {
        if let Some(read) = self.0.get() {
            return Ok(read);
        }
        let read = host::request_headers()?;
        Ok(self.0.get_or_init(|| read))
    }
}

impl From<HeaderMap> for RequestHeaders {
    fn from(read: HeaderMap) -> Self {
        Self(OnceCell::from(read))
    }
}
