//! The proxy-wasm filter: host calls at the rim (`host`), a pure flow inside (`flow`), a worker that joins the two.

mod clock;
mod config;
mod credential;
mod feed;
mod flow;
mod headers;
mod host;
mod keys;
mod log_line;
mod metrics;
#[cfg(feature = "trap")]
mod probe;
mod reply;
mod root;
mod session;
mod signature;
mod store_call;
mod stream;
mod tags;
mod worker;

mod entry {
    //! What the host calls first.

    proxy_wasm::main! {{
        proxy_wasm::set_log_level(proxy_wasm::types::LogLevel::Info);
        proxy_wasm::set_root_context(|_| Box::new(crate::root::Root::default()));
    }}
}
