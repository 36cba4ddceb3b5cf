//! What the host calls. An event that is not exported costs nothing: responses, for one, are none of our business.
#![expect(unsafe_code, reason = "the host finds these functions by their names, which Rust cannot check to be unique")]

use super::Block;
use crate::vm;

/// Says which version of the ABI this is.
#[unsafe(no_mangle)]
extern "C" fn proxy_abi_version_0_2_1() {}

/// The first call: makes the runtime ready.
#[cfg(target_family = "wasm")]
#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    unsafe extern "C" {
        fn __wasm_call_ctors();
    }
    // SAFETY: The linker makes this function for exactly one call, before everything else.
    unsafe { __wasm_call_ctors() };
    vm::start();
}

/// Memory for what the host hands over, which it tells us of in the same call.
#[unsafe(no_mangle)]
pub(super) extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
    Block::give(size)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_context_create(context: u32, root: u32) {
    vm::created(context, root);
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_configure(root: u32, _size: usize) -> u32 {
    u32::from(vm::configured(root))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_tick(root: u32) {
    vm::ticked(root);
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_headers(context: u32, _count: usize, _is_end: u32) -> u32 {
    vm::request_arrived(context) as u32
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_body(context: u32, _size: usize, _is_end: u32) -> u32 {
    vm::body_arrived(context) as u32
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_trailers(context: u32, _count: usize) -> u32 {
    vm::trailers_arrived(context) as u32
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_http_call_response(
    context: u32,
    token: u32,
    headers: usize,
    body_size: usize,
    _trailers: usize,
) {
    vm::call_answered(context, token, headers, body_size);
}

/// A context is over; nothing keeps it.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_done(context: u32) -> u32 {
    vm::done(context);
    1
}
