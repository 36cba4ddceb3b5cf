//! Every call to Envoy is made here, thinly: byte forms throughout, and every status that can be met is a value.

use std::time::Duration;

use crate::feed::Shared;
use crate::header_map::HeaderMap;
use crate::raw::{self, Buffer, Map, Status};

pub(crate) use crate::raw::{Action, Level, Metric as MetricKind};

/// The host refused a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostError {
    /// With this status.
    Status(Status),
    /// Headers came in a form that is none.
    Form,
}

impl std::fmt::Display for HostError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(status) => write!(f, "the host answered: {status}"),
            Self::Form => f.write_str("the host's headers cannot be read"),
        }
    }
}

impl From<Status> for HostError {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

/// Milliseconds since the Unix epoch; `None` where the host has no clock.
pub(crate) fn unix_millis() -> Option<u64> {
    raw::unix_nanos().ok().map(|nanos| nanos / 1_000_000)
}

/// Nanoseconds of a clock that never goes back; `None` where the host has none.
pub(crate) fn steady_nanos() -> Option<u64> {
    raw::steady_nanos().ok()
}

/// Calls `on_tick` this often from now on.
pub(crate) fn set_tick_period(period: Duration) -> Result<(), HostError> {
    Ok(raw::set_tick_period(millis(period))?)
}

/// The bytes of the plugin's configuration, empty where there is none.
pub(crate) fn plugin_configuration() -> Result<Vec<u8>, HostError> {
    present(raw::buffer(Buffer::PluginConfiguration, usize::MAX))
}

/// Makes a context the one that the following calls are about; fails where it has gone.
pub(crate) fn enter(context: u32) -> Result<(), HostError> {
    Ok(raw::set_effective_context(context)?)
}

/// All request headers.
pub(crate) fn request_headers() -> Result<HeaderMap, HostError> {
    headers(Map::RequestHeaders)
}

/// Removes every request header with this name.
pub(crate) fn remove_request_header(name: &[u8]) -> Result<(), HostError> {
    Ok(raw::remove_header(Map::RequestHeaders, name)?)
}

/// Adds a request header, whatever others have its name.
pub(crate) fn add_request_header(name: &[u8], value: &[u8]) -> Result<(), HostError> {
    Ok(raw::add_header(Map::RequestHeaders, name, value)?)
}

/// Sets a request header in place of every one with this name.
pub(crate) fn set_request_header(name: &[u8], value: &[u8]) -> Result<(), HostError> {
    Ok(raw::replace_header(Map::RequestHeaders, name, value)?)
}

/// All request trailers.
pub(crate) fn request_trailers() -> Result<HeaderMap, HostError> {
    headers(Map::RequestTrailers)
}

/// Removes every request trailer with this name.
pub(crate) fn remove_request_trailer(name: &[u8]) -> Result<(), HostError> {
    Ok(raw::remove_header(Map::RequestTrailers, name)?)
}

/// Sets filter state: `usher.role` becomes `wasm.usher.role`.
pub(crate) fn set_filter_state(name: &str, value: &[u8]) -> Result<(), HostError> {
    Ok(raw::set_property(name.as_bytes(), value)?)
}

/// Makes Envoy choose the route of the request once more, by what is known now.
pub(crate) fn choose_route_again() -> Result<(), HostError> {
    foreign("clear_route_cache", b"").map(drop)
}

/// Lets a paused request go on.
pub(crate) fn resume_request() -> Result<(), HostError> {
    Ok(raw::continue_request()?)
}

/// Answers the client in place of the upstream.
pub(crate) fn reply(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Result<(), HostError> {
    Ok(raw::send_local_response(u32::from(status), &HeaderMap::encode(headers), body)?)
}

/// Sends an HTTP request to a cluster and gives the token under which the answer will come. An unknown cluster and one
/// without a host are errors at once.
pub(crate) fn dispatch(
    cluster: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    timeout: Duration,
) -> Result<u32, HostError> {
    // The host counts whole milliseconds, and 0 would be no limit at all.
    let timeout = millis(timeout).max(1);
    Ok(raw::http_call(cluster.as_bytes(), &HeaderMap::encode(headers), body, &NO_HEADERS, timeout)?)
}

/// The block of a map without headers.
const NO_HEADERS: [u8; 4] = [0; 4];

/// The status of the answer that this callback is about, which has so many headers; `None` where there was no answer.
pub(crate) fn answer_status(headers: usize) -> Option<u16> {
    if headers == 0 {
        // A call that failed half-way has no header map.
        return None;
    }
    std::str::from_utf8(&raw::header(Map::CallResponseHeaders, b":status").ok()?).ok()?.parse().ok()
}

/// The body of the answer that this callback is about, up to `limit` bytes.
pub(crate) fn answer_body(limit: usize) -> Vec<u8> {
    raw::buffer(Buffer::CallResponseBody, limit).unwrap_or_default()
}

/// A value that all workers share, with the number that a change must name; `None` where nobody has set it.
pub(crate) fn shared(key: &str) -> Result<Option<(Vec<u8>, u32)>, HostError> {
    match raw::shared_data(key.as_bytes()) {
        // A number of 0 is none: nobody has set it.
        Ok((_, 0)) | Err(Status::NOT_FOUND) => Ok(None),
        Ok(found) => Ok(Some(found)),
        Err(status) => Err(status.into()),
    }
}

/// Sets a shared value if nobody has since `cas` was read, or if nobody ever has. Says whether it did.
pub(crate) fn set_shared(key: &str, value: &[u8], cas: Option<u32>) -> Result<bool, HostError> {
    // A set without a number always succeeds; an impossible one succeeds only where there is no value yet.
    match raw::set_shared_data(key.as_bytes(), value, cas.unwrap_or(u32::MAX)) {
        Ok(()) => Ok(true),
        Err(Status::CAS_MISMATCH) => Ok(false),
        Err(status) => Err(status.into()),
    }
}

/// Sets a shared value whatever it was.
pub(crate) fn overwrite_shared(key: &str, value: &[u8]) -> Result<(), HostError> {
    Ok(raw::set_shared_data(key.as_bytes(), value, 0)?)
}

/// What all workers of this process share, for the change feed. What the host refuses is not there, or was not done.
pub(crate) struct SharedData;

impl Shared for SharedData {
    fn read(&self, key: &str) -> Option<(Vec<u8>, u32)> {
        shared(key).ok().flatten()
    }

    fn set(&self, key: &str, value: &[u8], cas: Option<u32>) -> bool {
        set_shared(key, value, cas).unwrap_or(false)
    }

    fn overwrite(&self, key: &str, value: &[u8]) -> bool {
        overwrite_shared(key, value).is_ok()
    }
}

/// Calls a function that Envoy offers by name.
pub(crate) fn foreign(function: &str, argument: &[u8]) -> Result<Vec<u8>, HostError> {
    Ok(raw::call_foreign_function(function.as_bytes(), argument)?)
}

/// Defines a metric and gives its number.
pub(crate) fn define_metric(kind: MetricKind, name: &str) -> Result<u32, HostError> {
    Ok(raw::define_metric(kind, name.as_bytes())?)
}

/// Adds to a counter or gauge.
pub(crate) fn add_to_metric(id: u32, by: i64) -> Result<(), HostError> {
    Ok(raw::increment_metric(id, by)?)
}

/// Sets a gauge, or records a value in a histogram.
pub(crate) fn record_metric(id: u32, value: u64) -> Result<(), HostError> {
    Ok(raw::record_metric(id, value)?)
}

/// Whether Envoy's log shows lines of a level; where that cannot be known, it may.
pub(crate) fn shows(level: Level) -> bool {
    raw::log_level().map_or(true, |least| level as u32 >= least)
}

/// Writes a line to Envoy's log.
pub(crate) fn log(level: Level, line: &str) {
    // There is nowhere to say that it could not be said.
    let _ = raw::log(level, line.as_bytes());
}

fn headers(map: Map) -> Result<HeaderMap, HostError> {
    HeaderMap::decode(present(raw::headers(map))?).ok_or(HostError::Form)
}

/// What is not there is empty.
fn present<T: Default>(found: Result<T, Status>) -> Result<T, HostError> {
    match found {
        Err(Status::NOT_FOUND) => Ok(T::default()),
        found => Ok(found?),
    }
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
