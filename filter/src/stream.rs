//! One request: hands what happens to it on to the worker, where the waiting requests are.

use std::cell::RefCell;
use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::worker::{self, Worker};

/// The stream context of one request.
pub(crate) struct Stream {
    context_id: u32,
    worker: Option<Rc<RefCell<Worker>>>,
}

impl Stream {
    /// A request to the worker of a root context; without one nothing passes.
    pub(crate) fn new(context_id: u32, worker: Option<Rc<RefCell<Worker>>>) -> Self {
        Self { context_id, worker }
    }

    /// A body or trailers that come while the headers still wait are kept back with them.
    fn keep_back(&self) -> Action {
        match &self.worker {
            Some(worker) if !worker.borrow().is_waiting(self.context_id) => Action::Continue,
            Some(_) | None => Action::Pause,
        }
    }
}

impl Context for Stream {
    fn on_http_call_response(&mut self, token: u32, headers: usize, body_size: usize, _trailers: usize) {
        if let Some(worker) = &self.worker {
            worker.borrow_mut().call_answered(token, headers, body_size);
        }
    }

    fn on_done(&mut self) -> bool {
        if let Some(worker) = &self.worker {
            worker.borrow_mut().forget(self.context_id);
        }
        true
    }
}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        match &self.worker {
            Some(worker) => worker.borrow_mut().request_arrived(self.context_id),
            None => worker::refuse(),
        }
    }

    fn on_http_request_body(&mut self, _size: usize, _end_of_stream: bool) -> Action {
        self.keep_back()
    }

    fn on_http_request_trailers(&mut self, _count: usize) -> Action {
        match &self.worker {
            Some(worker) if worker.borrow().strip_trailers().is_ok() => self.keep_back(),
            Some(_) | None => worker::refuse(),
        }
    }
}
