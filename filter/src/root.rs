//! The root context: configuration, ticks, and the answers to calls that no stream waits for itself.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;

use crate::config;
use crate::host;
use crate::log_line;
use crate::stream::Stream;
use crate::worker::Worker;

/// How often a worker looks after its keys and its waiting requests.
const TICK: Duration = Duration::from_millis(50);

/// One filter in one worker; until it is configured nothing passes.
#[derive(Default)]
pub(crate) struct Root {
    worker: Option<Rc<RefCell<Worker>>>,
}

impl Root {
    fn configure() -> Option<Worker> {
        let bytes = host::plugin_configuration()
            .map_err(|error| log_line::host_failed("plugin configuration", &error.to_string()))
            .ok()?;
        let policy = config::policy(&bytes)?;
        let name = &policy.store.token_env;
        let token = config::store_token(name, std::env::var(name).ok().as_deref())?;
        host::set_tick_period(TICK).map_err(|error| log_line::host_failed("tick", &error.to_string())).ok()?;
        Some(Worker::new(policy, token))
    }

    fn close(&self) {
        if let Some(worker) = &self.worker {
            worker.borrow().close();
        }
    }
}

impl Context for Root {
    fn on_http_call_response(&mut self, token: u32, headers: usize, body_size: usize, _trailers: usize) {
        if let Some(worker) = &self.worker {
            worker.borrow_mut().call_answered(token, headers, body_size);
        }
    }

    fn on_done(&mut self) -> bool {
        self.close();
        true
    }
}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        self.close();
        self.worker = Self::configure().map(|worker| Rc::new(RefCell::new(worker)));
        self.worker.is_some()
    }

    fn on_tick(&mut self) {
        if let Some(worker) = &self.worker {
            worker.borrow_mut().tick();
        }
    }

    fn create_http_context(&self, context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream::new(context_id, self.worker.clone())))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
