//! A request's headers arrive: one look at them, and for most that is all.

use super::perform::refuse;
use super::request_headers::RequestHeaders;
use super::{Scene, Worker};
use crate::flow::{self, Allow, Next};
use crate::glance::Glance;
use crate::host::{self, Action, HostError};
use crate::log_line;
use crate::metrics::Counter;

impl Worker {
    /// A request's headers have come.
    pub(crate) fn request_arrived(&mut self, context_id: u32) -> Action {
        self.arrive(context_id).unwrap_or_else(|error| {
            log_line::host_failed("request", &error.to_string());
            refuse()
        })
    }

    /// Identity headers go first of all: whatever becomes of the request, none of the client's can be left.
    fn arrive(&mut self, context_id: u32) -> Result<Action, HostError> {
        let read = RequestHeaders::from(host::request_headers()?);
        let headers = read.get()?;
        let glance = Glance::of(headers, &self.reserved, host::remove_request_header)?;
        #[cfg(feature = "trap")]
        trap::spring(headers);
        #[cfg(feature = "trap")]
        if let Some(verdict) = crate::probe::answer(headers, self.signatures) {
            host::reply(200, &[("x-probe", &verdict)], b"")?;
            return Ok(Action::Pause);
        }
        let scene = Scene { context_id, now: self.clock.now(), is_arriving: true };
        if !glance.nominates_reserved
            && let Some(permit) = self.at_desk(scene.now, |desk| flow::recognise(headers, &glance, desk))
        {
            self.metrics.count(Counter::SessionHits);
            return self.allow(scene, &Allow { permit, is_login: false }, &read);
        }
        self.arrive_unknown(scene, &glance, &read)
    }

    /// A request that is not one of a session with which all is well.
    #[cold]
    #[inline(never)]
    fn arrive_unknown(
        &mut self,
        scene: Scene,
        glance: &Glance<'_>,
        headers: &RequestHeaders,
    ) -> Result<Action, HostError> {
        let read = headers.get()?;
        let next = match glance.nominates_reserved {
            true => Next::ambiguous(),
            false => self.decide(scene.now, |desk| flow::arrive(read, glance, desk)),
        };
        self.perform(scene, next, headers)
    }
}

#[cfg(feature = "trap")]
mod trap {
    //! A deliberate trap, to prove that Envoy restores the filter; never part of a normal build.

    use crate::header_map::HeaderMap;

    /// Panics where the request asks for it.
    #[expect(clippy::panic, reason = "this is what the test build is for: a trap that FAIL_RELOAD must survive")]
    pub(super) fn spring(headers: &HeaderMap) {
        if headers.iter().any(|(name, _)| name == b"x-usher-trap") {
            panic!("a request asked for a trap");
        }
    }
}
