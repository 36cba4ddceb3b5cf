//! A filter that lets every request pass; configured with a cluster and, after it on lines of its own, a body, it puts that to
//! the cluster as a login first and waits for the answer.

use std::rc::Rc;
use std::time::Duration;

use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, BufferType, ContextType};

mod entry {
    //! What the host calls first.

    proxy_wasm::main! {{
        proxy_wasm::set_root_context(|_| Box::new(crate::Root { call: None }));
    }}
}

/// What is asked before a request goes on.
struct Call {
    cluster: String,
    authorization: String,
    body: String,
}

impl Call {
    fn read(words: &str) -> Option<Self> {
        let (cluster, body) = words.split_once('\n')?;
        let token = std::env::var("USHER_STORE_TOKEN").ok()?;
        Some(Self { cluster: cluster.to_owned(), authorization: format!("Bearer {token}"), body: body.to_owned() })
    }
}

struct Root {
    call: Option<Rc<Call>>,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        let words = hostcalls::get_buffer(BufferType::PluginConfiguration, 0, usize::MAX);
        let words = words.ok().flatten().unwrap_or_default();
        self.call = String::from_utf8(words.clone()).ok().as_deref().and_then(Call::read).map(Rc::new);
        words.is_empty() || self.call.is_some()
    }

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream { call: self.call.clone() }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

struct Stream {
    call: Option<Rc<Call>>,
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
        let Some(call) = &self.call else { return Action::Continue };
        let headers = vec![
            (":method", "POST"),
            (":path", "/v1/organizations/acme-chat/logins"),
            (":authority", "store"),
            ("authorization", call.authorization.as_str()),
            ("content-type", "application/json"),
            ("accept", "application/json"),
        ];
        match hostcalls::dispatch_http_call(
            &call.cluster,
            headers,
            Some(call.body.as_bytes()),
            vec![],
            Duration::from_secs(1),
        ) {
            Ok(_) => Action::Pause,
            Err(_) => Action::Continue,
        }
    }
}
