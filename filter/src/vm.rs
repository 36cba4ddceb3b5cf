//! One VM: its root contexts, each with its configuration and its worker, and which of them a stream belongs to.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use crate::config;
use crate::host::{self, Action};
use crate::log_line;
use crate::metrics::MetricIds;
use crate::worker::{self, Worker};

/// How often a worker looks after its keys and its waiting requests.
const TICK: Duration = Duration::from_millis(50);

thread_local! {
    static VM: RefCell<Vm> = RefCell::default();
}

/// The contexts of a VM. Envoy gives filters with the same `vm_id` and code one VM, and each configuration a root context:
/// when a policy is put in place of another, both are here until the last request that began under the old one is over.
#[derive(Default)]
struct Vm {
    roots: Vec<Root>,
    /// The root context of each stream that did not begin under the first one.
    streams: HashMap<u32, u32>,
    first_root: u32,
    /// How many streams that began under the first one are not over.
    of_first_root: usize,
    metric_ids: MetricIds,
}

/// One filter in one worker; until it is configured nothing passes.
struct Root {
    id: u32,
    worker: Option<Worker>,
}

impl Vm {
    fn root(&mut self, id: u32) -> Option<&mut Root> {
        self.roots.iter_mut().find(|root| root.id == id)
    }

    /// The root context of a stream, or a root context itself.
    fn root_id(&self, context: u32) -> u32 {
        match self.streams.get(&context) {
            Some(root) => *root,
            None if self.roots.iter().any(|root| root.id == context) => context,
            None => self.first_root,
        }
    }

    fn worker(&mut self, context: u32) -> Option<&mut Worker> {
        // Nearly always there is one policy, and nothing to be looked for.
        let is_only = |root: &Root| self.roots.len() == 1 && self.streams.is_empty() && root.id == self.first_root;
        let root = if self.roots.first().is_some_and(is_only) { self.first_root } else { self.root_id(context) };
        self.root(root)?.worker.as_mut()
    }

    fn create(&mut self, context: u32, root: u32) {
        if root == 0 {
            if self.first_root == 0 {
                self.first_root = context;
            }
            self.roots.push(Root { id: context, worker: None });
        } else if root == self.first_root {
            self.of_first_root += 1;
        } else {
            self.streams.insert(context, root);
        }
    }

    fn configure(&mut self, root: u32) -> bool {
        let metric_ids = self.metric_ids.clone();
        let Some(root) = self.root(root) else { return false };
        if let Some(worker) = root.worker.take() {
            worker.close();
        }
        root.worker = new_worker(metric_ids);
        root.worker.is_some()
    }

    fn end(&mut self, context: u32) {
        if let Some(at) = self.roots.iter().position(|root| root.id == context) {
            if let Some(worker) = self.roots.swap_remove(at).worker {
                worker.close();
                // The host would go on calling for a context that has gone, for each policy that was ever in force.
                set_tick(Duration::ZERO);
            }
            if context == self.first_root && self.of_first_root == 0 {
                self.another_is_first();
            }
            return;
        }
        if let Some(worker) = self.worker(context) {
            worker.forget(context);
        }
        if self.streams.is_empty() || self.streams.remove(&context).is_none() {
            self.of_first_root = self.of_first_root.saturating_sub(1);
        }
    }

    /// The first root context is over, and its streams are: the newest of the others takes its place, so that requests under
    /// the policy that is in force need no list.
    fn another_is_first(&mut self) {
        self.first_root = self.roots.iter().map(|root| root.id).max().unwrap_or(0);
        let (first_root, before) = (self.first_root, self.streams.len());
        self.streams.retain(|_, root| *root != first_root);
        self.of_first_root = before - self.streams.len();
    }

    /// A body or trailers that come while the headers still wait are kept back with them.
    fn keep_back(&mut self, context: u32) -> Action {
        match self.worker(context) {
            Some(worker) if !worker.is_waiting(context) => Action::Continue,
            Some(_) | None => Action::Pause,
        }
    }
}

fn new_worker(metric_ids: MetricIds) -> Option<Worker> {
    let bytes = host::plugin_configuration()
        .map_err(|error| log_line::host_failed("plugin configuration", &error.to_string()))
        .ok()?;
    let policy = config::policy(&bytes)?;
    let name = &policy.store.token_env;
    let token = config::store_token(name, std::env::var(name).ok().as_deref())?;
    set_tick(TICK).then(|| Worker::new(policy, token, metric_ids))
}

/// From now on the host calls the running root context this often, or no more. Says whether it will.
fn set_tick(period: Duration) -> bool {
    host::set_tick_period(period).map_err(|error| log_line::host_failed("tick", &error.to_string())).is_ok()
}

/// Runs an event. The host does not call while another event runs; where it did, `None` says so, and nothing passes.
fn with<T>(event: impl FnOnce(&mut Vm) -> T) -> Option<T> {
    VM.with(|vm| vm.try_borrow_mut().ok().map(|mut vm| event(&mut vm)))
}

/// The VM begins: a panic is told before it ends it.
#[cfg(target_family = "wasm")]
pub(crate) fn start() {
    std::panic::set_hook(Box::new(|panic| log_line::panicked(&panic.to_string())));
}

/// A context begins: a root context, or a stream of one.
pub(crate) fn created(context: u32, root: u32) {
    with(|vm| vm.create(context, root));
}

/// A root context gets its configuration; says whether that can be used.
pub(crate) fn configured(root: u32) -> bool {
    with(|vm| vm.configure(root)).unwrap_or(false)
}

/// Time has passed.
pub(crate) fn ticked(root: u32) {
    with(|vm| vm.root(root).and_then(|root| root.worker.as_mut()).map(Worker::tick));
}

/// A request's headers have come; without a worker nothing passes.
pub(crate) fn request_arrived(context: u32) -> Action {
    let action = with(|vm| vm.worker(context).map(|worker| worker.request_arrived(context)));
    action.flatten().unwrap_or_else(worker::refuse)
}

/// A part of a request's body has come.
pub(crate) fn body_arrived(context: u32) -> Action {
    with(|vm| vm.keep_back(context)).unwrap_or(Action::Pause)
}

/// A request's trailers have come.
pub(crate) fn trailers_arrived(context: u32) -> Action {
    let action = with(|vm| {
        let is_stripped = vm.worker(context).is_some_and(|worker| worker.strip_trailers().is_ok());
        is_stripped.then(|| vm.keep_back(context))
    });
    action.flatten().unwrap_or_else(worker::refuse)
}

/// A call that this context made has been answered, or has failed.
pub(crate) fn call_answered(context: u32, token: u32, headers: usize, body_size: usize) {
    // What the worker asks about the answer is asked about this context, in which the host has just called.
    with(|vm| vm.worker(context).map(|worker| worker.call_answered(context, token, headers, body_size)));
}

/// A context is over.
pub(crate) fn done(context: u32) {
    with(|vm| vm.end(context));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The root context that a stream is of, while that is there.
    fn root_of(vm: &mut Vm, stream: u32) -> Option<u32> {
        let root = vm.root_id(stream);
        vm.root(root).map(|root| root.id)
    }

    #[test]
    fn each_stream_stays_with_the_configuration_it_began_under() {
        let mut vm = Vm::default();
        vm.create(1, 0);
        vm.create(10, 1);
        assert!(vm.streams.is_empty(), "one configuration needs no list of streams");
        vm.create(2, 0);
        vm.create(11, 2);
        vm.create(12, 1);
        assert_eq!([10, 11, 12].map(|stream| root_of(&mut vm, stream)), [Some(1), Some(2), Some(1)]);
        vm.end(1);
        assert_eq!([10, 11, 12].map(|stream| root_of(&mut vm, stream)), [None, Some(2), None]);
        vm.end(11);
        assert!(vm.streams.is_empty());
    }

    #[test]
    fn after_a_reload_the_new_configuration_needs_no_list_of_streams_either() {
        let mut vm = Vm::default();
        vm.create(1, 0);
        vm.create(10, 1);
        vm.create(2, 0);
        vm.create(11, 2);
        vm.end(10);
        vm.end(1);
        vm.create(12, 2);
        assert!(vm.streams.is_empty());
        assert_eq!([11, 12].map(|stream| root_of(&mut vm, stream)), [Some(2), Some(2)]);
        // And the one after it.
        vm.create(3, 0);
        vm.create(13, 3);
        vm.end(11);
        vm.end(12);
        vm.end(2);
        assert!(vm.streams.is_empty());
        assert_eq!(root_of(&mut vm, 13), Some(3));
        vm.end(13);
        vm.end(3);
        assert_eq!((vm.roots.len(), vm.of_first_root, root_of(&mut vm, 14)), (0, 0, None));
    }

    #[test]
    fn nothing_passes_without_a_worker() {
        created(1, 0);
        created(10, 1);
        assert_eq!(request_arrived(10), Action::Pause);
        assert_eq!(body_arrived(10), Action::Pause);
        assert_eq!(trailers_arrived(10), Action::Pause);
        assert!(!configured(1), "there is no configuration");
        assert_eq!(request_arrived(10), Action::Pause);
        done(10);
        done(1);
        assert_eq!(request_arrived(10), Action::Pause);
    }
}
