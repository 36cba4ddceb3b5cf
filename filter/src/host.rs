//! Every call to Envoy is made here, thinly: byte forms throughout, and every status that can be met is a value.

use std::time::{Duration, UNIX_EPOCH};

use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, Bytes, MapType, MetricType, Status};

use crate::feed::Shared;

/// The host refused a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HostError(Status);

impl std::fmt::Display for HostError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the host answered {:?}", self.0)
    }
}

impl From<Status> for HostError {
    fn from(status: Status) -> Self {
        Self(status)
    }
}

/// Headers as the host gives them: names lowercased, values as they came.
pub(crate) type Headers = Vec<(String, Bytes)>;

/// Milliseconds since the Unix epoch; 0 where the host has no clock, at which every assertion is not yet valid.
pub(crate) fn unix_millis() -> u64 {
    let since = hostcalls::get_current_time().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.and_then(|since| u64::try_from(since.as_millis()).ok()).unwrap_or(0)
}

/// Calls `on_tick` this often from now on.
pub(crate) fn set_tick_period(period: Duration) -> Result<(), HostError> {
    Ok(hostcalls::set_tick_period(period)?)
}

/// The bytes of the plugin's configuration, empty where there is none.
pub(crate) fn plugin_configuration() -> Result<Bytes, HostError> {
    Ok(hostcalls::get_buffer(BufferType::PluginConfiguration, 0, usize::MAX)?.unwrap_or_default())
}

/// Makes a stream the one that the following calls are about; fails where it has gone.
pub(crate) fn enter(context_id: u32) -> Result<(), HostError> {
    Ok(hostcalls::set_effective_context(context_id)?)
}

/// All request headers, pseudo-headers included, repeated ones repeated.
pub(crate) fn request_headers() -> Result<Headers, HostError> {
    Ok(hostcalls::get_map_bytes(MapType::HttpRequestHeaders)?)
}

/// Removes every request header with this name.
pub(crate) fn remove_request_header(name: &str) -> Result<(), HostError> {
    Ok(hostcalls::remove_map_value(MapType::HttpRequestHeaders, name)?)
}

/// Sets a request header in place of every one with this name.
pub(crate) fn set_request_header(name: &str, value: &[u8]) -> Result<(), HostError> {
    Ok(hostcalls::set_map_value_bytes(MapType::HttpRequestHeaders, name, Some(value))?)
}

/// All request trailers.
pub(crate) fn request_trailers() -> Result<Headers, HostError> {
    Ok(hostcalls::get_map_bytes(MapType::HttpRequestTrailers)?)
}

/// Removes every request trailer with this name.
pub(crate) fn remove_request_trailer(name: &str) -> Result<(), HostError> {
    Ok(hostcalls::remove_map_value(MapType::HttpRequestTrailers, name)?)
}

/// Sets filter state: `usher.role` becomes `wasm.usher.role`.
pub(crate) fn set_filter_state(name: &str, value: &str) -> Result<(), HostError> {
    Ok(hostcalls::set_property(vec![name], Some(value.as_bytes()))?)
}

/// Lets a paused request go on.
pub(crate) fn resume_request() -> Result<(), HostError> {
    Ok(hostcalls::resume_http_request()?)
}

/// Answers the client in place of the upstream.
pub(crate) fn reply(status: u16, headers: Vec<(&str, &str)>, body: &[u8]) -> Result<(), HostError> {
    Ok(hostcalls::send_http_response(u32::from(status), headers, Some(body))?)
}

/// Sends an HTTP request to a cluster and gives the token under which the answer will come. An unknown cluster and one
/// without a host are errors at once.
pub(crate) fn dispatch(
    cluster: &str,
    headers: Vec<(&str, &str)>,
    body: Option<&[u8]>,
    timeout: Duration,
) -> Result<u32, HostError> {
    // The host counts whole milliseconds, and 0 would be no limit at all.
    let timeout = timeout.max(Duration::from_millis(1));
    Ok(hostcalls::dispatch_http_call(cluster, headers, body, vec![], timeout)?)
}

/// The status of the answer that this callback is about, which has so many headers; `None` where there was no answer.
pub(crate) fn answer_status(headers: usize) -> Option<u16> {
    if headers == 0 {
        // A call that failed half-way has no header map, and the SDK panics when the host says so.
        return None;
    }
    let status = hostcalls::get_map_value_bytes(MapType::HttpCallResponseHeaders, ":status").ok()??;
    std::str::from_utf8(&status).ok()?.parse().ok()
}

/// The body of the answer that this callback is about, up to `limit` bytes.
pub(crate) fn answer_body(limit: usize) -> Bytes {
    hostcalls::get_buffer(BufferType::HttpCallResponseBody, 0, limit).ok().flatten().unwrap_or_default()
}

/// A value that all workers share, with the number that a change must name; `None` where nobody has set it.
pub(crate) fn shared(key: &str) -> Result<Option<(Bytes, u32)>, HostError> {
    Ok(match hostcalls::get_shared_data(key)? {
        (Some(value), Some(cas)) => Some((value, cas)),
        _ => None,
    })
}

/// Sets a shared value if nobody has since `cas` was read, or if nobody ever has. Says whether it did.
pub(crate) fn set_shared(key: &str, value: &[u8], cas: Option<u32>) -> Result<bool, HostError> {
    // A set without a number always succeeds; an impossible one succeeds only where there is no value yet.
    match hostcalls::set_shared_data(key, Some(value), Some(cas.unwrap_or(u32::MAX))) {
        Ok(()) => Ok(true),
        Err(Status::CasMismatch) => Ok(false),
        Err(status) => Err(HostError(status)),
    }
}

/// Sets a shared value whatever it was.
pub(crate) fn overwrite_shared(key: &str, value: &[u8]) -> Result<(), HostError> {
    Ok(hostcalls::set_shared_data(key, Some(value), None)?)
}

/// What all workers of this process share, for the change feed. What the host refuses is not there, or was not done.
pub(crate) struct SharedData;

impl Shared for SharedData {
    fn read(&self, key: &str) -> Option<(Bytes, u32)> {
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
pub(crate) fn foreign(function: &str, argument: &[u8]) -> Result<Bytes, HostError> {
    Ok(hostcalls::call_foreign_function(function, Some(argument))?.unwrap_or_default())
}

/// Defines a metric and gives its number.
pub(crate) fn define_metric(kind: MetricType, name: &str) -> Result<u32, HostError> {
    Ok(hostcalls::define_metric(kind, name)?)
}

/// Adds to a counter or gauge.
pub(crate) fn add_to_metric(id: u32, by: i64) -> Result<(), HostError> {
    Ok(hostcalls::increment_metric(id, by)?)
}

/// Records a value in a histogram.
pub(crate) fn record_metric(id: u32, value: u64) -> Result<(), HostError> {
    Ok(hostcalls::record_metric(id, value)?)
}
