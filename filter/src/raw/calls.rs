//! Calls into the host, each as thin as it can be.
#![expect(unsafe_code, reason = "the host is reached through imported functions, which Rust cannot check")]

use std::ptr;

use super::{Block, Buffer, Level, Map, Metric, Status};

/// Declares the imports of a module; off the host's target, where only tests run, each of them fails.
macro_rules! imports {
    ($(#[$lint:meta])* $absent:ident of $module:literal; $(fn $name:ident($($argument:ident: $kind:ty),*);)*) => {
        #[cfg(target_family = "wasm")]
        #[link(wasm_import_module = $module)]
        unsafe extern "C" {
            $(fn $name($($argument: $kind),*) -> u32;)*
        }

        #[cfg(not(target_family = "wasm"))]
        $(#[$lint])*
        mod $absent {
            /// "Unimplemented".
            const STATUS: u32 = 12;
            // Unsafe as the imports are, so that the callers are the same.
            $(pub(super) unsafe fn $name($(_: $kind),*) -> u32 { STATUS })*
        }

        #[cfg(not(target_family = "wasm"))]
        use $absent::{$($name),*};
    };
}

imports! {
    #[expect(clippy::too_many_arguments, reason = "as many as the host's functions have")]
    absent of "env";
    fn proxy_add_header_map_value(map: u32, name: *const u8, name_size: usize, value: *const u8, value_size: usize);
    fn proxy_call_foreign_function(
        name: *const u8, name_size: usize, argument: *const u8, argument_size: usize, data: *mut *mut u8, size: *mut usize
    );
    fn proxy_continue_stream(stream: u32);
    fn proxy_define_metric(kind: u32, name: *const u8, name_size: usize, id: *mut u32);
    fn proxy_get_buffer_bytes(buffer: u32, start: usize, most: usize, data: *mut *mut u8, size: *mut usize);
    fn proxy_get_current_time_nanoseconds(time: *mut u64);
    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize);
    fn proxy_get_header_map_value(
        map: u32, name: *const u8, name_size: usize, data: *mut *mut u8, size: *mut usize
    );
    fn proxy_get_log_level(level: *mut u32);
    fn proxy_get_shared_data(
        key: *const u8, key_size: usize, data: *mut *mut u8, size: *mut usize, cas: *mut u32
    );
    fn proxy_http_call(
        cluster: *const u8, cluster_size: usize, headers: *const u8, headers_size: usize, body: *const u8,
        body_size: usize, trailers: *const u8, trailers_size: usize, timeout: u32, token: *mut u32
    );
    fn proxy_increment_metric(id: u32, by: i64);
    fn proxy_log(level: u32, text: *const u8, size: usize);
    fn proxy_record_metric(id: u32, value: u64);
    fn proxy_remove_header_map_value(map: u32, name: *const u8, name_size: usize);
    fn proxy_replace_header_map_value(map: u32, name: *const u8, name_size: usize, value: *const u8, value_size: usize);
    fn proxy_send_local_response(
        status: u32, details: *const u8, details_size: usize, body: *const u8, body_size: usize, headers: *const u8,
        headers_size: usize, grpc_status: i32
    );
    fn proxy_set_effective_context(context: u32);
    fn proxy_set_property(path: *const u8, path_size: usize, value: *const u8, value_size: usize);
    fn proxy_set_shared_data(key: *const u8, key_size: usize, value: *const u8, value_size: usize, cas: u32);
    fn proxy_set_tick_period_milliseconds(period: u32);
}

imports! {
    absent_wasi of "wasi_snapshot_preview1";
    fn clock_time_get(clock: u32, precision: u64, time: *mut u64);
}

/// The clock of `clock_time_get` that never goes back.
const MONOTONIC: u32 = 1;

/// Where the host writes what it hands over: a block that it has from `proxy_on_memory_allocate`, or nothing.
struct Handed {
    data: *mut u8,
    size: usize,
}

impl Handed {
    const NOTHING: Self = Self { data: ptr::null_mut(), size: 0 };

    fn block(self) -> Block {
        Block::taken(self.data, self.size)
    }

    fn bytes(self) -> Vec<u8> {
        self.block().into_bytes()
    }
}

/// Adds a header after those with its name.
pub(crate) fn add_header(map: Map, name: &[u8], value: &[u8]) -> Result<(), Status> {
    // SAFETY: The host only reads the given bytes, and only during the call.
    let status =
        unsafe { proxy_add_header_map_value(map as u32, name.as_ptr(), name.len(), value.as_ptr(), value.len()) };
    Status::of(status)
}

/// Sets a header in place of those with its name.
pub(crate) fn replace_header(map: Map, name: &[u8], value: &[u8]) -> Result<(), Status> {
    // SAFETY: The host only reads the given bytes, and only during the call.
    let status =
        unsafe { proxy_replace_header_map_value(map as u32, name.as_ptr(), name.len(), value.as_ptr(), value.len()) };
    Status::of(status)
}

/// Removes every header of a name.
pub(crate) fn remove_header(map: Map, name: &[u8]) -> Result<(), Status> {
    // SAFETY: The host only reads the given bytes, and only during the call.
    Status::of(unsafe { proxy_remove_header_map_value(map as u32, name.as_ptr(), name.len()) })
}

/// All headers of a map, in the form that `HeaderMap` reads.
pub(crate) fn headers(map: Map) -> Result<Block, Status> {
    let mut handed = Handed::NOTHING;
    // SAFETY: The host writes to the given places during the call, and into what `Block::give` gives it in that time.
    Status::of(unsafe { proxy_get_header_map_pairs(map as u32, &mut handed.data, &mut handed.size) })?;
    Ok(handed.block())
}

/// One header of a map.
pub(crate) fn header(map: Map, name: &[u8]) -> Result<Vec<u8>, Status> {
    let mut handed = Handed::NOTHING;
    // SAFETY: The host reads the name, writes to the given places, and into what `Block::give` gives it, during the call.
    let status = unsafe {
        proxy_get_header_map_value(map as u32, name.as_ptr(), name.len(), &mut handed.data, &mut handed.size)
    };
    Status::of(status)?;
    Ok(handed.bytes())
}

/// Up to so many bytes of a buffer.
pub(crate) fn buffer(buffer: Buffer, most: usize) -> Result<Vec<u8>, Status> {
    let mut handed = Handed::NOTHING;
    // SAFETY: The host writes to the given places during the call, and into what `Block::give` gives it in that time.
    Status::of(unsafe { proxy_get_buffer_bytes(buffer as u32, 0, most, &mut handed.data, &mut handed.size) })?;
    Ok(handed.bytes())
}

/// Nanoseconds since the Unix epoch.
pub(crate) fn unix_nanos() -> Result<u64, Status> {
    let mut time = 0;
    // SAFETY: The host writes eight bytes to the given place during the call, and nothing else of ours.
    Status::of(unsafe { proxy_get_current_time_nanoseconds(&mut time) })?;
    Ok(time)
}

/// Nanoseconds of a clock that never goes back.
pub(crate) fn steady_nanos() -> Result<u64, Status> {
    let mut time = 0;
    // SAFETY: The host writes eight bytes to the given place during the call, and nothing else of ours.
    Status::of(unsafe { clock_time_get(MONOTONIC, 0, &mut time) })?;
    Ok(time)
}

/// Calls `proxy_on_tick` of this root context this often, in milliseconds.
pub(crate) fn set_tick_period(millis: u32) -> Result<(), Status> {
    // SAFETY: Nothing but a number is handed over.
    Status::of(unsafe { proxy_set_tick_period_milliseconds(millis) })
}

/// Sets a property of the stream.
pub(crate) fn set_property(path: &[u8], value: &[u8]) -> Result<(), Status> {
    // SAFETY: The host only reads the given bytes, and only during the call.
    Status::of(unsafe { proxy_set_property(path.as_ptr(), path.len(), value.as_ptr(), value.len()) })
}

/// A shared value, and the number that a change of it must name.
pub(crate) fn shared_data(key: &[u8]) -> Result<(Vec<u8>, u32), Status> {
    let (mut handed, mut cas) = (Handed::NOTHING, 0);
    // SAFETY: The host reads the key, writes to the given places, and into what `Block::give` gives it, during the call.
    let status =
        unsafe { proxy_get_shared_data(key.as_ptr(), key.len(), &mut handed.data, &mut handed.size, &mut cas) };
    Status::of(status)?;
    Ok((handed.bytes(), cas))
}

/// Sets a shared value; with `cas` 0 whatever it was.
pub(crate) fn set_shared_data(key: &[u8], value: &[u8], cas: u32) -> Result<(), Status> {
    // SAFETY: The host only reads the given bytes, and only during the call.
    Status::of(unsafe { proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), cas) })
}

/// Lets a paused request go on.
pub(crate) fn continue_request() -> Result<(), Status> {
    // SAFETY: Nothing but a number is handed over.
    Status::of(unsafe { proxy_continue_stream(0) })
}

/// Answers the client in place of the upstream. `headers` is a map's block.
pub(crate) fn send_local_response(status: u32, headers: &[u8], body: &[u8]) -> Result<(), Status> {
    // SAFETY: The host only reads the given bytes, and only during the call.
    let status = unsafe {
        proxy_send_local_response(
            status,
            ptr::null(),
            0,
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            -1,
        )
    };
    Status::of(status)
}

/// Sends an HTTP request to a cluster and gives the token of the answer. `headers` and `trailers` are maps' blocks.
pub(crate) fn http_call(
    cluster: &[u8],
    headers: &[u8],
    body: &[u8],
    trailers: &[u8],
    timeout_millis: u32,
) -> Result<u32, Status> {
    let mut token = 0;
    // SAFETY: The host reads the given bytes, and writes the token to the given place, during the call.
    let status = unsafe {
        proxy_http_call(
            cluster.as_ptr(),
            cluster.len(),
            headers.as_ptr(),
            headers.len(),
            body.as_ptr(),
            body.len(),
            trailers.as_ptr(),
            trailers.len(),
            timeout_millis,
            &mut token,
        )
    };
    Status::of(status)?;
    Ok(token)
}

/// Makes a context the one that the following calls are about.
pub(crate) fn set_effective_context(context: u32) -> Result<(), Status> {
    // SAFETY: Nothing but a number is handed over.
    Status::of(unsafe { proxy_set_effective_context(context) })
}

/// Calls a function that the host offers by name.
pub(crate) fn call_foreign_function(name: &[u8], argument: &[u8]) -> Result<Vec<u8>, Status> {
    let mut handed = Handed::NOTHING;
    // SAFETY: The host reads name and argument, writes to the given places, and into what `Block::give` gives it, during
    // the call.
    let status = unsafe {
        proxy_call_foreign_function(
            name.as_ptr(),
            name.len(),
            argument.as_ptr(),
            argument.len(),
            &mut handed.data,
            &mut handed.size,
        )
    };
    Status::of(status)?;
    Ok(handed.bytes())
}

/// Defines a metric and gives its number.
pub(crate) fn define_metric(kind: Metric, name: &[u8]) -> Result<u32, Status> {
    let mut id = 0;
    // SAFETY: The host reads the name, and writes the number to the given place, during the call.
    Status::of(unsafe { proxy_define_metric(kind as u32, name.as_ptr(), name.len(), &mut id) })?;
    Ok(id)
}

/// Adds to a counter or gauge.
pub(crate) fn increment_metric(id: u32, by: i64) -> Result<(), Status> {
    // SAFETY: Nothing but numbers is handed over.
    Status::of(unsafe { proxy_increment_metric(id, by) })
}

/// Sets a gauge, or records a value in a histogram.
pub(crate) fn record_metric(id: u32, value: u64) -> Result<(), Status> {
    // SAFETY: Nothing but numbers is handed over.
    Status::of(unsafe { proxy_record_metric(id, value) })
}

/// The least important level that the host's log shows, counted as `Level` is.
pub(crate) fn log_level() -> Result<u32, Status> {
    let mut level = 0;
    // SAFETY: The host writes four bytes to the given place during the call, and nothing else of ours.
    Status::of(unsafe { proxy_get_log_level(&mut level) })?;
    Ok(level)
}

/// Writes a line to the host's log.
pub(crate) fn log(level: Level, line: &[u8]) -> Result<(), Status> {
    // SAFETY: The host only reads the given bytes, and only during the call.
    Status::of(unsafe { proxy_log(level as u32, line.as_ptr(), line.len()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_host_hands_over_is_taken_once_with_its_size() {
        let data = crate::raw::exports::proxy_on_memory_allocate(3);
        // SAFETY: As the host does: exactly the bytes that were asked for are filled.
        unsafe { std::slice::from_raw_parts_mut(data.cast::<std::mem::MaybeUninit<u8>>(), 3) }
            .copy_from_slice(&[b'a', b'b', 0xff].map(std::mem::MaybeUninit::new));
        assert_eq!(Handed { data, size: 3 }.bytes(), b"ab\xff");
        assert_eq!(Handed { data, size: 3 }.bytes(), b"", "it is taken once");
        assert_eq!(Handed::NOTHING.bytes(), b"");
    }
}
