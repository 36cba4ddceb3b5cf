//! A filter that lets every request pass; configured with `call`, it asks the cluster `store` first and waits for the answer.

use std::time::Duration;

use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, BufferType, ContextType};

mod entry {
    //! What the host calls first.

    proxy_wasm::main! {{
        proxy_wasm::set_root_context(|_| Box::new(crate::Root { calls: false }));
    }}
}

/// The size of the body of the call: about that of a login.
const BODY: [u8; 300] = [b'x'; 300];

struct Root {
    calls: bool,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        let words = hostcalls::get_buffer(BufferType::PluginConfiguration, 0, usize::MAX);
        self.calls = words.ok().flatten().is_some_and(|words| words == b"call");
        true
    }

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream { calls: self.calls }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

struct Stream {
    calls: bool,
}

impl Context for Stream {
    fn on_http_call_response(&mut self, _token: u32, _headers: usize, body_size: usize, _trailers: usize) {
        // As much of the host's work as whoever uses the answer has, and no more.
        let _ = hostcalls::get_buffer(BufferType::HttpCallResponseBody, 0, body_size);
        let _ = hostcalls::resume_http_request();
    }
}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        if !self.calls {
            return Action::Continue;
        }
        let headers = vec![
            (":method", "POST"),
            (":path", "/v1/organizations/acme-chat/logins"),
            (":authority", "store"),
            ("authorization", "Bearer bench-bench-bench-bench"),
            ("content-type", "application/json"),
            ("accept", "application/json"),
        ];
        match hostcalls::dispatch_http_call("plain", headers, Some(&BODY), vec![], Duration::from_secs(1)) {
            Ok(_) => Action::Pause,
            Err(_) => Action::Continue,
        }
    }
}
